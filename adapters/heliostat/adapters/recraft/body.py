"""ImageRequest -> the fields and files of one endpoint of Recraft.

Source: recraft.ai/docs (2026-11) and the OpenAPI document (2026-08-22), read 2026-11-22. Pictures travel as files of a
form; without any the body is JSON.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.adapters.recraft.endpoints import FORMATS, PNG, STYLES, VECTOR_STYLES, Endpoint, Family
from heliostat.adapters.recraft.options import RecraftOptions
from heliostat.adapters.sdk import (
    Call,
    FollowsInput,
    Input,
    MaskForm,
    MeshError,
    Part,
    operation_of,
)
from heliostat.adapters.sdk.asked import shown
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.multipart import field_part
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

_SUFFIXES: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_MOST_BYTES, _MOST_PX, _LEAST_EDGE_PX, _MOST_EDGE_PX = 10_000_000, 16_000_000, 32, 4096
_MOST_SEED = 2**32 - 1
# Recraft wants a strength; this is halfway.
USUAL_STRENGTH = 0.5
_TARGETS_PX: Mapping[str, float] = {"upscale4mp": 4e6, "upscale16mp": 16e6}
_DROPPED = events.ADJUSTMENT_MODE_DROPPED

MANAGED = frozenset(
    {
        *("model", "prompt", "negative_prompt", "n", "size", "random_seed", "strength", "response_format"),
        *("image_format", "image", "mask", "image_url", "mask_url", "style_references", "style_reference_urls"),
        *("expand_left", "expand_right", "expand_top", "expand_bottom", "zoom_out_percentage"),
    }
)
"""What is filled here: the request has words for it."""


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, INVALID_FIELD for a missing mask, UNSUPPORTED for references."""
    request = call.request
    if request.references and not endpoint.references:
        message = f"{call.model.name} takes references for drawing only; leave them out."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    image = await read_image(call) if endpoint.image else None
    references = await read_references(call)
    for one, field in [(image, "image"), *((one, "references") for one in references)]:
        if one is not None:
            _check(one, field)
    mask = await call.mask(MaskForm.HARD_WHITE_REPAINTS, image) if endpoint.mask and image else None
    if endpoint.mask and mask is None:
        message = f"{call.model.name} works on a masked part; send a mask."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask")
    return Pictures(image, references, mask)


def _check(picture: Input, field: str) -> None:
    width, height = picture.shape.width_px, picture.shape.height_px
    if picture.media_type not in _SUFFIXES:
        fault = f"takes PNG, JPEG and WebP pictures, not {picture.media_type}"
    elif len(picture.data) > _MOST_BYTES:
        fault = f"takes pictures of at most {_MOST_BYTES} bytes"
    elif not _LEAST_EDGE_PX <= min(width, height) <= max(width, height) <= _MOST_EDGE_PX or width * height > _MOST_PX:
        fault = f"takes pictures of {_LEAST_EDGE_PX} to {_MOST_EDGE_PX} px a side and {_MOST_PX} px in all"
    else:
        return
    raise MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, f"Recraft {fault}; send another file.", field=field)


def make_fields(
    family: Family, endpoint: Endpoint, call: Call, options: RecraftOptions, pictures: Pictures
) -> dict[str, Any]:
    """All fields but pictures. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    if endpoint.needs_prompt and not request.prompt:
        message = f"{call.model.name} needs a prompt for {operation_of(request)}; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    _tell_ignored(family, endpoint, call)
    fields: dict[str, Any] = {**call.passed_on, "response_format": "url"}
    if endpoint.names_model:
        fields["model"] = call.model.name
    if "prompt" in endpoint.takes:
        fields["prompt"] = request.prompt
    if "negative_prompt" in endpoint.takes and request.negative_prompt:
        fields["negative_prompt"] = request.negative_prompt
    if "seed" in endpoint.takes and request.HasField("seed"):
        fields["random_seed"] = seed_between(call, 0, _MOST_SEED)
    if "strength" in endpoint.takes:
        fields["strength"] = request.edit.strength if request.edit.HasField("strength") else USUAL_STRENGTH
    if call.image_count > 1:
        fields["n"] = call.image_count
    fields |= _style(endpoint, call) | _size(endpoint, call, pictures) | _format(call)
    if operation_of(request) == "outpaint":
        fields |= _sides(request.outpaint)
    given = options.fields(call.model.name, endpoint)
    if endpoint.enlarges and "upscale" not in given:
        fields |= _target(call, pictures)
    if given.get("style") in VECTOR_STYLES:
        message = f"Pictures of the style {given['style']} are SVG, which is not delivered here; choose another style."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="provider_options.recraft.style")
    if pictures.references and {"style", "substyle", "style_id"} & (fields | given).keys():
        message = "References make a style of their own; leave the style out, or the references."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="references")
    return fields | given


def make_parts(fields: Mapping[str, Any], pictures: Pictures) -> Sequence[Part]:
    """The same as a form, with the pictures; empty where there are none."""
    files = [_file("image", "image", pictures.image)] if pictures.image is not None else []
    files += [_file("style_references", f"style_{n}", one) for n, one in enumerate(pictures.references, 1)]
    if pictures.mask is not None:
        files.append(Part("mask", pictures.mask, "mask.png", PNG))
    return [*(field_part(name, value) for name, value in fields.items()), *files] if files else ()


def _file(name: str, stem: str, picture: Input) -> Part:
    return Part(name, picture.data, f"{stem}.{_SUFFIXES[picture.media_type]}", picture.media_type)


def _tell_ignored(family: Family, endpoint: Endpoint, call: Call) -> None:
    """Tells what the model honours elsewhere and not for this operation."""
    reason = f"The model does not take it for {operation_of(call.request)}."
    tell_dropped(call, family.honoured - endpoint.takes, reason)


def _style(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    style = call.request.style
    if not style or "style" not in endpoint.takes:
        return {}
    if style.lower() in STYLES:
        return {"style": style.lower()}
    known = ", ".join(STYLES)
    call.adjust("style", shown("style", style), "", f"Recraft knows the styles {known} here.", _DROPPED)
    return {}


def _size(endpoint: Endpoint, call: Call, pictures: Pictures) -> dict[str, str]:
    """The size. A variation without a wish has the shape of its picture."""
    if "size" not in endpoint.takes:
        call.size(FollowsInput())
        return {}
    choice = call.size()
    if pictures.image is not None and not call.request.HasField("size"):
        width, height = pictures.sizes[0]
        shape = requests.AspectSize(width_ratio=width, height_ratio=height)
        choice = call.model.sizes.choose(requests.Size(aspect=shape))
    return {"size": f"{choice.width_px}x{choice.height_px}"}


def _format(call: Call) -> dict[str, str]:
    """The wanted format, or the lossless one where the kit has to convert or nothing is wished."""
    return {"image_format": FORMATS.get(call.request.output.media_type, FORMATS[PNG])}


def _sides(outpaint: requests.Outpaint) -> dict[str, int]:
    sides = {
        "expand_left": outpaint.left_px,
        "expand_right": outpaint.right_px,
        "expand_top": outpaint.top_px,
        "expand_bottom": outpaint.bottom_px,
    }
    return {name: pixels for name, pixels in sides.items() if pixels > 0}


def _target(call: Call, pictures: Pictures) -> dict[str, str]:
    """The size to enlarge to that is nearest to the wish; Recraft's usual one without a wish."""
    upscale = call.request.upscale
    width, height = pictures.sizes[0]
    if upscale.HasField("size"):
        name, asked, area = "size", f"{upscale.size.width_px}x{upscale.size.height_px}", _area(upscale.size)
    elif upscale.HasField("factor"):
        name, asked, area = "factor", f"{upscale.factor:g}", width * height * upscale.factor**2
    else:
        return {}
    word = min(_TARGETS_PX, key=lambda one: abs(math.log(max(1.0, area) / _TARGETS_PX[one])))
    call.adjust(name, asked, word, "Recraft enlarges to 4 or 16 megapixels.")
    return {"upscale": word}


def _area(size: requests.PixelSize) -> float:
    return float(size.width_px * size.height_px)
