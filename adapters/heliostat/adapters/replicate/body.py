"""ImageRequest -> the `input` object of one model of Replicate.

Source: Replicate's HTTP API (2026) and the models' schemas (2025-12), read 2026-11-22. In masks white is changed.
"""

from dataclasses import dataclass
from typing import Any

from heliostat.adapters.replicate.options import ReplicateOptions
from heliostat.adapters.replicate.schemas import FLUX_SHAPES, SCHEMAS, Schema, SizeField
from heliostat.adapters.sdk import Call, Input, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.asked import reader
from heliostat.adapters.sdk.enlarging import tell_own_factor, told_factor
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

MATCH = "match_input_image"
_SHAPE = {"size", "aspect_ratio", "resolution", "width", "height", "megapixels", "output_format", "canvas_size"}
MANAGED = frozenset(
    _SHAPE
    | {name for schema in SCHEMAS.values() for name in (*schema.takes.values(), *schema.constants)}
    | {name for schema in SCHEMAS.values() for name in (schema.image, schema.images, schema.reference, schema.mask)}
    | {schema.lax[0] for schema in SCHEMAS.values() if schema.lax is not None}
    | {"num_outputs", "number_of_images", "num_images", "max_images", "original_image_size", "original_image_location"}
)
"""Fields that the request has words for, whichever model they belong to."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The same pictures as Replicate is told of them: data URIs and addresses of uploaded files."""

    image: str = ""
    references: tuple[str, ...] = ()
    mask: str = ""


async def gather(schema: Schema, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, and INVALID_FIELD where a mask is needed or does not fit."""
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if schema.mask and image else None
    if schema.mask and mask is None:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"{call.model.name} repaints a masked part; send a mask, or choose a model that edits whole pictures.",
            field="mask",
        )
    references = await read_references(call)
    return Pictures(image, references, mask)


def make_input(schema: Schema, call: Call, options: ReplicateOptions, pictures: Pictures) -> dict[str, Any]:
    """The input of one prediction, without its pictures. Raises INVALID_FIELD and UNSUPPORTED: nothing is sent then."""
    request = call.request
    _count(schema, call, pictures)
    body = {**call.passed_on, **schema.constants, **_moderation(schema, request), **_parameters(schema, call)}
    body |= _size(schema, call) | _format(schema, call)
    operation = operation_of(request)
    if operation == "upscale" and pictures.image is not None:
        body |= _upscale(schema, call, (pictures.image.shape.width_px, pictures.image.shape.height_px))
    elif operation == "outpaint" and pictures.image is not None:
        body |= _outpaint(request.outpaint, pictures.image)
    elif operation == "segment":
        _refuse_questions(call)
    return body | options.given("replicate", call.model.name, schema.options)


def picture_fields(schema: Schema, sent: Sent) -> dict[str, Any]:
    """The pictures of a prediction under the model's names for them."""
    if schema.images:
        together = [one for one in (sent.image, *sent.references) if one]
        return {schema.images: together} if together else {}
    fields: dict[str, Any] = {}
    if schema.image and sent.image:
        fields[schema.image] = sent.image
    if schema.reference and sent.references:
        fields[schema.reference] = sent.references[0]
    if schema.mask:
        fields[schema.mask] = sent.mask
    return fields


def _count(schema: Schema, call: Call, pictures: Pictures) -> None:
    """A picture to work on travels in the list of references and counts as one of them."""
    most = call.model.max_references
    if schema.images and pictures.image is not None and 1 + len(pictures.references) > most:
        message = f"{call.model.name} takes at most {most} pictures in all; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")


def _moderation(schema: Schema, request: requests.ImageRequest) -> dict[str, Any]:
    if request.moderation != requests.MODERATION_LOW or schema.lax is None:
        return {}
    name, value = schema.lax
    beside = operation_of(request) == "edit" and schema.lax_edit is not None
    return {name: schema.lax_edit if beside else value}


def _parameters(schema: Schema, call: Call) -> dict[str, Any]:
    """What the request says and the model has a field for."""
    request, output = call.request, call.request.output
    weight = next((one.weight for one in request.references if one.HasField("weight")), None)
    values: dict[str, Any] = {
        "prompt": request.prompt or None,
        "negative_prompt": request.negative_prompt or None,
        "style": request.style or None,
        "seed": request.seed if request.HasField("seed") else None,
        "image_count": call.image_count if call.image_count > 1 else None,
        "strength": request.edit.strength if request.edit.HasField("strength") else None,
        "reference_weight": weight,
        "creativity": request.upscale.creativity if request.upscale.HasField("creativity") else None,
        "output_compression": output.compression_percent if reader("output_compression")(request) else None,
    }
    return {field: values[name] for name, field in schema.takes.items() if values.get(name) is not None}


def _size(schema: Schema, call: Call) -> dict[str, Any]:
    """The size; an edit without a wish has the shape of its picture."""
    request = call.request
    if operation_of(request) != "text_to_image" and not request.HasField("size"):
        return {"aspect_ratio": MATCH} if schema.matches_input else {}
    choice = call.size()
    match schema.size:
        case SizeField.RATIO if choice.ratio:
            return {"aspect_ratio": choice.ratio}
        case SizeField.FLUX_SHAPE if choice.width_px:
            return {"aspect_ratio": FLUX_SHAPES[choice.width_px, choice.height_px]}
        case SizeField.CUSTOM_RATIO if choice.width_px:
            return {"aspect_ratio": "custom", "width": choice.width_px, "height": choice.height_px}
        case SizeField.CUSTOM_SIZE if choice.width_px:
            return {"size": "custom", "width": choice.width_px, "height": choice.height_px}
        case SizeField.LISTED if choice.width_px:
            return {"size": f"{choice.width_px}x{choice.height_px}"}
    return {}


def _format(schema: Schema, call: Call) -> dict[str, Any]:
    """The wanted format, or the lossless one where the kit has to convert."""
    media_type = call.format_among(schema.formats)
    return {"output_format": schema.formats[media_type]} if media_type else {}


def _upscale(schema: Schema, call: Call, size: tuple[int, int]) -> dict[str, Any]:
    """The factor; a model that has one of its own is not sent any."""
    field = schema.takes.get("factor")
    if field is None:
        tell_own_factor(call)
        return {}
    factor = told_factor(call, size, schema.factors)
    return {} if factor is None else {field: factor}


def _outpaint(outpaint: requests.Outpaint, image: Input) -> dict[str, Any]:
    """The canvas, and where on it the picture lies, in px from its upper left corner."""
    width, height = image.shape.width_px, image.shape.height_px
    canvas = [width + outpaint.left_px + outpaint.right_px, height + outpaint.top_px + outpaint.bottom_px]
    return {
        "canvas_size": canvas,
        "original_image_size": [width, height],
        "original_image_location": [outpaint.left_px, outpaint.top_px],
    }


def _refuse_questions(call: Call) -> None:
    segment = call.request.segment
    for name in ("labels", "points", "boxes"):
        if getattr(segment, name):
            message = f"{call.model.name} finds everything by itself and cannot be told what; leave {name} out."
            raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field=name)
