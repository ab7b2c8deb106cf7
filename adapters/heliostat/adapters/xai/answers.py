"""What xAI answers: pictures, their exact cost, refusals. Pure.

Source: xai-proto (2026-05), the AI SDK's xai package (2026-08), read 2026-11-22. A picture that is moderated away is
told under status 200, by `respect_moderation: false` beside a placeholder or nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.adapters.sdk import Answer, MeshError, read_json_pictures, read_refusal
from heliostat.adapters.sdk.costing import Reported, read_cost
from heliostat.adapters.sdk.drawn import Drawn, read_drawn
from heliostat.adapters.xai.outcomes import BLOCKED, OUTCOMES
from heliostat.api.image.v1 import reason_pb2 as reasons

TICK_USD = "0.0000000001"
"""One tick of `cost_in_usd_ticks`, in US dollars."""

_UNSUPPORTED = re.compile(r"Argument not supported: ([a-z_]{1,40})")
_MODERATED = ("moderation", "usage guidelines", "content policy", "safety_check")
_BROKE = ("credits", "spending limit")
_UNREADABLE = ("download", "fetch image", "decode image", "unsupported image", "invalid image")
_FIELDS: Mapping[str, str] = {"aspect_ratio": "size", "resolution": "size", "images": "references"}


@dataclass(frozen=True, slots=True)
class Images:
    """A whole answer: the pictures that may be seen, how many were moderated away, the cost as xAI said it."""

    drawn: tuple[Drawn, ...]
    moderated: int
    cost: Reported


def read_images(body: bytes) -> Images:
    """Reads an answer; what is neither base64 nor an address is no picture. Raises ValueError for another shape."""
    source = read_json_pictures(body)
    data = source.rest.get("data")
    if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
        raise ValueError("no list of pictures")
    seen = [one for one in data if one.get("respect_moderation") is not False]
    usage = source.rest.get("usage")
    ticks = usage.get("cost_in_usd_ticks") if isinstance(usage, Mapping) else None
    there = [one for one in seen if one.get("b64_json") or (isinstance(one.get("url"), str) and one["url"])]
    drawn = tuple(read_drawn(Drawn, source, one) for one in there)
    return Images(drawn, len(data) - len(seen), read_cost(ticks, unit=TICK_USD))


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only xAI's sentences tell; None leaves an answer to the kit's table."""
    if answer.status not in {400, 403, 422, 429}:
        return None
    said = answer.error_text()
    lower = said.lower()
    error = read_refusal(answer, key_name)
    if answer.status == 400 and "api key" in lower:
        error.reason = reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
        error.message = f"The provider refused our key; set {key_name} to a good key. It said: {said}"
    elif answer.status in {403, 429} and any(word in lower for word in _BROKE):
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED
        error.message = f"The team at xAI is out of credits; top them up. It said: {said}"
        error.retry_after_s = None
    elif answer.status != 429 and any(word in lower for word in _MODERATED):
        error.reason, error.field = reasons.ERROR_REASON_CONTENT_BLOCKED, "prompt"
        error.message = f"xAI refused the prompt or a picture; change it. It said: {said}"
        error.failure = OUTCOMES.failure("submit", BLOCKED)
    elif answer.status == 400 and any(word in lower for word in _UNREADABLE):
        error.reason, error.field = reasons.ERROR_REASON_INPUT_UNREADABLE, "image"
    else:
        return _blamed(error, said)
    return error


def _blamed(error: MeshError, said: str) -> MeshError | None:
    """The field that the sentence names, in the words of a request; None where it names none."""
    match = _UNSUPPORTED.search(said)
    if match is None:
        return None
    error.field = _FIELDS.get(match.group(1), match.group(1))
    return error
