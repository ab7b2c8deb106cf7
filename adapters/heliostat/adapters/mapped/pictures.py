"""The caller's pictures of one attempt, in the ways in which a provider takes them."""

from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.fields import ROLES, BodyField
from heliostat.adapters.sdk import Call, Input, MaskForm, MeshError, Part, operation_of
from heliostat.adapters.sdk.inputs import data_uri
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

PNG = "image/png"
_SUFFIXES = {PNG: "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif"}
_FORMS = {
    "white": MaskForm.WHITE_REPAINTS,
    "black": MaskForm.BLACK_REPAINTS,
    "alpha": MaskForm.ALPHA_REPAINTS,
    "hard white": MaskForm.HARD_WHITE_REPAINTS,
}
_NO_MASK = "takes no mask here; leave it out, or choose another model"


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture that goes to the provider: its bytes and type, or an address that the provider fetches itself."""

    data: bytes = b""
    media_type: str = PNG
    size: tuple[int, int] = (0, 0)
    address: str = ""
    role: str = "unspecified"
    weight: float | None = None

    def in_form(self, form: str) -> Any:
        """The picture as a JSON value. `form` is one of fields.py, without files."""
        if form == "address":
            return self.address
        if form == "bytes":
            return list(self.data)
        if form == "data_uri":
            return data_uri(self.media_type, self.data)
        return pybase64.b64encode_as_string(self.data)

    def part(self, name: str) -> Part:
        """The picture as a file of a form."""
        return Part(name, self.data, f"{name.rpartition('.')[2]}.{_SUFFIXES[self.media_type]}", self.media_type)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one attempt by what they are for; the one to work on stands first in `sizes`."""

    image: Sent | None = None
    mask: Sent | None = None
    style: Sent | None = None
    references: tuple[Sent, ...] = ()

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Sizes in px of all but the mask; (0, 0) for addresses."""
        together = [*([self.image] if self.image else []), *([self.style] if self.style else []), *self.references]
        return [one.size for one in together]


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, INVALID_FIELD for a missing mask, UNSUPPORTED for what the
    endpoint does not take."""
    request = call.request
    operation = operation_of(request)
    if request.references and endpoint.field_of("references") is None:
        raise _unsupported(call, "takes no references here; leave them out, or choose another model", "references")
    image = style = mask = None
    if operation != "text_to_image":
        image = await _sent(getattr(request, operation).image, endpoint.field_of("image"), call, "image")
    if operation == "style_transfer":
        style = await _sent(request.style_transfer.style, endpoint.field_of("style_image"), call, "style")
    if operation == "edit":
        mask = await _mask(endpoint, call, image)
    references = [
        await _sent(one.image, _field_for(endpoint, ROLES[one.role]), call, "references", one)
        for one in request.references
    ]
    return Pictures(image, mask, style, tuple(one for one in references if one is not None))


async def _sent(
    media: media_pb2.Media,
    field: BodyField | None,
    call: Call,
    name: str,
    reference: requests.Reference | None = None,
) -> Sent | None:
    if field is None:
        raise _unsupported(call, f"has no use for {name} here; leave it out", name)
    role = ROLES[reference.role] if reference is not None else "unspecified"
    weight = reference.weight if reference is not None and reference.HasField("weight") else None
    if field.form == "address":
        if media.WhichOneof("source") != "uri" or not media.uri.startswith("https://"):
            raise _unsupported(call, "takes pictures by a public https address only; send an address", name)
        return Sent(address=media.uri, role=role, weight=weight)
    taken = await call.input(media, name)
    return Sent(taken.data, taken.media_type, (taken.shape.width_px, taken.shape.height_px), role=role, weight=weight)


async def _mask(endpoint: Endpoint, call: Call, image: Sent | None) -> Sent | None:
    field = endpoint.field_of("mask")
    if field is None or image is None:
        if call.request.edit.mask.WhichOneof("source") is not None:
            raise _unsupported(call, _NO_MASK, "mask")
        return None
    # A picture is read once: what was changed of it is told once.
    shown = await call.input(call.request.edit.image) if image.address else Input(image.data, read_shape(image.data))
    mask = await call.mask(_FORMS[field.mask], shown)
    return Sent(mask) if mask is not None else None


def _field_for(endpoint: Endpoint, role: str) -> BodyField | None:
    """The field of references of a role: the one that names it, else the one that names none."""
    fields = [one for one in endpoint.fields.values() if one.source == "references"]
    named = next((one for one in fields if role in one.roles), None)
    return named or next((one for one in fields if not one.roles), None)


def of_field(field: BodyField, pictures: Pictures, endpoint: Endpoint) -> list[Sent]:
    """The pictures that a field holds."""
    if field.source == "references":
        return [one for one in pictures.references if _field_for(endpoint, one.role) is field]
    single = {"image": pictures.image, "mask": pictures.mask, "style_image": pictures.style}[str(field.source)]
    return [single] if single is not None else []


def _unsupported(call: Call, what: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_UNSUPPORTED, f"{call.model.name} {what}.", field=field)
