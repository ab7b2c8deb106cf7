"""ImageRequest -> what Fireworks AI's three dialects are sent.

Source: docs.fireworks.ai (2026), read 2026-11-22. Kontext takes one picture as a data URI, SDXL one as a file of a
form; there are no masks.
"""

import json
from typing import Any

from heliostat.adapters.fireworks.endpoints import Dialect, Endpoint
from heliostat.adapters.fireworks.options import FireworksOptions
from heliostat.adapters.sdk import Call, Input, MeshError, Part, operation_of, text_part
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

# The laxest tolerance of Kontext, and the laxest beside a picture.
_LAX, _LAX_EDIT = 6, 2
_MOST_SEED = 2**63 - 1

MANAGED = frozenset(
    {
        *("prompt", "negative_prompt", "seed", "aspect_ratio", "width", "height", "samples", "output_format"),
        *("num_inference_steps", "safety_check", "safety_tolerance", "input_image", "init_image", "image_strength"),
        *("webhook_url", "webhook_secret"),
    }
)
"""What is filled here: the request has words for it."""


async def gather(call: Call) -> Input | None:
    """The picture to work on. Raises INPUT_UNREADABLE."""
    return await call.input(call.request.edit.image) if operation_of(call.request) == "edit" else None


def make_body(endpoint: Endpoint, call: Call, options: FireworksOptions, image: Input | None) -> dict[str, Any]:
    """All fields but a form's file. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    if not request.prompt:
        message = f"{call.model.name} needs a prompt; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    body: dict[str, Any] = {**call.passed_on, "prompt": request.prompt}
    if endpoint.steps:
        body[endpoint.options["steps"]] = endpoint.steps
    body |= _parameters(endpoint, call) | _size(endpoint, call, image)
    if endpoint.dialect is Dialect.JOB:
        body["output_format"] = endpoint.formats[wanted_type(endpoint, call)]
        if image is not None:
            body["input_image"] = image.data_uri
    return body | options.fields(call.model.name, endpoint)


def make_parts(body: dict[str, Any], image: Input) -> list[Part]:
    """The form of a picture that is changed."""
    ending = image.media_type.removeprefix("image/")
    return [
        *(text_part(name, _text(value)) for name, value in body.items()),
        Part("init_image", image.data, f"image.{ending}", image.media_type),
    ]


def wanted_type(endpoint: Endpoint, call: Call) -> str:
    """The media type to ask for: the wanted one, or the lossless one where the kit has to convert."""
    return call.format_among(endpoint.formats) or next(iter(endpoint.formats))


def _parameters(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """What the request says and the model has a field for."""
    request = call.request
    lax: Any = None
    if request.moderation == requests.MODERATION_LOW:
        tolerance = _LAX_EDIT if operation_of(request) == "edit" else _LAX
        lax = tolerance if endpoint.dialect is Dialect.JOB else False
    values: dict[str, Any] = {
        "seed": _seed(endpoint, call) if request.HasField("seed") else None,
        "negative_prompt": request.negative_prompt or None,
        "moderation": lax,
        "strength": round(1 - request.edit.strength, 6) if request.edit.HasField("strength") else None,
    }
    return {sent: values[name] for name, sent in endpoint.takes.items() if values[name] is not None}


def _seed(endpoint: Endpoint, call: Call) -> int:
    """The seed; 0 means any, but to Kontext."""
    return call.request.seed if endpoint.dialect is Dialect.JOB else seed_between(call, 1, _MOST_SEED)


def _size(endpoint: Endpoint, call: Call, image: Input | None) -> dict[str, Any]:
    """The size; what is made of a picture has its shape, or the nearest one, where nothing else is wished for."""
    if image is not None and endpoint.repaints:
        call.size()
        return {}
    if image is not None and not call.request.HasField("size"):
        shape = requests.PixelSize(width_px=image.shape.width_px, height_px=image.shape.height_px)
        return {"aspect_ratio": call.model.sizes.choose(requests.Size(pixels=shape)).ratio}
    choice = call.size()
    if choice.width_px:
        return {"width": choice.width_px, "height": choice.height_px}
    return {"aspect_ratio": choice.ratio} if choice.ratio else {}


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
