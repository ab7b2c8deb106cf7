"""ImageRequest -> the body of generateContent.

Source: ai.google.dev/gemini-api/docs/image-generation and python-genai (2026-08-21), read 2026-11-22. Pictures travel
inline as bare base64; there is no mask.
"""

from typing import Any

import pybase64

from heliostat.adapters.gemini.catalog import MOST_INLINE_BYTES, Traits
from heliostat.adapters.gemini.options import GeminiOptions
from heliostat.adapters.gemini.shapes import Shapes
from heliostat.adapters.sdk import Call, Input, MeshError, operation_of
from heliostat.adapters.sdk.pictures import read_row
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {"contents", "generationConfig", "safetySettings", "systemInstruction", "labels", "prompt", "model"}
)
"""What is filled here: the request has words for it."""

_CATEGORIES = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_TIER_WORDS = {"0.5K": "512"}
# Seeds have 32 bits, one of them for the sign.
_SEEDS = 2**31


async def gather(call: Call) -> list[Input]:
    """The caller's pictures, the one to work on first. Raises INPUT_UNREADABLE, and UNSUPPORTED for too many."""
    pictures = await read_row(call, call.model.max_references)
    if sum(len(one.data) for one in pictures) * 4 // 3 > MOST_INLINE_BYTES:
        message = f"Gemini takes pictures of 15 MB in all; send fewer of them, or smaller ones, to {call.model.name}."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    return pictures


def make_body(call: Call, options: GeminiOptions, pictures: list[Input]) -> dict[str, Any]:
    """The body. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    traits: Traits = call.model.facts
    options.check(call.model.name, traits)
    parts: list[dict[str, Any]] = [_inline(one) for one in pictures]
    if call.request.prompt:
        parts.append({"text": call.request.prompt})
    generation = {"responseModalities": ["IMAGE"], **options.generation()}
    if call.request.HasField("seed"):
        generation["seed"] = seed_between(call, -_SEEDS, _SEEDS - 1)
    shape = _shape(call, traits, pictures)
    if options.person_generation:
        shape["personGeneration"] = options.person_generation
    if shape:
        generation["imageConfig"] = shape
    body: dict[str, Any] = {**call.passed_on, "contents": [{"role": "user", "parts": parts}]}
    body["generationConfig"] = generation
    lax = "BLOCK_NONE" if call.request.moderation == requests.MODERATION_LOW else None
    threshold = options.safety_threshold or lax
    if threshold:
        body["safetySettings"] = [{"category": f"HARM_CATEGORY_{name}", "threshold": threshold} for name in _CATEGORIES]
    if options.system_instruction:
        body["systemInstruction"] = {"parts": [{"text": options.system_instruction}]}
    if options.labels:
        body["labels"] = dict(options.labels)
    return body


def _inline(picture: Input) -> dict[str, Any]:
    return {"inlineData": {"mimeType": picture.media_type, "data": pybase64.b64encode_as_string(picture.data)}}


def _shape(call: Call, traits: Traits, pictures: list[Input]) -> dict[str, str]:
    """imageConfig. Nothing is sent of what the caller left open: a drawing is square then, an edit has the shape of
    its picture; of several Gemini would follow the last one, so the shape of the first is named."""
    if not call.request.HasField("size"):
        rule = call.model.sizes
        if operation_of(call.request) != "edit" or len(pictures) < 2 or not isinstance(rule, Shapes):
            return {}
        own = pictures[0].shape
        return {"aspectRatio": rule.nearest(own.width_px, own.height_px)}
    choice = call.size()
    sent = {"aspectRatio": choice.ratio} if choice.ratio else {}
    if choice.tier and traits.sized:
        sent["imageSize"] = _TIER_WORDS.get(choice.tier, choice.tier)
    return sent
