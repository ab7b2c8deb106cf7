"""ImageRequest -> path, headers and JSON body of one call through the router. Pure but for reading the picture.

Source: the official clients (huggingface.js 2026-08-21, huggingface_hub 2.4), read 2026-11-22. Pictures travel as data
URIs, to hf-inference as bare base64; there are no masks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pybase64

from heliostat.adapters.huggingface.endpoints import (
    FAL,
    FLUX_SHAPES,
    HF,
    NSCALE,
    PNG,
    REPLICATE,
    TOGETHER,
    Endpoint,
    SizeField,
)
from heliostat.adapters.huggingface.options import HuggingFaceOptions
from heliostat.adapters.sdk import Call, Choice, Input, MeshError, operation_of
from heliostat.adapters.sdk.pictures import read_image
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {
        *("inputs", "parameters", "input", "model", "prompt", "version", "width", "height", "target_size", "seed"),
        *("image_size", "aspect_ratio", "size", "n", "num_images", "num_outputs", "image_url", "image_urls", "image"),
        *("images", "input_image", "input_images", "negative_prompt", "output_format", "response_format"),
        *("enable_safety_checker", "disable_safety_checker", "sync_mode", "webhook", "webhook_events_filter"),
    }
)
"""What is filled here: the request has words for it, or it would make another answer of the answer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One call: a path at the router, its headers and its body."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


async def gather(endpoint: Endpoint, call: Call) -> Input | None:
    """The picture to work on; None where the model draws from words. Raises INPUT_UNREADABLE."""
    return await read_image(call) if endpoint.images else None


def make_fields(endpoint: Endpoint, call: Call, options: HuggingFaceOptions, picture: Input | None) -> dict[str, Any]:
    """What the endpoint is told, prompt and picture among it. Raises INVALID_FIELD and UNSUPPORTED, before anything is
    sent."""
    request = call.request
    fields: dict[str, Any] = {**call.passed_on, **endpoint.constants}
    if operation_of(request) == "segment":
        _refuse_questions(call)
    elif request.prompt:
        fields["prompt"] = request.prompt
    else:
        message = f"{call.model.name} needs a prompt; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    told = {
        "seed": request.seed if request.HasField("seed") else None,
        "negative_prompt": request.negative_prompt or None,
        "image_count": call.image_count if call.image_count > 1 else None,
    }
    fields |= {sent: told[name] for name, sent in endpoint.takes.items() if told[name] is not None}
    if endpoint.lax and request.moderation == requests.MODERATION_LOW:
        fields[endpoint.lax[0]] = endpoint.lax[1]
    if picture is None or request.HasField("size"):
        fields |= _size(endpoint, call.size())
    fields |= _format(endpoint, call) | options.fields(call.model.name, endpoint)
    if picture is not None:
        fields |= _pictures(endpoint, picture)
    return fields


def address(endpoint: Endpoint, own_id: str, fields: Mapping[str, Any]) -> Letter:
    """The call for a model that the provider calls `own_id`."""
    head = f"/{endpoint.provider}"
    if endpoint.provider == HF:
        # As the official client asks: a picture, not JSON about one.
        asked = {} if endpoint.task == "image-segmentation" else {"accept": PNG}
        return Letter(f"{head}/models/{own_id}", _for_inference(endpoint, fields), asked)
    if endpoint.provider == FAL:
        return Letter(f"{head}/{own_id}?_subdomain=queue", fields)
    if endpoint.provider in {TOGETHER, NSCALE}:
        return Letter(f"{head}/v1/images/generations", {**fields, "model": own_id})
    if endpoint.provider == REPLICATE:
        name, _, version = own_id.partition(":")
        wait = {"prefer": "wait"}
        if version:
            return Letter(f"{head}/v1/predictions", {"version": version, "input": fields}, wait)
        return Letter(f"{head}/v1/models/{name}/predictions", {"input": fields}, wait)
    return Letter(f"{head}/api/v3/{own_id}", fields)


def _for_inference(endpoint: Endpoint, fields: Mapping[str, Any]) -> dict[str, Any]:
    """hf-inference has the thing to work on apart from all the rest."""
    work = "inputs" if endpoint.images else "prompt"
    rest = {name: value for name, value in fields.items() if name != work}
    return {"inputs": fields[work], **({"parameters": rest} if rest else {})}


def _size(endpoint: Endpoint, choice: Choice) -> dict[str, Any]:
    """The size in the endpoint's words; nothing where the model is left to choose."""
    width, height = choice.width_px, choice.height_px
    if endpoint.size is SizeField.SHAPE:
        shape = FLUX_SHAPES.get((width, height), choice.ratio)
        return {"aspect_ratio": shape} if shape else {}
    if not width:
        return {}
    match endpoint.size:
        case SizeField.EDGES:
            return {"width": width, "height": height}
        case SizeField.TARGET:
            return {"target_size": {"width": width, "height": height}}
        case SizeField.OBJECT:
            return {"image_size": {"width": width, "height": height}}
        case SizeField.TEXT:
            return {"size": f"{width}x{height}"}
        case SizeField.STARRED:
            return {"size": f"{width}*{height}"}
    return {}


def _format(endpoint: Endpoint, call: Call) -> dict[str, str]:
    """The wanted format, or the lossless one where the kit has to convert; without a wish the endpoint's first."""
    formats = endpoint.formats
    if not formats:
        return {}
    return {"output_format": formats[call.format_among(formats) or next(iter(formats))]}


def _pictures(endpoint: Endpoint, picture: Input) -> dict[str, Any]:
    """The picture under every name that models of the provider know it by, as the official clients send it."""
    text = pybase64.b64encode_as_string(picture.data) if endpoint.provider == HF else picture.data_uri
    return {name: [text] if name in endpoint.listed else text for name in endpoint.images}


def _refuse_questions(call: Call) -> None:
    segment = call.request.segment
    for name in ("labels", "points", "boxes"):
        if getattr(segment, name):
            message = f"{call.model.name} finds everything by itself and cannot be told what; leave {name} out."
            raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field=name)
