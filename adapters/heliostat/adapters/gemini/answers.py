"""What generateContent answers: pictures, tokens, or why there is no picture. Pure.

Source: python-genai's types (2026-08-21) and ai.google.dev/gemini-api/docs, read 2026-11-22. What is blocked is told
under status 200: by `promptFeedback` without candidates, or by a candidate's `finishReason` without contents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.gemini.outcomes import BLOCKED, NO_PICTURE, OUTCOMES, SPARED
from heliostat.adapters.sdk import Call, MeshError, read_json_pictures
from heliostat.adapters.sdk.media import JsonPictures
from heliostat.adapters.sdk.outcomes import Row
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons

_POLICY = frozenset(
    {
        "SAFETY",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "RECITATION",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
_MOST_WORDS = 2_000
_FREE = "will not be charged"
_SENSELESS = "The reported tokens cannot be right; the estimate stands for the cost."


@dataclass(frozen=True, slots=True)
class Drawn:
    """A whole answer. `places` are those of the pictures in `source`, drafts of the thinking left out.

    `blocked` and `ended` are Gemini's own words, `said` its text. `spared`: it says itself that the request is not
    charged. `doubt` is why the tokens are not believed; `usage` is empty then.
    """

    source: JsonPictures
    places: tuple[object, ...]
    usage: event_pb2.Usage
    doubt: str = ""
    blocked: str = ""
    ended: str = ""
    said: str = ""
    spared: bool = False

    def picture(self, index: int) -> bytes:
        """The file of a picture. Raises ValueError for what is not base64."""
        return self.source.picture(self.places[index])

    @property
    def metadata(self) -> dict[str, str]:
        """Gemini's own id of the answer, and the version that drew."""
        named = {"response_id": "responseId", "model_version": "modelVersion"}
        rest = self.source.rest
        return {name: rest[key][:100] for name, key in named.items() if isinstance(rest.get(key), str)}


def read_answer(body: bytes) -> Drawn:
    """Reads an answer. Raises ValueError for anything that is not the documented shape."""
    source = read_json_pictures(body, "data")
    rest = source.rest
    candidates = rest.get("candidates")
    feedback = rest.get("promptFeedback")
    blocked = _word(feedback, "blockReason")
    if not isinstance(candidates, list) and not blocked:
        raise ValueError("no candidates")
    found = [one for one in candidates or () if isinstance(one, Mapping)]
    parts = [part for one in found for part in _parts(one)]
    usage, doubt = read_usage(rest.get("usageMetadata"))
    return Drawn(
        source,
        tuple(place for part in parts if (place := _place(part)) is not None),
        usage,
        doubt,
        blocked,
        next((word for one in found if (word := _word(one, "finishReason"))), ""),
        " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))[:_MOST_WORDS],
        any(_FREE in str(one.get("finishMessage", "")).lower() for one in found),
    )


def _parts(candidate: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a candidate that are no thoughts."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, Mapping) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and part.get("thought") is not True:
            yield part


def _place(part: Mapping[str, Any]) -> object | None:
    inline = part.get("inlineData")
    return inline.get("data") if isinstance(inline, Mapping) else None


def _word(value: Any, name: str) -> str:
    word = value.get(name) if isinstance(value, Mapping) else None
    return word[:60] if isinstance(word, str) else ""


def read_usage(value: Any) -> tuple[event_pb2.Usage, str]:
    """The tokens by kind, and why they are not believed. Thoughts are charged as text, and counted apart."""
    usage = event_pb2.Usage()
    if value is None:
        return usage, ""
    if not isinstance(value, Mapping):
        return usage, _SENSELESS
    put_in, put_out = value.get("promptTokenCount", 0), value.get("candidatesTokenCount", 0)
    aside = value.get("toolUsePromptTokenCount", 0), value.get("thoughtsTokenCount", 0)
    pictures_in = _of_pictures(value.get("promptTokensDetails"), 0)
    pictures_out = _of_pictures(value.get("candidatesTokensDetails"), put_out)
    counts = (put_in, put_out, *aside, pictures_in, pictures_out)
    if not all(_is_count(count) for count in counts) or pictures_in > put_in or pictures_out > put_out:
        return usage, _SENSELESS
    usage.input_image_token_count = pictures_in
    usage.input_text_token_count = put_in - pictures_in + aside[0]
    usage.output_image_token_count = pictures_out
    usage.output_text_token_count = put_out - pictures_out + aside[1]
    usage.input_token_count = put_in + aside[0]
    usage.output_token_count = put_out + aside[1]
    return usage, ""


def _of_pictures(details: Any, otherwise: Any) -> Any:
    """Tokens of pictures; `otherwise` where the kinds are not told apart."""
    if not isinstance(details, list) or not details:
        return otherwise
    counts = [one.get("tokenCount", 0) for one in details if _word(one, "modality") == "IMAGE"]
    return sum(counts) if all(_is_count(count) for count in counts) else -1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def fruitless(drawn: Drawn, call: Call) -> MeshError:
    """Why an answer has no picture."""
    if drawn.blocked or drawn.ended in _POLICY:
        row = OUTCOMES.row("submit", SPARED if drawn.spared else BLOCKED)
        what = "the prompt or a picture" if drawn.blocked else "the result"
        message = f"Gemini refused {what} ({drawn.blocked or drawn.ended}); change the prompt."
        reason = reasons.ERROR_REASON_CONTENT_BLOCKED
        return call.error(
            reason, message, outcome=row.outcome, billed=_billed(row, call), phase=row.phase, field="prompt"
        )
    row = OUTCOMES.row("submit", SPARED if drawn.spared else NO_PICTURE)
    message = f"Gemini answered without a picture ({drawn.ended or 'no reason given'}); ask again, or in other words."
    if drawn.said:
        message += f" It said: {clean(drawn.said, (call.request.prompt,))}"
    reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    return call.error(reason, message, outcome=row.outcome, billed=_billed(row, call), phase=row.phase)


def _billed(row: Row, call: Call) -> "event_pb2.Billed":
    """What came out and was counted is charged, picture or not."""
    return row.billed if call.charged_micros is None else event_pb2.BILLED_YES
