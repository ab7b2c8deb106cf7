"""ImageRequest -> the JSON body of one endpoint of Black Forest Labs.

Source: the OpenAPI document (2026-04-23) and docs.bfl.ai, read 2026-11-22. Pictures travel as bare base64; in masks
white is painted anew.
"""

from typing import Any

import pybase64

from heliostat.adapters.bfl.endpoints import Endpoint, SizeField
from heliostat.adapters.bfl.options import BflOptions
from heliostat.adapters.sdk import Call, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

# What the kit's tiers are called; nothing is wished for: the smallest of them, for the default is not documented.
_RESOLUTIONS = {"1K": "1k", "2K": "2k", "4K": "4k", "": "1k"}
_MOST_EXPANDED_PX = 2048


MANAGED = frozenset(
    {
        "prompt",
        "seed",
        "user",
        "width",
        "height",
        "aspect_ratio",
        "resolution",
        "output_format",
        "safety_tolerance",
        "image",
        "images",
        "mask",
        "image_prompt",
        "image_prompt_strength",
        "input_image",
        *(f"input_image_{number}" for number in range(2, 11)),
        "top",
        "bottom",
        "left",
        "right",
        "webhook_url",
        "webhook_secret",
    }
)
"""What is filled here: the request has words for it."""


async def gather(endpoint: Endpoint, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, INVALID_FIELD for a missing mask, UNSUPPORTED for too many."""
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if endpoint.mask and image else None
    if endpoint.mask and mask is None:
        message = f"{call.model.name} repaints a masked part; send a mask, or choose a model that edits whole pictures."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask")
    references = await read_references(call)
    if image and endpoint.most and 1 + len(references) > endpoint.most:
        message = f"{call.model.name} takes at most {endpoint.most} pictures in all; send fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    return Pictures(image, references, mask)


def make_body(endpoint: Endpoint, call: Call, options: BflOptions, pictures: Pictures) -> dict[str, Any]:
    """The body of one task. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    body: dict[str, Any] = {**call.passed_on, **endpoint.constants}
    if "prompt" in endpoint.takes and request.prompt:
        body["prompt"] = request.prompt
    if "seed" in endpoint.takes and request.HasField("seed"):
        body["seed"] = request.seed
    if "user" in endpoint.takes and request.end_user_id:
        body["user"] = request.end_user_id
    weight = next((one.weight for one in request.references if one.HasField("weight")), None)
    if "reference_weight" in endpoint.takes and weight is not None:
        body["image_prompt_strength"] = weight
    if request.moderation == requests.MODERATION_LOW:
        body["safety_tolerance"] = endpoint.lax_edit if pictures.together else endpoint.lax
    body |= _size(endpoint, call) | _format(endpoint, call) | _images(endpoint, pictures)
    if endpoint.outpaints:
        body |= _expansion(call)
    return body | options.given("bfl", call.model.name, endpoint.options)


def _size(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The size; an edit without a wish has that of its picture."""
    request = call.request
    if operation_of(request) != "text_to_image" and not request.HasField("size"):
        return {"resolution": _RESOLUTIONS[""]} if endpoint.size is SizeField.RATIO_AND_RESOLUTION else {}
    choice = call.size()
    if endpoint.size is SizeField.PIXELS:
        return {"width": choice.width_px, "height": choice.height_px} if choice.width_px else {}
    if endpoint.size is SizeField.NONE:
        return {}
    sent = {"aspect_ratio": choice.ratio} if choice.ratio else {}
    if endpoint.size is SizeField.RATIO_AND_RESOLUTION:
        sent["resolution"] = _RESOLUTIONS[choice.tier]
    return sent


def _format(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The wanted format, or the lossless one where the kit has to convert."""
    media_type = call.format_among(endpoint.formats)
    return {"output_format": endpoint.formats[media_type]} if media_type else {}


def _images(endpoint: Endpoint, pictures: Pictures) -> dict[str, Any]:
    encoded = [pybase64.b64encode_as_string(one.data) for one in pictures.together]
    if endpoint.listed:
        return {endpoint.listed: encoded} if encoded else {}
    if endpoint.numbered:
        return {f"{endpoint.numbered}_{n}" if n > 1 else endpoint.numbered: one for n, one in enumerate(encoded, 1)}
    if endpoint.prompted and encoded:
        return {endpoint.prompted: encoded[0]}
    if not endpoint.image:
        return {}
    mask = {endpoint.mask: pybase64.b64encode_as_string(pictures.mask)} if pictures.mask is not None else {}
    return {endpoint.image: encoded[0]} | mask


def _expansion(call: Call) -> dict[str, int]:
    """Pixels on each side. Raises INVALID_FIELD for more than an endpoint adds."""
    outpaint = call.request.outpaint
    sides = {
        "top": outpaint.top_px,
        "bottom": outpaint.bottom_px,
        "left": outpaint.left_px,
        "right": outpaint.right_px,
    }
    far = next((name for name, pixels in sides.items() if pixels > _MOST_EXPANDED_PX), None)
    if far is not None:
        message = f"{call.model.name} adds at most {_MOST_EXPANDED_PX} px on each side; ask for less, or twice."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"outpaint.{far}_px")
    return sides
