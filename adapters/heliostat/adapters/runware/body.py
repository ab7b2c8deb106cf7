"""ImageRequest -> one task of Runware.

Source: runware.ai/docs (image inference, tools, 2026), read 2026-11-22. Pictures travel as data URIs.
"""

from typing import Any

from heliostat.adapters.runware.endpoints import FORMATS, JPEG, PNG, WEBP, Endpoint
from heliostat.adapters.runware.options import RunwareOptions
from heliostat.adapters.sdk import Call, FollowsInput, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.asked import QUALITY_NAMES
from heliostat.adapters.sdk.inputs import data_uri
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons

_STEP_PX, _LEAST_PX, _MOST_PX = 64, 128, 2048
_MOST_SEED = 2**63 - 1
_COMPRESSION = (20, 99)
_FACE = "face"

MANAGED = frozenset(
    {
        *("taskType", "taskUUID", "includeCost", "outputType", "outputFormat", "outputQuality", "deliveryMethod"),
        *("webhookURL", "uploadEndpoint", "ttl", "numberResults", "model", "positivePrompt", "negativePrompt"),
        *("width", "height", "resolution", "seed", "seedImage", "maskImage", "strength", "outpaint", "inputs"),
        *("referenceImages", "inputImage", "upscaleFactor", "targetMegapixels", "providerSettings", "apiKey"),
    }
)
"""What is filled here: the request has words for it."""


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, UNSUPPORTED for too many."""
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if endpoint.seed_image and image else None
    references = await read_references(call)
    if image and references and 1 + len(references) > endpoint.most:
        message = f"{call.model.name} takes at most {endpoint.most} pictures in all here; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    return Pictures(image, references, mask)


def make_task(endpoint: Endpoint, call: Call, options: RunwareOptions, pictures: Pictures, task: str) -> dict[str, Any]:
    """The task. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    fields: dict[str, Any] = {
        **call.passed_on,
        "taskType": endpoint.task,
        "taskUUID": task,
        "model": call.model.name,
        "includeCost": True,
        "outputType": "URL",
        "deliveryMethod": "async",
    }
    if "prompt" in endpoint.takes:
        fields["positivePrompt"] = request.prompt
    if "negative_prompt" in endpoint.takes and request.negative_prompt:
        fields["negativePrompt"] = request.negative_prompt
    if "seed" in endpoint.takes and request.HasField("seed"):
        fields["seed"] = seed_between(call, 1, _MOST_SEED)
    if call.image_count > 1:
        fields["numberResults"] = call.image_count
    quality = QUALITY_NAMES.get(request.output.quality, "")
    if "quality" in endpoint.takes and quality:
        fields["providerSettings"] = {"openai": {"quality": _quality(call, quality)}}
    fields |= _format(endpoint, call)
    if endpoint.task == "imageInference":
        fields |= _size(call, pictures) | _pictures(endpoint, call, pictures)
    else:
        fields |= _tool(endpoint, call, pictures)
    return fields | options.fields(call.model.name, endpoint)


def _quality(call: Call, wanted: str) -> str:
    if wanted in {"low", "medium", "high"}:
        return wanted
    call.adjust("quality", wanted, "high", f"{call.model.name} knows none above high.")
    return "high"


def _format(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The wanted format, or the lossless one where the kit has to convert or nothing is wished."""
    output = call.request.output
    wanted = output.media_type if output.media_type in call.model.media_types else PNG
    sent: dict[str, Any] = {"outputFormat": FORMATS[wanted]}
    if "output_compression" in endpoint.takes and output.HasField("compression_percent") and wanted in {JPEG, WEBP}:
        least, most = _COMPRESSION
        sent["outputQuality"] = min(most, max(least, output.compression_percent))
        if sent["outputQuality"] != output.compression_percent:
            asked = str(output.compression_percent)
            reason = f"Runware compresses to {least} up to {most}."
            call.adjust("output_compression", asked, str(sent["outputQuality"]), reason)
    return sent


def _size(call: Call, pictures: Pictures) -> dict[str, int]:
    """The size; an edit without a wish has that of its picture."""
    request = call.request
    if operation_of(request) == "outpaint":
        return {}
    if pictures.image is not None and not request.HasField("size"):
        call.size()
        return {}
    choice = call.size()
    return {"width": choice.width_px, "height": choice.height_px} if choice.width_px else {}


def _pictures(endpoint: Endpoint, call: Call, pictures: Pictures) -> dict[str, Any]:
    request = call.request
    if endpoint.references:
        encoded = [one.data_uri for one in pictures.together]
        if not encoded:
            return {}
        return {"inputs": {"referenceImages": encoded}} if "." in endpoint.references else {"referenceImages": encoded}
    if pictures.image is None:
        return {}
    fields: dict[str, Any] = {"seedImage": pictures.image.data_uri}
    if pictures.mask is not None:
        fields["maskImage"] = data_uri(PNG, pictures.mask)
    if request.edit.HasField("strength"):
        fields["strength"] = request.edit.strength
    return fields | (_outpaint(call, pictures) if operation_of(request) == "outpaint" else {})


def _outpaint(call: Call, pictures: Pictures) -> dict[str, Any]:
    """Sides and the whole size, both in steps of 64 px. Raises INVALID_FIELD for a whole that is too large."""
    outpaint = call.request.outpaint
    call.size(FollowsInput())
    asked = {
        "top": outpaint.top_px,
        "right": outpaint.right_px,
        "bottom": outpaint.bottom_px,
        "left": outpaint.left_px,
    }
    sides = {name: _stepped(pixels) for name, pixels in asked.items()}
    width, height = (_stepped(edge) for edge in pictures.sizes[0])
    width, height = width + sides["left"] + sides["right"], height + sides["top"] + sides["bottom"]
    if min(width, height) < _LEAST_PX or max(width, height) > _MOST_PX:
        message = f"{call.model.name} draws {_LEAST_PX} to {_MOST_PX} px a side; add more or less, or another picture."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="outpaint")
    if sides != asked or (_stepped(pictures.sizes[0][0]), _stepped(pictures.sizes[0][1])) != pictures.sizes[0]:
        told, sent = (", ".join(f"{name} {pixels}" for name, pixels in one.items() if pixels) for one in (asked, sides))
        call.adjust("outpaint", told, sent, f"Runware works in steps of {_STEP_PX} px.")
    return {"outpaint": {name: pixels for name, pixels in sides.items() if pixels}, "width": width, "height": height}


def _stepped(pixels: int) -> int:
    return -(-max(0, pixels) // _STEP_PX) * _STEP_PX


def _tool(endpoint: Endpoint, call: Call, pictures: Pictures) -> dict[str, Any]:
    fields: dict[str, Any] = {"inputImage": pictures.image.data_uri} if pictures.image is not None else {}
    match operation_of(call.request):
        case "upscale":
            fields["upscaleFactor"] = _factor(endpoint, call, pictures)
        case "segment":
            _refuse_questions(call)
    return fields


def _factor(endpoint: Endpoint, call: Call, pictures: Pictures) -> int:
    """The factor nearest to the wish; 2 without one."""
    upscale = call.request.upscale
    width, height = pictures.sizes[0]
    if upscale.HasField("size"):
        wanted = max(upscale.size.width_px / width, upscale.size.height_px / height)
        name, asked = "size", f"{upscale.size.width_px}x{upscale.size.height_px}"
    else:
        wanted = upscale.factor if upscale.HasField("factor") else 2.0
        name, asked = "factor", f"{wanted:g}"
    sent = min(endpoint.factors, key=lambda one: abs(one - wanted))
    met = (sent * width, sent * height) == (upscale.size.width_px, upscale.size.height_px)
    if not met if name == "size" else sent != wanted:
        known = " or ".join(str(one) for one in endpoint.factors)
        call.adjust(name, asked, f"x{sent}", f"The model enlarges {known} times.")
    return sent


def _refuse_questions(call: Call) -> None:
    """The finder finds faces, and nothing that it is asked for."""
    segment = call.request.segment
    asked = next((name for name in ("points", "boxes") if getattr(segment, name)), "")
    if not asked and any(label.strip().lower() not in {_FACE, "faces"} for label in segment.labels):
        asked = "labels"
    if asked:
        message = f"{call.model.name} finds faces only; leave {asked} out, or choose another model."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field=asked)
