"""What the router makes of a failure: (reason, outcome) -> another target? a mark against this one? A table.

The rows are held against the enum of reasons by a test, so that a new reason cannot be forgotten.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


class FailOver(Enum):
    """Whether another target may be asked."""

    NEVER = "never"  # it would fail there too, or an operator has to know
    ACCOUNT = "account"  # another account of the same provider, at once when nothing was bought; else never
    IF_FREE = "if free"  # at once when nothing was bought; else `on_unknown` decides
    ROUTE = "route"  # as IF_FREE on routes that ask for it, else never


class Mark(Enum):
    """What the failure says of the target."""

    NONE = "none"  # nothing: the request is to blame
    COUNTS = "counts"  # one more failure
    PAUSE = "pause"  # it works, and wants to be left alone until RetryInfo
    OUT = "out"  # it cannot work until somebody mends it


class Rule(NamedTuple):
    """One row of the table."""

    fail_over: FailOver
    mark: Mark


_CALLER = Rule(FailOver.NEVER, Mark.NONE)
_FAULT = Rule(FailOver.IF_FREE, Mark.COUNTS)
_ELSEWHERE = Rule(FailOver.IF_FREE, Mark.NONE)

POLICY: Mapping[int, Rule] = {
    reasons.ERROR_REASON_UNSPECIFIED: _FAULT,
    reasons.ERROR_REASON_INVALID_FIELD: _CALLER,
    reasons.ERROR_REASON_INPUT_UNREADABLE: _CALLER,
    reasons.ERROR_REASON_CONTENT_BLOCKED: Rule(FailOver.ROUTE, Mark.NONE),
    reasons.ERROR_REASON_MODEL_NOT_FOUND: _CALLER,
    reasons.ERROR_REASON_CALLER_UNKNOWN: _CALLER,
    reasons.ERROR_REASON_CALLER_FORBIDDEN: _CALLER,
    reasons.ERROR_REASON_UNSUPPORTED: _ELSEWHERE,
    reasons.ERROR_REASON_RATE_LIMITED: Rule(FailOver.IF_FREE, Mark.PAUSE),
    reasons.ERROR_REASON_QUOTA_EXHAUSTED: Rule(FailOver.IF_FREE, Mark.OUT),
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED: Rule(FailOver.ACCOUNT, Mark.OUT),
    reasons.ERROR_REASON_PROVIDER_MODEL_GONE: Rule(FailOver.IF_FREE, Mark.OUT),
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE: _FAULT,
    reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID: _FAULT,
    reasons.ERROR_REASON_MEDIA_INVALID: _FAULT,
    reasons.ERROR_REASON_PROVIDER_TIMEOUT: _FAULT,
    reasons.ERROR_REASON_INTERNAL: _FAULT,
    reasons.ERROR_REASON_NO_TARGET: _CALLER,
    reasons.ERROR_REASON_OVERLOADED: _ELSEWHERE,
    reasons.ERROR_REASON_BUDGET_EXHAUSTED: _CALLER,
    reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT: _CALLER,
    reasons.ERROR_REASON_RESOURCE_NOT_FOUND: _CALLER,
    reasons.ERROR_REASON_RESOURCE_GONE: _CALLER,
    reasons.ERROR_REASON_CANCELLED: _CALLER,
    reasons.ERROR_REASON_NOT_IMPLEMENTED: _ELSEWHERE,
    reasons.ERROR_REASON_MESH_UNAVAILABLE: _FAULT,
    reasons.ERROR_REASON_DEADLINE_EXCEEDED: _FAULT,
}


def rule_of(reason: int) -> Rule:
    """The row of `reason`; a reason of a newer peer is treated as a fault of the target."""
    return POLICY.get(reason, _FAULT)


def is_final(reason: int) -> bool:
    """True where no other provider may be asked after this reason, whatever a route says."""
    return rule_of(reason).fail_over in (FailOver.NEVER, FailOver.ACCOUNT)


def wants_pause(error: MeshError) -> bool:
    """True where the target asks to be left alone for a while: a rate limit, or an outage of a known length."""
    if error.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE:
        return error.retry_after_s is not None
    return rule_of(error.reason).mark is Mark.PAUSE


def is_free(failure: event_pb2.AttemptFailure) -> bool:
    """True where it is certain that the provider charges nothing. Pure."""
    if failure.billed == event_pb2.BILLED_NO:
        return True
    refused = failure.outcome in (event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED)
    return refused and failure.billed == event_pb2.BILLED_UNSPECIFIED


def billed_of(failure: event_pb2.AttemptFailure) -> event_pb2.Billed:
    """Whether the provider charges, as far as `failure` tells; what it leaves open is BILLED_UNKNOWN. Pure."""
    if is_free(failure):
        return event_pb2.BILLED_NO
    return failure.billed or event_pb2.BILLED_UNKNOWN


def may_fail_over(
    reason: int, failure: event_pb2.AttemptFailure, on_unknown: request_pb2.OnUnknown, content_failover: bool
) -> bool:
    """Whether another target may be asked after this failure: any, or another account of the provider.

    What is free goes on. What may have been bought, or was, goes on only where `on_unknown` is NEXT (or unset): that
    is a second purchase, made knowingly and listed in the answer's attempts. Pure.
    """
    rule = rule_of(reason)
    if rule.fail_over is FailOver.NEVER or (rule.fail_over is FailOver.ROUTE and not content_failover):
        return False
    if rule.fail_over is FailOver.ACCOUNT:
        return is_free(failure)
    return is_free(failure) or on_unknown in (request_pb2.ON_UNKNOWN_UNSPECIFIED, request_pb2.ON_UNKNOWN_NEXT)
