"""ImageRequest -> the JSON body of Together AI's images endpoint.

Source: the OpenAPI document (2026-04-28) and docs.together.ai, read 2026-11-22. Pictures travel as data URIs; there are
no masks.
"""

from typing import Any

from heliostat.adapters.sdk import Call, Input, MeshError, operation_of
from heliostat.adapters.sdk.pictures import read_row
from heliostat.adapters.together.options import TogetherOptions
from heliostat.adapters.together.traits import FORMATS, SINGLE, Traits
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {
        *("model", "prompt", "n", "width", "height", "seed", "negative_prompt", "image_url", "reference_images"),
        *("aspect_ratio", "output_format", "response_format", "disable_safety_checker"),
    }
)
"""What is filled here: the request has words for it."""


async def gather(traits: Traits, call: Call) -> list[Input]:
    """The caller's pictures, the one to work on first. Raises INPUT_UNREADABLE, UNSUPPORTED for too many."""
    return await read_row(call, 1 if traits.images == SINGLE else call.model.max_references)


def make_body(traits: Traits, call: Call, options: TogetherOptions, inputs: list[Input]) -> dict[str, Any]:
    """The body of one call. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    if not request.prompt:
        message = f"{call.model.name} needs a prompt; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    body: dict[str, Any] = {**call.passed_on, "model": call.model.name, "prompt": request.prompt}
    if call.image_count > 1:
        body["n"] = call.image_count
    if "seed" in traits.takes and request.HasField("seed"):
        body["seed"] = request.seed
    if "negative_prompt" in traits.takes and request.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if traits.checked and request.moderation == requests.MODERATION_LOW:
        body["disable_safety_checker"] = True
    body |= _size(call) | _images(traits, inputs) | options.given("together", call.model.name, traits.options)
    body["output_format"] = _format(call)
    body["response_format"] = "url" if call.passes_uris else "base64"
    return body


def _size(call: Call) -> dict[str, int]:
    """The size; an edit without a wish leaves it to the model."""
    if operation_of(call.request) == "edit" and not call.request.HasField("size"):
        return {}
    choice = call.size()
    return {"width": choice.width_px, "height": choice.height_px} if choice.width_px else {}


def _format(call: Call) -> str:
    """The wanted format, or the lossless one where the kit has to convert; without a wish the API's own."""
    return FORMATS[call.format_among(FORMATS) or next(iter(FORMATS))]


def _images(traits: Traits, inputs: list[Input]) -> dict[str, Any]:
    if not inputs:
        return {}
    encoded = [one.data_uri for one in inputs]
    return {traits.images: encoded[0] if traits.images == SINGLE else encoded}
