"""ImageRequest -> the JSON body of xAI's generations and edits.

Source: xai-proto (2026-05) and the AI SDK's xai package (2026-08), read 2026-11-22. Edits are JSON, not a form; their
pictures travel as data URIs. There is no mask, no seed, and no size in pixels.
"""

from typing import Any

from heliostat.adapters.sdk import Call, Input
from heliostat.adapters.sdk.asked import QUALITY_NAMES
from heliostat.adapters.sdk.pictures import read_row
from heliostat.adapters.xai.catalog import RATIO_WORDS, Traits
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {
        *("model", "prompt", "n", "response_format", "aspect_ratio", "resolution", "quality", "image", "images"),
        *("user", "size", "mask"),
    }
)
"""What is filled here: the request has words for it."""

TIER_WORDS = {"1K": "1k", "2K": "2k"}


async def gather(call: Call) -> list[Input]:
    """The caller's pictures, the one to work on first. Raises INPUT_UNREADABLE, and UNSUPPORTED for too many."""
    return await read_row(call, call.model.max_references)


def quality_of(request: requests.ImageRequest, traits: Traits) -> str:
    """The word for quality that is sent; the lowest where nothing is wished, for the default is not documented."""
    if not traits.qualities:
        return ""
    wanted = QUALITY_NAMES.get(request.output.quality)
    if wanted is None:
        return traits.qualities[0]
    return wanted if wanted in traits.qualities else traits.qualities[-1]


def make_body(call: Call, pictures: list[Input]) -> dict[str, Any]:
    """The body. Raises UNSUPPORTED where a strict request cannot be honoured, before anything is sent."""
    request = call.request
    body: dict[str, Any] = {
        **call.passed_on,
        "model": call.model.name,
        "prompt": request.prompt,
        "n": call.image_count,
        "response_format": "url" if call.passes_uris else "b64_json",
    }
    choice = call.size()
    if choice.ratio:
        body["aspect_ratio"] = RATIO_WORDS.get(choice.ratio, choice.ratio)
    if choice.tier:
        body["resolution"] = TIER_WORDS[choice.tier]
    quality = _quality(call)
    if quality:
        body["quality"] = quality
    if request.end_user_id:
        body["user"] = request.end_user_id
    if pictures:
        body |= _images(pictures)
    return body


def _quality(call: Call) -> str:
    sent = quality_of(call.request, call.model.facts)
    wanted = QUALITY_NAMES.get(call.request.output.quality)
    if sent and wanted and wanted != sent:
        call.adjust("quality", wanted, sent, f"{call.model.name} knows none above {sent}.")
    return sent


def _images(pictures: list[Input]) -> dict[str, Any]:
    """One picture has a field of its own; a request has one of the two."""
    referred = [{"type": "image_url", "url": one.data_uri} for one in pictures]
    return {"image": referred[0]} if len(referred) == 1 else {"images": referred}
