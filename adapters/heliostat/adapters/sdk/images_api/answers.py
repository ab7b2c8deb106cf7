"""What servers of the Images API answer: pictures, usage, refusals. Pure.

Source: OpenAI's API reference and error guide, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.drawn import Drawn, read_drawn
from heliostat.adapters.sdk.images_api.outcomes import BLOCKED_PICTURE, BLOCKED_PROMPT, OUTCOMES
from heliostat.adapters.sdk.media import read_json_pictures
from heliostat.adapters.sdk.outcomes import OutcomeTable
from heliostat.adapters.sdk.refusals import Answer, clean, read_refusal
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

_BLOCKED = frozenset({"moderation_blocked", "content_policy_violation", "content_filter", "safety_violation"})
_UNREADABLE = frozenset({"invalid_image_file", "invalid_image_url", "invalid_image_format", "image_parse_error"})
_SENSELESS = "The reported tokens cannot be right; the estimate stands for the cost."
_INPUT, _OUTPUT = "input_tokens_details", "output_tokens_details"
# Field of Usage, object of the answer ("" the usage itself), name in it. Of cached tokens OpenAI's image pages say
# nothing certain: all tokens are priced as if none were cached (read 2026-11-22).
_COUNTS = (
    ("input_token_count", "", "input_tokens"),
    ("output_token_count", "", "output_tokens"),
    ("input_text_token_count", _INPUT, "text_tokens"),
    ("input_image_token_count", _INPUT, "image_tokens"),
    ("output_text_token_count", _OUTPUT, "text_tokens"),
    ("output_image_token_count", _OUTPUT, "image_tokens"),
)
_ECHOED = ("size", "quality", "background", "output_format")


@dataclass(frozen=True, slots=True)
class Streamed(Drawn):
    """A picture of a stream, with what came beside it."""

    partial_index: int = 0
    usage: event_pb2.Usage = field(default_factory=event_pb2.Usage)
    echo: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Images:
    """A whole answer. `echo` holds the resolved size, quality, background and format, as far as told.

    `doubt` is why the reported tokens are not believed; `usage` is empty then.
    """

    drawn: tuple[Drawn, ...]
    usage: event_pb2.Usage
    echo: Mapping[str, str]
    doubt: str = ""

    @property
    def variant(self) -> Mapping[str, str]:
        """What the price hangs on."""
        return variant_of(self.echo)


def read_images(body: bytes) -> Images:
    """Reads an answer. Raises ValueError for anything that is not the documented shape."""
    source = read_json_pictures(body)
    data = source.rest.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ValueError("no list of pictures")
    drawn = tuple(read_drawn(Drawn, source, one) for one in data)
    usage = source.rest.get("usage")
    return Images(drawn, read_usage(usage), read_echo(source.rest), doubt_of(usage))


def read_streamed(data: bytes) -> Streamed:
    """Reads one event of a stream: a preview or a picture. Raises ValueError."""
    source = read_json_pictures(data)
    rest = source.rest
    drawn = read_drawn(Streamed, source, rest)
    index = rest.get("partial_image_index")
    index = index if isinstance(index, int) and 0 <= index < 16 else 0
    usage = rest.get("usage")
    return replace(drawn, partial_index=index, usage=read_usage(usage), echo=read_echo(rest), doubt=doubt_of(usage))


def variant_of(echo: Mapping[str, str]) -> Mapping[str, str]:
    """The words of an answer that prices hang on."""
    return {"quality": echo["quality"]} if "quality" in echo else {}


def read_echo(rest: Mapping[str, Any]) -> Mapping[str, str]:
    """The values that the provider resolved "auto" to."""
    return {name: rest[name][:40] for name in _ECHOED if isinstance(rest.get(name), str)}


def read_usage(value: Any) -> event_pb2.Usage:
    """Tokens of the whole call; nothing of them where one is senseless, for 0 means unknown."""
    usage = event_pb2.Usage()
    if not isinstance(value, dict) or doubt_of(value):
        return usage
    for field_name, place, name in _COUNTS:
        setattr(usage, field_name, _of(value, place).get(name) or 0)
    return usage


def doubt_of(value: Any) -> str:
    """Why the reported tokens cannot be believed; empty where they can, or where there are none."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        return _SENSELESS
    counts = [_of(value, place).get(name) for _, place, name in _COUNTS]
    return _SENSELESS if any(count is not None and not _is_count(count) for count in counts) else ""


def _of(value: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    below = value.get(place) if place else value
    return below if isinstance(below, dict) else {}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def add_usage(total: event_pb2.Usage, more: event_pb2.Usage) -> None:
    """Adds the tokens of one streamed picture to those of the call."""
    for counter, number in more.ListFields():
        setattr(total, counter.name, getattr(total, counter.name) + number)


def refusal(answer: Answer, key_name: str, outcomes: OutcomeTable = OUTCOMES) -> MeshError | None:
    """What only the dialect's codes tell; None leaves an answer to the kit's table. `outcomes` say what is charged."""
    code = answer.error_code()
    if answer.status == 400 and (code in _BLOCKED or _stage(answer)):
        error = read_refusal(answer, key_name)
        error.reason = reasons.ERROR_REASON_CONTENT_BLOCKED
        error.field = "prompt"
        blocked = BLOCKED_PICTURE if _stage(answer) == "output" else BLOCKED_PROMPT
        error.failure = outcomes.failure("submit", blocked)
        return error
    if answer.status == 400 and code in _UNREADABLE:
        error = read_refusal(answer, key_name)
        error.reason = reasons.ERROR_REASON_INPUT_UNREADABLE
        return error
    return None


def stream_error(data: bytes, key_name: str, call: Call) -> MeshError:
    """The error that ends a stream: as the same words with a status would read, but nobody knows what it cost."""
    answer = Answer(400, {}, data)
    code = answer.error_code()
    if "rate_limit" in code or code == "slow_down":
        answer = replace(answer, status=429)
    elif code in {"server_error", "server_is_overloaded", "internal_error"}:
        answer = replace(answer, status=500)
    error = refusal(answer, key_name) or read_refusal(answer, key_name)
    message = clean(error.message, (call.request.prompt, call.request.negative_prompt))
    return call.error(error.reason, message, field=error.field, retry_after_s=error.retry_after_s)


def _stage(answer: Answer) -> str:
    value = answer.json_or_none()
    error = value.get("error") if isinstance(value, dict) else None
    details = error.get("moderation_details") if isinstance(error, dict) else None
    stage = details.get("moderation_stage") if isinstance(details, dict) else None
    return stage if isinstance(stage, str) else ""
