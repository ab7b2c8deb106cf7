"""Google's error answers in the words of the mesh. Pure.

Source: ai.google.dev/gemini-api/docs/troubleshooting, google.rpc.error_details, read 2026-11-22. A wrong key is a 400;
pauses and quotas stand in `details`.
"""

import re
from collections.abc import Mapping
from typing import Any

from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import LONGEST_PAUSE_S
from heliostat.api.image.v1 import reason_pb2 as reasons

_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_BLAMED = re.compile(r"[Aa]t '([a-zA-Z0-9_.\[\]]{1,200})'")
_BAD_KEYS = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"})
_FIELDS = (
    (("aspect", "image_size", "imagesize", "image_config", "imageconfig"), "size"),
    (("seed",), "seed"),
    (("inline_data", "inlinedata", "parts"), "image"),
)


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only Google's own words tell; None leaves an answer to the kit's table."""
    value = answer.json_or_none()
    found = value.get("error") if isinstance(value, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    details = [one for one in _list(found.get("details")) if isinstance(one, Mapping)]
    told = {one["reason"] for one in details if isinstance(one.get("reason"), str)}
    error = read_refusal(answer, key_name)
    said = answer.error_text()
    if answer.status == 400:
        return _unserved(error, found, told, said, key_name=key_name) or _bad_request(error, said, details)
    if answer.status == 403 and "BILLING_DISABLED" in told:
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED
        error.message = f"The project at Google has no billing; switch it on. It said: {said}"
        return error
    if answer.status == 429:
        return _slow_down(error, answer, details, said)
    return None


def _unserved(
    error: MeshError, found: Mapping[str, Any], told: set[str], said: str, *, key_name: str
) -> MeshError | None:
    """A 400 that is about a wrong key, or an account that may not; None for others."""
    if told & _BAD_KEYS or said.startswith(("API key not valid", "API key expired")):
        error.reason = reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
        error.message = f"The provider refused our key; set {key_name} to a good key. It said: {said}"
    elif found.get("status") == "FAILED_PRECONDITION":
        billing = "billing" in said.lower()
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED if billing else reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
        error.message = (
            f"Google does not serve this account as it is; look into its region and billing. It said: {said}"
        )
    else:
        return None
    error.field = None
    return error


def _bad_request(error: MeshError, said: str, details: list[Mapping[str, Any]]) -> MeshError:
    """A 400 about a picture or a field."""
    if "input image" in said.lower():
        error.reason, error.field = reasons.ERROR_REASON_INPUT_UNREADABLE, "image"
    elif error.reason == reasons.ERROR_REASON_INVALID_FIELD:
        error.field = _field(said, details)
    return error


def _slow_down(error: MeshError, answer: Answer, details: list[Mapping[str, Any]], said: str) -> MeshError:
    """A 429: a quota of the day, or one of nothing, does not come back in a minute."""
    quotas = [
        str(one.get("quotaId", ""))
        for detail in details
        for one in _list(detail.get("violations"))
        if isinstance(one, Mapping)
    ]
    nothing = "limit: 0" in said and any("FreeTier" in quota for quota in quotas)
    if nothing or any("PerDay" in quota for quota in quotas):
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED
        error.message = f"The quota at Google is used up; raise it, or wait for tomorrow. It said: {said}"
        error.retry_after_s = None
    elif not any(name in answer.headers for name in ("retry-after", "retry-after-ms")):
        error.retry_after_s = _delay_s(details)
    return error


def _delay_s(details: list[Mapping[str, Any]]) -> float | None:
    """Seconds of RetryInfo, 0..60; None where there is none."""
    texts = [one["retryDelay"] for one in details if isinstance(one.get("retryDelay"), str)]
    match = _DELAY.fullmatch(texts[0]) if texts else None
    return min(float(match.group(1)), LONGEST_PAUSE_S) if match else None


def _field(said: str, details: list[Mapping[str, Any]]) -> str | None:
    """The blamed field in the words of a request."""
    violations = [one for detail in details for one in _list(detail.get("fieldViolations"))]
    named = [one["field"] for one in violations if isinstance(one, Mapping) and isinstance(one.get("field"), str)]
    match = _BLAMED.search(said)
    blamed = " ".join([*named[:1], match.group(1) if match else ""]).strip()[:200]
    lower = blamed.lower()
    known = next((field for words, field in _FIELDS if any(word in lower for word in words)), "")
    return known or blamed or None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
