"""Errors: one list of reasons, and the same error on both sides of a wire."""

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import (
    GRPC_CODE,
    MeshError,
    from_status,
    internal,
    reason_name,
    reason_of,
    to_duration,
    to_status,
)

REASONS = sorted(reasons.ErrorReason.values())


def test_every_reason_has_a_code() -> None:
    """The table is complete over the contract's enum."""
    assert set(GRPC_CODE) == set(REASONS)
    assert grpc.StatusCode.OK not in GRPC_CODE.values()


@pytest.mark.parametrize("reason", REASONS)
def test_names_lead_back_to_reasons(reason: int) -> None:
    """`rate_limited` is RATE_LIMITED, both ways."""
    assert reason_of(reason_name(reason)) == reason


def test_reasons_of_a_newer_peer_are_survived() -> None:
    """A name that this version does not know reads as INTERNAL."""
    assert reason_of("made_of_the_future") == reasons.ERROR_REASON_INTERNAL
    assert reason_name(9999) == "reason_9999"


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(
    reason=st.sampled_from(REASONS[1:]),
    message=texts.filter(bool),
    retry=st.none() | st.integers(0, 10**6).map(lambda ms: ms / 1000),
    field=st.none() | texts,
    metadata=st.dictionaries(texts.filter(str.isidentifier), texts, max_size=3),
    outcome=st.none() | st.sampled_from(event_pb2.Outcome.values()),
)
def test_an_error_survives_the_wire(
    reason: int, message: str, retry: float | None, field: str | None, metadata: dict[str, str], outcome: int | None
) -> None:
    """to_status and from_status are inverse."""
    failure = None if outcome is None else event_pb2.AttemptFailure(outcome=outcome, phase="poll")  # type: ignore[arg-type]
    error = MeshError(reason, message, retry_after_s=retry, field=field, failure=failure)
    error.metadata = metadata
    back = from_status(to_status(error))
    assert (back.reason, back.message, back.field, back.failure) == (reason, message, field, failure)
    assert back.metadata == metadata
    assert back.retry_after_s == pytest.approx(retry)


def test_unforeseen_errors_lose_their_text() -> None:
    """A foreign exception may hold a key or a prompt."""
    assert "sk-secret" not in internal(ValueError("sk-secret")).message


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, (0, 0)),
        (1.5, (1, 500_000_000)),
        (-3, (0, 0)),
        (float("inf"), (0, 0)),
        (float("nan"), (0, 0)),
        (0.9999999999, (1, 0)),
    ],
)
def test_durations_are_never_negative_or_infinite(seconds: float, expected: tuple[int, int]) -> None:
    """What cannot be a duration reads as none."""
    duration = to_duration(seconds)
    assert (duration.seconds, duration.nanos) == expected
