"""The table of house rules: what follows from a failure."""

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.router.policy import POLICY, FailOver, Mark, billed_of, is_free, may_fail_over, rule_of


def test_every_reason_has_a_row() -> None:
    """The table and the enum of the contract name the same reasons."""
    assert set(POLICY) == set(reasons.ErrorReason.values())


def test_a_reason_of_a_newer_peer_counts_as_a_fault_of_the_target() -> None:
    """A number that this version does not know is neither an error here nor the caller's fault."""
    assert rule_of(9_999) == (FailOver.IF_FREE, Mark.COUNTS)


@pytest.mark.parametrize(
    ("reason", "fail_over", "mark"),
    [
        (reasons.ERROR_REASON_INVALID_FIELD, FailOver.NEVER, Mark.NONE),
        (reasons.ERROR_REASON_CONTENT_BLOCKED, FailOver.ROUTE, Mark.NONE),
        (reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, FailOver.ACCOUNT, Mark.OUT),
        (reasons.ERROR_REASON_RATE_LIMITED, FailOver.IF_FREE, Mark.PAUSE),
        (reasons.ERROR_REASON_QUOTA_EXHAUSTED, FailOver.IF_FREE, Mark.OUT),
        (reasons.ERROR_REASON_PROVIDER_MODEL_GONE, FailOver.IF_FREE, Mark.OUT),
        (reasons.ERROR_REASON_UNSUPPORTED, FailOver.IF_FREE, Mark.NONE),
        (reasons.ERROR_REASON_PROVIDER_TIMEOUT, FailOver.IF_FREE, Mark.COUNTS),
    ],
)
def test_rows(reason: int, fail_over: FailOver, mark: Mark) -> None:
    """The rows that callers and operators notice most."""
    assert rule_of(reason) == (fail_over, mark)


@pytest.mark.parametrize(
    ("outcome", "billed", "free", "told"),
    [
        (event_pb2.OUTCOME_NOT_SENT, event_pb2.BILLED_UNSPECIFIED, True, event_pb2.BILLED_NO),
        (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_UNSPECIFIED, True, event_pb2.BILLED_NO),
        (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_YES, False, event_pb2.BILLED_YES),
        (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_UNKNOWN, False, event_pb2.BILLED_UNKNOWN),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_NO, True, event_pb2.BILLED_NO),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_UNSPECIFIED, False, event_pb2.BILLED_UNKNOWN),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_YES, False, event_pb2.BILLED_YES),
        (event_pb2.OUTCOME_UNSPECIFIED, event_pb2.BILLED_UNSPECIFIED, False, event_pb2.BILLED_UNKNOWN),
    ],
)
def test_what_is_free(outcome: event_pb2.Outcome, billed: event_pb2.Billed, free: bool, told: int) -> None:
    """Only an explicit word makes a failure free; silence is unknown."""
    failure = event_pb2.AttemptFailure(outcome=outcome, billed=billed)
    assert is_free(failure) is free
    assert billed_of(failure) == told


@pytest.mark.parametrize(
    ("on_unknown", "goes_on"),
    [
        (request_pb2.ON_UNKNOWN_UNSPECIFIED, True),
        (request_pb2.ON_UNKNOWN_NEXT, True),
        (request_pb2.ON_UNKNOWN_WAIT, False),
        (request_pb2.ON_UNKNOWN_FAIL, False),
    ],
)
def test_unknown_is_decided_by_the_route(on_unknown: request_pb2.OnUnknown, goes_on: bool) -> None:
    """Where nobody knows, `next` buys knowingly, `wait` and `fail` never buy twice."""
    unknown = event_pb2.AttemptFailure()
    assert may_fail_over(reasons.ERROR_REASON_PROVIDER_TIMEOUT, unknown, on_unknown, False) is goes_on


@pytest.mark.parametrize("allowed", [True, False])
def test_content_goes_elsewhere_only_where_the_route_says_so(allowed: bool) -> None:
    """One provider's moderation is not asked to be circumvented by default."""
    refused = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_REFUSED)
    went = may_fail_over(reasons.ERROR_REASON_CONTENT_BLOCKED, refused, request_pb2.ON_UNKNOWN_NEXT, allowed)
    assert went is allowed
