"""Errors as callers see them: a reason becomes an HTTP status and OpenAI's error object. A table. Pure.

A provider's refusal of our own key is never a 401 here: the caller's key is good, an operator has to act.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.calls import MESH_PHASE
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.edge.allowances import budget_of, refusal_headers
from heliostat.edge.field_names import rest_name

MAX_RETRY_AFTER_S = 120
_DEFAULT_RETRY_AFTER_S: Mapping[int, int] = {reasons.ERROR_REASON_QUOTA_EXHAUSTED: 60}

_BAD = "invalid_request_error"
_OURS = "server_error"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one reason looks outside: the HTTP status, OpenAI's `type`, OpenAI's `code`."""

    status: int
    type: str
    code: str


def _kind(reason: int, status: int, kind: str, code: str = "") -> tuple[int, Kind]:
    return reason, Kind(status, kind, code or reason_name(reason))


KINDS: Mapping[int, Kind] = dict(
    (
        _kind(reasons.ERROR_REASON_UNSPECIFIED, 500, _OURS, "internal"),
        _kind(reasons.ERROR_REASON_INVALID_FIELD, 400, _BAD),
        _kind(reasons.ERROR_REASON_INPUT_UNREADABLE, 400, _BAD),
        _kind(reasons.ERROR_REASON_CONTENT_BLOCKED, 400, "image_generation_user_error", "content_policy_violation"),
        _kind(reasons.ERROR_REASON_MODEL_NOT_FOUND, 404, _BAD),
        _kind(reasons.ERROR_REASON_CALLER_UNKNOWN, 401, _BAD, "invalid_api_key"),
        _kind(reasons.ERROR_REASON_CALLER_FORBIDDEN, 403, "permission_error"),
        _kind(reasons.ERROR_REASON_UNSUPPORTED, 400, _BAD),
        _kind(reasons.ERROR_REASON_RATE_LIMITED, 429, "rate_limit_error", "rate_limit_exceeded"),
        _kind(reasons.ERROR_REASON_QUOTA_EXHAUSTED, 503, _OURS),
        _kind(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, 502, _OURS),
        _kind(reasons.ERROR_REASON_PROVIDER_MODEL_GONE, 502, _OURS),
        _kind(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, 502, _OURS),
        _kind(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, 502, _OURS),
        _kind(reasons.ERROR_REASON_MEDIA_INVALID, 502, _OURS),
        _kind(reasons.ERROR_REASON_PROVIDER_TIMEOUT, 504, _OURS),
        _kind(reasons.ERROR_REASON_INTERNAL, 500, _OURS),
        _kind(reasons.ERROR_REASON_NO_TARGET, 503, _OURS),
        _kind(reasons.ERROR_REASON_OVERLOADED, 429, "rate_limit_error"),
        _kind(reasons.ERROR_REASON_BUDGET_EXHAUSTED, 402, "billing_error", "insufficient_quota"),
        _kind(reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT, 422, _BAD),
        _kind(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, 404, _BAD),
        _kind(reasons.ERROR_REASON_RESOURCE_GONE, 410, _BAD),
        _kind(reasons.ERROR_REASON_CANCELLED, 409, _BAD),
        _kind(reasons.ERROR_REASON_NOT_IMPLEMENTED, 501, _OURS),
        _kind(reasons.ERROR_REASON_MESH_UNAVAILABLE, 503, _OURS),
        _kind(reasons.ERROR_REASON_DEADLINE_EXCEEDED, 504, _OURS),
    )
)

# A client library would ask again on its own, and asking again cannot help.
_NEVER_AGAIN = {
    reasons.ERROR_REASON_CANCELLED,
    reasons.ERROR_REASON_NOT_IMPLEMENTED,
    reasons.ERROR_REASON_DEADLINE_EXCEEDED,
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
}


class Refusal(Exception):
    """The edge itself says no, in HTTP's own terms: no route, a body too long, a type that it does not read.

    `message` is a sentence that says what to do.
    """

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Problem:
    """An error ready to be sent: status, headers beyond the body's own, body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def param_of(error: MeshError) -> str | None:
    """The field that is to blame, by its name over REST; None where no field is."""
    return None if error.field is None else rest_name(error.field)


def error_body(message: str, kind: str, param: str | None, code: str, **beside: Any) -> bytes:
    """OpenAI's error object as JSON; `beside` stands next to it, where their clients do not look."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}, **beside})


def problem_of(error: MeshError, *, possibly_bought: bool = False) -> Problem:
    """The answer to a MeshError. `possibly_bought`: the caller of this function saw an attempt that may cost money."""
    kind = KINDS.get(error.reason, KINDS[reasons.ERROR_REASON_INTERNAL])
    attempts = attempts_of(error)
    headers: dict[str, str] = {}
    if kind.status in (429, 503):
        headers["retry-after"] = str(retry_after_s(error))
        headers |= refusal_headers(error.metadata, retry_after_s(error))
    if error.reason in _NEVER_AGAIN or possibly_bought or _possibly_bought(error, attempts):
        headers["x-should-retry"] = "false"
    beside: dict[str, Any] = {}
    if attempts:
        beside["metadata"] = {"attempts": attempts}
        request_id = error.metadata.get("request_id", "")
        if request_id:
            beside["metadata"]["request_id"] = request_id
            headers["location"] = f"/v1/jobs/{request_id}"
    if error.reason == reasons.ERROR_REASON_BUDGET_EXHAUSTED:
        told = {"reason": reason_name(error.reason), "budget": budget_of(error)}
        beside["metadata"] = {**beside.get("metadata", {}), **told}
    return Problem(kind.status, error_body(error.message, kind.type, param_of(error), kind.code, **beside), headers)


def problem_of_refusal(refusal: Refusal) -> Problem:
    """The answer to a Refusal."""
    headers = {name.replace("_", "-"): value for name, value in refusal.headers.items()}
    return Problem(refusal.status, error_body(refusal.message, _BAD, None, refusal.code), headers)


def retry_after_s(error: MeshError) -> int:
    """Whole seconds, 1 to 120, for the Retry-After header of a 429 or 503."""
    asked = error.retry_after_s
    if asked is None or not math.isfinite(asked):
        asked = _DEFAULT_RETRY_AFTER_S.get(error.reason, 2)
    return max(1, min(MAX_RETRY_AFTER_S, math.ceil(asked)))


def attempts_of(error: MeshError) -> list[dict[str, Any]]:
    """The attempts that the ledger packed into the error's metadata; empty where it tells none."""
    try:
        attempts = orjson.loads(error.metadata.get("attempts", "[]"))
    except orjson.JSONDecodeError:
        return []
    return [attempt for attempt in attempts if isinstance(attempt, dict)] if isinstance(attempts, list) else []


def _possibly_bought(error: MeshError, attempts: list[dict[str, Any]]) -> bool:
    if any(costs_perhaps(str(attempt.get("outcome", "")), str(attempt.get("billed", ""))) for attempt in attempts):
        return True
    if error.failure is not None and error.failure.phase != MESH_PHASE:
        return failure_costs_perhaps(error.failure.outcome, error.failure.billed)
    # A time-out that tells nothing of its attempts: the careful answer.
    return error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT and not attempts


def costs_perhaps(outcome: str, billed: str) -> bool:
    """Whether an attempt may cost money, by its words: "not_sent", "refused", ... and "yes", "no", "unknown"."""
    if billed in ("yes", "unknown"):
        return True
    return billed != "no" and outcome not in ("not_sent", "refused")


def failure_costs_perhaps(outcome: int, billed: int) -> bool:
    """Whether an attempt may cost money, by the contract's Outcome and Billed; what is unset is unknown."""
    if billed in (event_pb2.BILLED_YES, event_pb2.BILLED_UNKNOWN):
        return True
    free = (event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED)
    return billed != event_pb2.BILLED_NO and outcome not in free
