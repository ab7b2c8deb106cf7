"""ImageRequest -> the fields and files of one endpoint of Ideogram.

Source: developer.ideogram.ai (masked edits, to 2026-11-16) and the OpenAPI document (2026-10-07), read 2026-11-22.
Pictures travel as files of a form; without any the body is JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.adapters.ideogram.endpoints import STYLES, Endpoint, Family, SizeField
from heliostat.adapters.ideogram.options import IdeogramOptions
from heliostat.adapters.ideogram.orders import effort_word, factor_of
from heliostat.adapters.ideogram.sizes import SIZES_3
from heliostat.adapters.sdk import (
    Call,
    FollowsInput,
    Input,
    MaskForm,
    MeshError,
    Part,
    operation_of,
)
from heliostat.adapters.sdk.asked import QUALITY_NAMES, shown
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.multipart import field_part
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.adapters.sdk.sizing import SizeRule
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

_SUFFIXES: Mapping[str, str] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_MOST_SEED = 2**31 - 1
_DROPPED = events.ADJUSTMENT_MODE_DROPPED

MANAGED = frozenset(
    {
        *("prompt", "negative_prompt", "num_images", "seed", "async", "webhook_url", "rendering_speed", "quality"),
        *("size", "resolution", "resolution_tier", "aspect_ratio", "custom_width", "custom_height"),
        *("image", "images", "mask", "reference_images", "style_reference_images", "character_reference_images"),
        *("image_weight", "upscale_factor"),
    }
)
"""What is filled here: the request has words for it."""


async def gather(family: Family, endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, INVALID_FIELD for a missing one, UNSUPPORTED for too many."""
    request = call.request
    if len(request.references) > (endpoint.most_masked if endpoint.mask else endpoint.most):
        message = f"{call.model.name} takes fewer reference pictures for this; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    if family.needs_reference and not request.references:
        message = f"{call.model.name} draws a character from a picture; send one as a reference."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="references")
    image = await read_image(call)
    references = await read_references(call)
    for one, field in [(image, "image"), *((one, "references") for one in references)]:
        if one is not None:
            _check(one, field, endpoint)
    form = MaskForm.WHITE_REPAINTS if endpoint.white_mask else MaskForm.BLACK_REPAINTS
    mask = await call.mask(form, image) if endpoint.mask and image else None
    if endpoint.mask and mask is None:
        message = f"{call.model.name} repaints a masked part here; send a mask."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask")
    return Pictures(image, references, mask)


def _check(picture: Input, field: str, endpoint: Endpoint) -> None:
    if picture.media_type not in _SUFFIXES:
        message = f"Ideogram takes PNG, JPEG and WebP pictures; {field} is {picture.media_type}. Send another file."
        raise MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, message, field=field)
    if len(picture.data) > endpoint.image_bytes:
        message = f"Ideogram takes pictures of at most {endpoint.image_bytes} bytes here; send a smaller file."
        raise MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, message, field=field)


def make_fields(
    family: Family, endpoint: Endpoint, call: Call, options: IdeogramOptions, pictures: Pictures
) -> dict[str, Any]:
    """All fields but pictures. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    _tell_ignored(family, endpoint, call)
    fields: dict[str, Any] = dict(call.passed_on) if endpoint.always_job else {**call.passed_on, "async": True}
    if "prompt" in endpoint.takes and request.prompt:
        fields["prompt"] = request.prompt
    if "negative_prompt" in endpoint.takes and request.negative_prompt:
        fields["negative_prompt"] = request.negative_prompt
    if "seed" in endpoint.takes and request.HasField("seed"):
        fields["seed"] = seed_between(call, 0, _MOST_SEED)
    if call.image_count > 1:
        fields["num_images"] = call.image_count
    if "strength" in endpoint.takes and request.edit.HasField("strength"):
        # 100 is closest to the picture, and 0 is not taken.
        fields["image_weight"] = min(100, max(1, round(100 * (1 - request.edit.strength))))
    fields |= _effort(family, endpoint, call) | _style(endpoint, call) | _size(endpoint, call, pictures)
    fields |= _factor(endpoint, call, pictures)
    given = options.fields(call.model.name, endpoint)
    if "style_preset" in given and pictures.references and endpoint.references == "style_reference_images":
        message = "A style_preset excludes reference pictures; leave one of them out."
        field = "provider_options.ideogram.style_preset"
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=field)
    return fields | given


def make_parts(endpoint: Endpoint, fields: Mapping[str, Any], pictures: Pictures) -> Sequence[Part]:
    """The same as a form, with the pictures; empty where there are none."""
    files: list[Part] = []
    if pictures.image is not None:
        files.append(_file(endpoint.image, "image", pictures.image))
    files += [_file(endpoint.references, f"reference_{n}", one) for n, one in enumerate(pictures.references, 1)]
    if pictures.mask is not None:
        files.append(Part(endpoint.mask, pictures.mask, "mask.png", "image/png"))
    return [*(part for name, value in fields.items() for part in _texts(name, value)), *files] if files else ()


def _file(name: str, stem: str, picture: Input) -> Part:
    return Part(name, picture.data, f"{stem}.{_SUFFIXES[picture.media_type]}", picture.media_type)


def _texts(name: str, value: Any) -> list[Part]:
    """A field as parts: a list is one part for each of its texts, an object is JSON."""
    if isinstance(value, list):
        return [part for one in value for part in _texts(name, one)]
    return [field_part(name, value)]


def _tell_ignored(family: Family, endpoint: Endpoint, call: Call) -> None:
    """Tells what the model honours elsewhere and not for this operation."""
    reason = f"The model does not take it for {operation_of(call.request)}."
    tell_dropped(call, family.honoured - endpoint.takes, reason)


def _factor(endpoint: Endpoint, call: Call, pictures: Pictures) -> dict[str, str]:
    """The factor of an upscale, as "x2"; nothing for other operations."""
    if not endpoint.factors:
        return {}
    upscale, (width, height) = call.request.upscale, pictures.sizes[0]
    factor = factor_of(endpoint, call.request, (width, height))
    reason = f"The model enlarges {' or '.join(str(one) for one in endpoint.factors)} times."
    if upscale.HasField("size"):
        asked = f"{upscale.size.width_px}x{upscale.size.height_px}"
        if asked != f"{factor * width}x{factor * height}":
            call.adjust("size", asked, f"x{factor}", reason)
    elif upscale.HasField("factor") and upscale.factor != factor:
        call.adjust("factor", f"{upscale.factor:g}", f"x{factor}", reason)
    return {"upscale_factor": f"x{factor}"}


def _effort(family: Family, endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The word for the quality, always sent: the price hangs on it."""
    if endpoint.effort is None:
        return {}
    word = effort_word(family, endpoint, call.request)
    wanted = QUALITY_NAMES.get(call.request.output.quality, "")
    if wanted and not family.speed and wanted not in endpoint.effort.words:
        call.adjust("quality", wanted, word, f"{call.model.name} knows none above high.")
    return {endpoint.effort.field: word}


def _style(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    style = call.request.style
    if not style or "style" not in endpoint.takes:
        return {}
    if style.lower() in STYLES:
        return {"style_type": style.lower()}
    known = ", ".join(STYLES)
    call.adjust("style", shown("style", style), "", f"Ideogram knows the styles {known}.", _DROPPED)
    return {}


def _size(endpoint: Endpoint, call: Call, pictures: Pictures) -> dict[str, Any]:
    """The size. Without a wish the provider draws its usual one, and a remix keeps the shape of its picture."""
    request = call.request
    if operation_of(request) == "outpaint":
        return {"resolution": _reframed(call, pictures)}
    if endpoint.size is SizeField.NONE:
        call.size(FollowsInput())
        return {}
    if pictures.image is not None and not request.HasField("size"):
        call.size()
        width, height = pictures.sizes[0]
        return {"resolution": _of_shape(call.model.sizes, width, height)}
    choice = call.size()
    if not choice.sent:
        return {}
    match endpoint.size:
        case SizeField.SHAPE:
            return {"aspect_ratio": choice.ratio.replace(":", "x")}
        case SizeField.CUSTOM:
            return {"custom_width": choice.width_px, "custom_height": choice.height_px}
        case SizeField.SIZE:
            return {"size": choice.sent}
        case _:
            return {"resolution": choice.sent}


def _of_shape(rule: SizeRule, width: int, height: int) -> str:
    """The size of a list that is nearest to a shape, whatever its own size."""
    return rule.choose(requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height))).sent


def _reframed(call: Call, pictures: Pictures) -> str:
    """The size nearest to the picture with what is to be added; where the picture comes to stand, Ideogram chooses."""
    outpaint = call.request.outpaint
    width = pictures.sizes[0][0] + outpaint.left_px + outpaint.right_px
    height = pictures.sizes[0][1] + outpaint.top_px + outpaint.bottom_px
    call.size(FollowsInput())
    sent = _of_shape(SIZES_3, width, height)
    reason = "Ideogram reframes a picture to the nearest of a list of sizes, with it in the middle."
    call.adjust("outpaint", f"{width}x{height}", sent, reason)
    return sent
