"""POST /v1/images/edits: pictures and a mask as multipart files, or as data URLs and addresses in JSON."""

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.estimates import is_dry_run, without_bytes
from heliostat.edge.images import Images, wish_of
from heliostat.edge.inputs import Input, input_of, media_of, needs_blobs
from heliostat.edge.limits import body_chunks, json_fields
from heliostat.edge.model_list import not_found
from heliostat.edge.schemas import MAX_IMAGES, EditBody, edit_body, invalid
from heliostat.edge.to_proto import edit_request
from heliostat.edge.visit import Reply, Visit, visit_of

_IMAGE_FIELD = re.compile(r"images?(\[[0-9]{0,3}\])?", re.ASCII)
_MAX_FIELDS = 100
# Fields that hold lists or objects: in a form their value is JSON.
_STRUCTURED = frozenset({"provider_options", "provider", "models", "tags", "required_parameters", "svg"})


class _Form(MultiPartParser):
    """Starlette's parser, which by itself drops a last part without its end and says nothing."""

    def __init__(self, headers: Headers, chunks: AsyncGenerator[bytes, None], **limits: int) -> None:
        super().__init__(headers, self._to_its_end(chunks), **limits)
        self._whole = False

    def on_end(self) -> None:
        """Sees the closing boundary."""
        self._whole = True

    async def _to_its_end(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            yield chunk
        if not self._whole:
            # Raised in here, where the parser closes the files that it has begun.
            raise invalid("body", "The multipart body ends early; send it again, up to its closing boundary.")


class Edits:
    """Changes pictures."""

    def __init__(self, desk: Desk, images: Images) -> None:
        self._desk = desk
        self._images = images

    async def edits(self, request: Request) -> Reply:
        """Changes the first picture, where the mask says if there is one; further pictures are references."""
        visit = visit_of(request)
        if visit.header(b"content-type").lower().startswith("multipart/form-data"):
            fields, pictures, masks = await self._form(request, visit)
        else:
            fields, pictures, masks = await self._json(request, visit)
        body = _checked(fields, pictures, masks)
        wish = wish_of(visit)
        media = await self._carried(visit, body, [*pictures, *masks], dry_run=is_dry_run(request))
        mask = media.pop() if masks else None
        return await self._images.draw(request, body, edit_request(body, media, mask, wish), wish)

    async def _carried(self, visit: Visit, body: EditBody, inputs: list[Input], *, dry_run: bool) -> list[Any]:
        inline_bytes = self._desk.settings.inline_input_bytes
        if needs_blobs(inputs, inline_bytes):
            if dry_run:
                return without_bytes(inputs)
            # Nobody without a key may fill the store: the ledger is asked who this is before anything is put there.
            ask = router_pb2.ListModelsRequest(model=body.model)
            metadata = visit.credentials()
            found = await call(self._desk.router.ListModels, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
            if not found.models and "/" not in body.model:
                raise not_found(body.model, ())
        return await media_of(inputs, self._desk.blobs, inline_bytes)

    async def _json(self, request: Request, visit: Visit) -> tuple[dict[str, Any], list[Input], list[Input]]:
        settings = self._desk.settings
        limit = settings.max_json_picture_bytes
        fields = await json_fields(visit, request.receive, limit, settings.body_timeout_s)
        pictures = await _named_pictures(fields)
        mask = fields.pop("mask", None)
        return fields, pictures, [] if mask is None else [await input_of("mask", mask)]

    async def _form(self, request: Request, visit: Visit) -> tuple[dict[str, Any], list[Input], list[Input]]:
        settings = self._desk.settings
        chunks = body_chunks(visit, request.receive, settings.max_body_bytes, settings.body_timeout_s)
        parser = _Form(
            Headers(scope=request.scope),
            chunks,
            max_files=MAX_IMAGES + 1,
            max_fields=_MAX_FIELDS,
            max_part_size=settings.max_json_bytes,
        )
        try:
            form = await parser.parse()
        except (MultiPartException, FormParserError) as error:
            raise invalid("body", f"The multipart body cannot be read: {_reason(error)}") from None
        try:
            return await _sorted_out(form)
        finally:
            await form.close()


def _reason(error: Exception) -> str:
    """Starlette's own sentences are safe to show; the parser's may quote the body."""
    return error.message if isinstance(error, MultiPartException) else "it is not well formed."


def _checked(fields: Mapping[str, Any], pictures: list[Input], masks: list[Input]) -> EditBody:
    if fields.get("scale_factor") is not None:
        raise MeshError(
            reasons.ERROR_REASON_NOT_IMPLEMENTED,
            "Enlarging comes with a later version; leave scale_factor out.",
            field="scale_factor",
        )
    body = edit_body(fields)
    if not pictures:
        raise invalid("image", "image is missing; send the picture to change as a file named image.")
    if len(pictures) > MAX_IMAGES:
        raise invalid("image", f"At most {MAX_IMAGES} pictures are taken; send fewer.")
    if len(masks) > 1:
        raise invalid("mask", "mask stands more than once; send one.")
    return body


async def _named_pictures(fields: dict[str, Any]) -> list[Input]:
    """The pictures of a JSON body, taken out of its fields."""
    named: list[Any] = []
    for name in ("images", "image"):
        value = fields.pop(name, None)
        if value is not None:
            named.extend(value if isinstance(value, list) else [value])
    if len(named) > MAX_IMAGES:
        raise invalid("images", f"At most {MAX_IMAGES} pictures are taken; send fewer.")
    return [await input_of(f"images.{position}", value) for position, value in enumerate(named)]


async def _sorted_out(form: FormData) -> tuple[dict[str, Any], list[Input], list[Input]]:
    """Words, pictures and masks of a form. Empty fields count as not sent."""
    fields: dict[str, Any] = {}
    pictures: list[Input] = []
    masks: list[Input] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            await _sort_file(name, value, pictures, masks)
        elif not value.strip():
            continue
        elif _IMAGE_FIELD.fullmatch(name):
            pictures.append(await input_of("image", value.strip()))
        elif name == "mask":
            masks.append(await input_of("mask", value.strip()))
        elif name in fields:
            raise invalid(name[:64], f"{name[:64]} stands more than once; send it once.")
        else:
            fields[name] = _structured(name, value) if name in _STRUCTURED else value
    return fields, pictures, masks


async def _sort_file(name: str, upload: UploadFile, pictures: list[Input], masks: list[Input]) -> None:
    if not upload.size and (name == "mask" or not upload.filename):
        return
    if name == "mask":
        masks.append(Input("mask", data=await upload.read()))
    elif _IMAGE_FIELD.fullmatch(name):
        pictures.append(Input("image", data=await upload.read()))
    elif upload.size:
        raise invalid(name[:64], f"{name[:64]} is not a field that takes a file; send files as image or mask.")


def _structured(name: str, value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise invalid(name, f"{name} must be JSON when it is sent as a form field.") from None
