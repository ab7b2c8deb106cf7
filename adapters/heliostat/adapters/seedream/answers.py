"""What Ark answers: pictures, counts, and refusals, of a whole call or of one picture of it. Pure.

Source: ModelArk's own SDK (5.0.54, 2026-10-22) and notes on its error codes, read 2026-11-22. A picture that is refused
may be told under status 200, as an error in the place of the picture.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from heliostat.adapters.sdk import Answer, MeshError, read_json_pictures, read_refusal
from heliostat.adapters.sdk.drawn import Drawn, read_drawn
from heliostat.adapters.sdk.media import JsonPictures
from heliostat.adapters.seedream.outcomes import OUTCOMES, UNMADE
from heliostat.api.image.v1 import reason_pb2 as reasons

_BLOCKED = ("sensitivecontent", "policyviolation")
_UNPAID = ("accountoverdue", "insufficientbalance")
_UNREADABLE = ("invalidimage", "invalidparameter.unsupportedimage")
_FIELDS: Mapping[str, str] = {
    "image_url": "image",
    "width": "size",
    "height": "size",
    "output_format": "output.media_type",
}
_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a picture was not made: Ark's word in lower case, and its sentence."""

    code: str
    said: str

    @property
    def reason(self) -> "reasons.ErrorReason":
        """The reason in the words of the mesh."""
        if any(word in self.code for word in _BLOCKED):
            return reasons.ERROR_REASON_CONTENT_BLOCKED
        return reasons.ERROR_REASON_PROVIDER_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Images:
    """A whole answer: the pictures that came, why others did not, and the tokens that Ark counted, 0 for unknown."""

    drawn: tuple[Drawn, ...]
    faults: tuple[Fault, ...]
    tokens: int = 0


def read_images(body: bytes) -> Images:
    """Reads an answer. Raises ValueError for anything that is not the documented shape."""
    source = read_json_pictures(body)
    whole = _fault(source.rest.get("error"))
    data = source.rest.get("data")
    if whole is not None and not data:
        return Images((), (whole,))
    if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
        raise ValueError("no list of pictures")
    faults = [_fault(one.get("error")) for one in data]
    drawn = [_drawn(source, one) for one, fault in zip(data, faults, strict=True) if fault is None]
    return Images(tuple(drawn), tuple(one for one in faults if one is not None), _tokens(source.rest.get("usage")))


def _fault(error: Any) -> Fault | None:
    if not isinstance(error, Mapping) or not (error.get("code") or error.get("message")):
        return None
    return Fault(str(error.get("code", "")).lower()[:100], str(error.get("message", ""))[:1000])


def _drawn(source: JsonPictures, one: Mapping[str, Any]) -> Drawn:
    drawn, size = read_drawn(Drawn, source, one), _SIZE.fullmatch(str(one.get("size", "")))
    return replace(drawn, width_px=int(size[1]), height_px=int(size[2])) if size else drawn


def _tokens(usage: Any) -> int:
    count = usage.get("output_tokens") if isinstance(usage, Mapping) else None
    known = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < _MOST_TOKENS
    return int(count) if known else 0  # type: ignore[arg-type]


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only Ark's codes tell; None leaves an answer to the kit's table."""
    if answer.status not in {400, 403, 422, 429}:
        return None
    code, said = answer.error_code(), answer.error_text()
    error = read_refusal(answer, key_name)
    if any(word in code for word in _BLOCKED):
        error.reason, error.field = reasons.ERROR_REASON_CONTENT_BLOCKED, "prompt"
        error.message = f"ByteDance refused the prompt or a picture; change it. It said: {said}"
        error.failure = OUTCOMES.failure("submit", UNMADE)
    elif any(word in code for word in _UNPAID):
        error.reason, error.retry_after_s = reasons.ERROR_REASON_QUOTA_EXHAUSTED, None
        error.message = f"The account at ByteDance has unpaid bills or no credit; pay them. It said: {said}"
    elif answer.status == 400 and code.startswith(_UNREADABLE):
        error.reason, error.field = reasons.ERROR_REASON_INPUT_UNREADABLE, "image"
    elif error.field is not None and error.field in _FIELDS:
        error.field = _FIELDS[error.field]
    else:
        return None
    return error
