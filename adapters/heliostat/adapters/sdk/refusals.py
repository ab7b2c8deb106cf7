"""A provider's answer, and the error behind an answer of status 400 and up. Pure.

Sources: RFC 9110 (statuses, Retry-After), OpenAI's rate limit headers (retry-after-ms, x-ratelimit-reset-*; duration
text such as "6m0s"); read 2026-11.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from heliostat.adapters.sdk.outcomes import KIT
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

LONGEST_PAUSE_S = 60.0
DEFAULT_PAUSE_S = 1.0
MAX_QUOTE = 300

_OUT_OF_CREDIT = (
    "insufficient_quota",
    "credit_balance",
    "exhausted balance",
    "billing_hard_limit",
    "usage limit",
    "out of credit",
    "credit balance is too low",
    "insufficient credits",
    "insufficient balance",
)
_REQUEST_IDS = (
    *("x-request-id", "x-fal-request-id", "request-id", "cf-ray-request-id", "apim-request-id", "x-amzn-requestid"),
)
# 520 to 527 are Cloudflare's own: its connection to the provider broke, or took too long.
_OF_PROXIES = frozenset({502, 503, 504, *range(520, 528)})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# What looks like a key: "sk-…", "Bearer …" unless a plain word follows, "key 0a1b…" with a digit in it, and any run of
# 32 letters unless it is plain words in lower case, such as the name of an error or of a model.
_KEYLIKE = re.compile(
    r"\b(?:sk|pk|rk|r8)[-_ :][A-Za-z0-9._:+/=*-]{6,}"
    r"|\bBearer[-_ :](?![a-z]+[.,;]?(?:\s|$))[A-Za-z0-9._:+/=*-]{6,}"
    r"|\b[Kk]ey[-_ :](?=\S*\d)[A-Za-z0-9._:+/=*-]{6,}"
    r"|(?<![A-Za-z0-9_-])(?![a-z]{1,20}(?:[_-][a-z]{1,20})+(?![A-Za-z0-9_-]))[A-Za-z0-9_-]{32,}(?:\.[A-Za-z0-9_-]{8,})*"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises PROVIDER_ANSWER_INVALID for anything else."""
        value = self.json_or_none()
        if not isinstance(value, dict):
            raise MeshError(
                reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
                "The provider answered with something that is no JSON object; try again, or ask another provider.",
            )
        return value

    def json_or_none(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def request_id(self) -> str:
        """The provider's own id of the exchange; empty where it gave none."""
        return next((self.headers[name][:200] for name in _REQUEST_IDS if name in self.headers), "")

    def error_text(self) -> str:
        """The sentence of the provider's error answer in any of the usual dialects; empty where there is none."""
        return _sentence(self.json_or_none())

    def error_field(self) -> str:
        """The parameter that the provider blames; empty where it names none."""
        value = self.json_or_none()
        if not isinstance(value, dict):
            return ""
        error, detail = value.get("error"), value.get("detail")
        if isinstance(error, dict) and isinstance(error.get("param"), str):
            return str(error["param"])[:100]
        if isinstance(detail, list) and detail and isinstance(detail[0], dict):
            steps = detail[0].get("loc")
            names = (
                [step for step in steps if isinstance(step, str) and step != "body"] if isinstance(steps, list) else []
            )
            return names[0][:100] if names else ""
        return ""

    def error_code(self) -> str:
        """The provider's own word for the error, in lower case; empty where there is none."""
        value = self.json_or_none()
        error = value.get("error", value) if isinstance(value, dict) else None
        if not isinstance(error, dict):
            return ""
        words = (error.get(key) for key in ("code", "error_type", "type"))
        return next((word.lower()[:100] for word in words if isinstance(word, str) and word), "")


def read_refusal(answer: Answer, key_name: str = "") -> MeshError:
    """The error behind an answer of status 400 and up, by the kit's own table; adapters start from it.

    `key_name` is the variable that an operator mends. The provider's words are quoted as they are: the client cleans
    the message before it goes anywhere.
    """
    said = answer.error_text()
    tail = f" It said: {said}" if said else ""
    status = answer.status
    refused = KIT.failure("submit", "error answer")
    if status == 402 or _out_of_credit(answer, said):
        message = f"The provider's account is out of credit or quota; top it up.{tail}"
        return _error(reasons.ERROR_REASON_QUOTA_EXHAUSTED, message, refused, answer)
    if status == 429:
        message = f"The provider asks to slow down.{tail}"
        return _error(reasons.ERROR_REASON_RATE_LIMITED, message, refused, answer, told_pause_s(answer.headers))
    if status in {401, 403}:
        where = f"; set {key_name} to a good key" if key_name else "; mend its key"
        return _error(
            reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, f"The provider refused our key{where}.{tail}", refused, answer
        )
    if status in {404, 410}:
        message = f"The provider does not know what was asked for; the model may be gone.{tail}"
        return _error(reasons.ERROR_REASON_PROVIDER_MODEL_GONE, message, refused, answer)
    if status in {400, 409, 413, 415, 422}:
        message = said or "The provider refused the request without saying why; change the prompt or the parameters."
        error = _error(reasons.ERROR_REASON_INVALID_FIELD, message, refused, answer)
        error.field = answer.error_field() or None
        return error
    failure = _proxied(answer, refused)
    if status in {408, 504}:
        return _error(reasons.ERROR_REASON_PROVIDER_TIMEOUT, f"The provider ran out of time.{tail}", failure, answer)
    pause = pause_s(answer.headers) if status == 503 and "retry-after" in answer.headers else None
    message = f"The provider failed with status {status}; ask again later or elsewhere.{tail}"
    return _error(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, message, failure, answer, pause)


def _error(
    reason: int,
    message: str,
    failure: event_pb2.AttemptFailure,
    answer: Answer,
    retry_after_s: float | None = None,
) -> MeshError:
    error = MeshError(reason, message, failure=failure, retry_after_s=retry_after_s)
    error.metadata["provider_status"] = str(answer.status)
    if answer.request_id:
        error.metadata["provider_request_id"] = answer.request_id
    return error


def _proxied(answer: Answer, refused: event_pb2.AttemptFailure) -> event_pb2.AttemptFailure:
    """A status of `_OF_PROXIES` that a proxy made for the provider leaves open whether the work was taken."""
    own = answer.request_id or isinstance(answer.json_or_none(), dict)
    if answer.status not in _OF_PROXIES or own:
        return refused
    return KIT.failure("submit", "error of a proxy")


def _out_of_credit(answer: Answer, said: str) -> bool:
    if answer.status not in {400, 403, 429}:
        return False
    text = f"{answer.error_code()} {said}".lower()
    return any(word in text for word in _OUT_OF_CREDIT)


def told_pause_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """As `pause_s`; None where no header says anything of a pause: then the router backs off by its own measure."""
    says_when = "retry-after-ms" in headers or "retry-after" in headers or _reset(headers) is not None
    return pause_s(headers, now) if says_when else None


def pause_s(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds to wait before asking again, 0..60: milliseconds win, then Retry-After, then the reset of a limit.

    A past date means now; what cannot be read means one second.
    """
    waits = (
        _milliseconds(headers.get("retry-after-ms")),
        _retry_after(headers.get("retry-after"), now or datetime.now(UTC)),
        _reset(headers),
    )
    wait = next((one for one in waits if one is not None), DEFAULT_PAUSE_S)
    return min(max(wait, 0.0), LONGEST_PAUSE_S)


def _milliseconds(text: str | None) -> float | None:
    number = _number(text)
    return None if number is None else number / 1000


def _retry_after(text: str | None, now: datetime) -> float | None:
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return number if number >= 0 else DEFAULT_PAUSE_S
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return DEFAULT_PAUSE_S
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


def _reset(headers: Mapping[str, str]) -> float | None:
    waits = [
        _duration(value)
        for name, value in headers.items()
        if name.startswith("x-ratelimit-reset-") and headers.get(name.replace("reset", "remaining"), "0") == "0"
    ]
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def _duration(text: str) -> float | None:
    pieces = _DURATION.findall(text)
    if pieces and "".join(number + unit for number, unit in pieces) == text.strip():
        return sum(float(number) * _UNIT_S[unit] for number, unit in pieces)
    return _number(text)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    if math.isinf(number):
        return LONGEST_PAUSE_S if number > 0 else 0.0
    return None if math.isnan(number) else number


def _sentence(value: Any) -> str:
    """Finds the text in {"error": {"message"}}, {"error": ""}, {"detail": ""}, {"detail": [{"msg", "loc"}]}."""
    if not isinstance(value, dict):
        return ""
    for key in ("error", "detail", "message", "msg", "title"):
        part = value.get(key)
        if isinstance(part, str) and part:
            return part
        if isinstance(part, dict) and part is not value:
            inner = _sentence(part)
            if inner:
                return inner
        if isinstance(part, list):
            return "; ".join(_fault(one) for one in part[:3])
    return ""


def _fault(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)[:100] if isinstance(one, str) else ""
    where = (
        ".".join(str(step) for step in one.get("loc", ()) if step != "body") if isinstance(one.get("loc"), list) else ""
    )
    said = one.get("msg") or one.get("message") or one.get("type") or ""
    return f"{where}: {said}" if where else str(said)


def clean(text: str, prompt: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """A provider's words fit for callers and logs: keys and the caller's own texts masked, at most 300 characters."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[key]")
    for words in prompt:
        words = words.strip()
        if len(words) >= 4:
            text = _without(text, words)
    text = _KEYLIKE.sub("[key]", text)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4000]).split())
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


def _without(text: str, prompt: str) -> str:
    """The text without the prompt or its first 40 letters, wherever they stand; one word is not cut out of others."""
    if prompt.isascii() and prompt.isalpha():
        return re.sub(rf"(?<![A-Za-z]){prompt}(?![A-Za-z])", "[prompt]", text)
    text = text.replace(prompt, "[prompt]")
    return text.replace(prompt[:40], "[prompt]") if len(prompt) > 40 else text
