"""ImageRequest -> the JSON input of one endpoint of fal.

Source: fal's endpoint types (fal-js, 2026-08-02), read 2026-11-22. Pictures travel as data URIs; in masks white is
edited.
"""

from typing import Any

from heliostat.adapters.fal.endpoints import PNG, Endpoint, SizeField
from heliostat.adapters.fal.options import FalOptions
from heliostat.adapters.sdk import Call, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.enlarging import tell_own_factor, told_factor
from heliostat.adapters.sdk.inputs import data_uri
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {
        "prompt",
        "negative_prompt",
        "seed",
        "num_images",
        "max_images",
        "strength",
        "image_size",
        "aspect_ratio",
        "resolution",
        "quality",
        "rendering_speed",
        "output_format",
        "image_url",
        "image_urls",
        "image_prompt_strength",
        "mask_url",
        "sync_mode",
        "scale",
        "upscale_factor",
        "creativity",
        "prompts",
        "point_prompts",
        "box_prompts",
        "mask_type",
        "canvas_size",
        "original_image_size",
        "original_image_location",
        "fal_webhook",
    }
)
"""What is filled here: the request has words for it."""

_MOST_CANVAS_PX = 5_000 * 5_000

SPEEDS = {
    requests.QUALITY_LOW: "TURBO",
    requests.QUALITY_MEDIUM: "BALANCED",
    requests.QUALITY_HIGH: "QUALITY",
}
QUALITIES = {requests.QUALITY_LOW: "low", requests.QUALITY_MEDIUM: "medium", requests.QUALITY_HIGH: "high"}


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures in the order in which fal takes them. Raises INPUT_UNREADABLE and INVALID_FIELD."""
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if endpoint.mask and image else None
    return Pictures(image, await read_references(call), mask)


def make_body(endpoint: Endpoint, call: Call, options: FalOptions, pictures: Pictures) -> dict[str, Any]:
    """The input of one job. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    body = {**call.passed_on, **endpoint.constants, **_moderation(endpoint, request), **options.fields(endpoint)}
    if "prompt" in endpoint.takes and request.prompt:
        body["prompt"] = request.prompt
    if "negative_prompt" in endpoint.takes and request.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if "seed" in endpoint.takes and request.HasField("seed"):
        body["seed"] = request.seed
    if "image_count" in endpoint.takes and call.image_count > 1:
        body["num_images"] = call.image_count
    if "strength" in endpoint.takes and request.edit.HasField("strength"):
        body["strength"] = request.edit.strength
    body |= _size(endpoint, call) | _quality(endpoint, call) | _format(endpoint, call)
    body |= _images(endpoint, request, pictures)
    match operation_of(request):
        case "upscale":
            body |= _upscale(endpoint, call, pictures.sizes[0])
        case "outpaint":
            body |= _outpaint(endpoint, request.outpaint, pictures.sizes[0])
        case "segment":
            body |= _segment(endpoint, request.segment)
    return body


def _moderation(endpoint: Endpoint, request: requests.ImageRequest) -> dict[str, Any]:
    if request.moderation != requests.MODERATION_LOW:
        return {}
    if endpoint.safety:
        return {"safety_tolerance": endpoint.safety}
    return {"enable_safety_checker": False} if "enable_safety_checker" in endpoint.options else {}


def _size(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The size, unless an edit leaves it to the picture."""
    if not call.request.HasField("size") and operation_of(call.request) != "text_to_image":
        return {}
    choice = call.size()
    if endpoint.size is SizeField.IMAGE_SIZE:
        return {"image_size": {"width": choice.width_px, "height": choice.height_px}} if choice.width_px else {}
    if endpoint.size is SizeField.NONE:
        return {}
    sent = {"aspect_ratio": choice.ratio} if choice.ratio else {}
    if endpoint.size is SizeField.RATIO_AND_RESOLUTION and choice.tier:
        sent["resolution"] = choice.tier
    return sent


def _quality(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    wanted = call.request.output.quality
    if "quality" not in endpoint.takes or not wanted:
        return {}
    speeds = endpoint.path == "fal-ai/ideogram/v3"
    name, words = ("rendering_speed", SPEEDS) if speeds else ("quality", QUALITIES)
    word = words.get(wanted)
    if word is None:
        word = words[requests.QUALITY_HIGH]
        asked = requests.Quality.Name(wanted).removeprefix("QUALITY_").lower()
        call.adjust("quality", asked, word, "The model has nothing above high.")
    return {name: word}


def _format(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The wanted format, or the lossless one where the kit has to convert."""
    media_type = call.format_among(endpoint.formats)
    return {"output_format": endpoint.formats[media_type]} if media_type else {}


def _images(endpoint: Endpoint, request: requests.ImageRequest, pictures: Pictures) -> dict[str, Any]:
    body: dict[str, Any] = {}
    addresses = [one.data_uri for one in pictures.together]
    if addresses:
        body[endpoint.image] = addresses if endpoint.image_is_list else addresses[0]
    if endpoint.mask:
        if pictures.mask is None:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"{endpoint.path} repaints a masked part; send a mask, or choose a model that edits whole pictures.",
                field="mask",
            )
        body[endpoint.mask] = data_uri(PNG, pictures.mask)
    weight = next((one.weight for one in request.references if one.HasField("weight")), None)
    if "reference_weight" in endpoint.takes and weight is not None:
        body["image_prompt_strength"] = weight
    return body


def _upscale(endpoint: Endpoint, call: Call, size: tuple[int, int]) -> dict[str, Any]:
    upscale = call.request.upscale
    body: dict[str, Any] = {}
    if "creativity" in endpoint.takes and upscale.HasField("creativity"):
        body["creativity"] = upscale.creativity
    if not endpoint.takes & {"scale", "factor"}:
        tell_own_factor(call)
        return body
    factor = told_factor(call, size, endpoint.factors)
    if factor is not None:
        body["scale" if "scale" in endpoint.takes else "upscale_factor"] = factor
    return body


def _outpaint(endpoint: Endpoint, outpaint: requests.Outpaint, size: tuple[int, int]) -> dict[str, Any]:
    """The canvas, and where on it the picture lies, in px from its upper left corner."""
    width = size[0] + outpaint.left_px + outpaint.right_px
    height = size[1] + outpaint.top_px + outpaint.bottom_px
    if width * height >= _MOST_CANVAS_PX:
        message = f"{endpoint.path} takes less than {_MOST_CANVAS_PX} pixels in all, not {width}x{height}; add less."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="outpaint")
    return {
        "canvas_size": [width, height],
        "original_image_size": list(size),
        "original_image_location": [outpaint.left_px, outpaint.top_px],
    }


def _segment(endpoint: Endpoint, segment: requests.Segment) -> dict[str, Any]:
    """What to find. An endpoint asked for nothing would find what its demonstration finds: that is refused."""
    _refuse_foreign(endpoint, segment)
    body: dict[str, Any] = {}
    if segment.labels:
        body["prompt"] = segment.labels[0]
    if segment.points:
        body[endpoint.points] = [
            {"x": one.x_px, "y": one.y_px, "label": int(not one.exclude)} for one in segment.points
        ]
    if segment.boxes:
        body["box_prompts"] = [
            {"x_min": one.left_px, "y_min": one.top_px, "x_max": one.right_px, "y_max": one.bottom_px}
            for one in segment.boxes
        ]
    if not body:
        raise _unsupported(endpoint, "does not find everything by itself; say what to find", "segment")
    return body


def _refuse_foreign(endpoint: Endpoint, segment: requests.Segment) -> None:
    if segment.labels and "label" not in endpoint.takes:
        raise _unsupported(endpoint, "finds by points and boxes, not by labels", "labels")
    if len(segment.labels) > 1:
        raise _unsupported(endpoint, "finds one label per request; ask once for each", "labels")
    if segment.points and "points" not in endpoint.takes:
        raise _unsupported(endpoint, "finds by a label, not by points", "points")
    if segment.boxes and "boxes" not in endpoint.takes:
        raise _unsupported(endpoint, "finds by a label, not by boxes", "boxes")


def _unsupported(endpoint: Endpoint, fact: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_UNSUPPORTED, f"{endpoint.path} {fact}.", field=field)
