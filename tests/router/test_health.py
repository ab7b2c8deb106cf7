"""What is remembered of a target, and how much time an attempt gets. Pure."""

import pytest
from google.rpc import status_pb2

from heliostat.chassis.clock import FakeClock
from heliostat.router.health import Health, Record
from heliostat.router.limits import allowance
from heliostat.router.policy import Mark


def test_failures_in_a_row_end_with_a_success() -> None:
    """Only faults count; a pause and the caller's mistakes do not."""
    record = Record()
    for mark in (Mark.COUNTS, Mark.PAUSE, Mark.NONE, Mark.OUT):
        record.failed(mark, status_pb2.Status(message=mark.value))
    assert record.consecutive_failures == 2
    assert record.last_error is not None
    assert record.last_error.message == "out"
    record.succeeded(1.0)
    assert record.consecutive_failures == 0


@pytest.mark.parametrize(
    ("durations", "share", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.95, 3.0), ([1.0, 2.0, 3.0], 0.5, 2.0), ([float(n) for n in range(100)], 0.95, 95.0)],
)
def test_quantiles(durations: list[float], share: float, expected: float) -> None:
    """Of the successful calls only; 0 where there is none."""
    record = Record()
    for duration in durations:
        record.succeeded(duration)
    record.failed(Mark.COUNTS, status_pb2.Status())
    assert record.quantile_s(share) == expected


def test_only_the_last_calls_count() -> None:
    """What happened long ago is forgotten, so that a mended target looks mended."""
    record = Record()
    for _ in range(500):
        record.failed(Mark.COUNTS, status_pb2.Status())
    for _ in range(200):
        record.succeeded(1.0)
    assert record.success_ratio() == 1.0


def test_a_target_has_one_record() -> None:
    """Whatever route it is asked through."""
    health = Health()
    assert health.seen("a/x") is None
    assert health.record("a/x") is health.record("a/x") is health.seen("a/x")


@pytest.mark.parametrize(
    ("remaining_s", "target_s", "patient", "expected_s"),
    [
        (None, None, False, 180.0),
        (None, None, True, 300.0),
        (None, 20.0, False, 20.0),
        (None, 400.0, False, 300.0),
        (10.0, None, False, 9.8),
        (10.0, 4.0, True, 9.8),
        (1.0, None, False, 0.95),
    ],
)
def test_time_of_an_attempt(
    remaining_s: float | None, target_s: float | None, patient: bool, expected_s: float
) -> None:
    """The least of what the target, the router and the caller allow, less what the last word needs."""
    limits = allowance(FakeClock(), remaining_s, 300.0, 180.0, 3)
    assert limits.for_attempt_s(target_s, patient) == pytest.approx(expected_s)


def test_attempts_share_the_requests_time() -> None:
    """What the first one used up, the second one lacks."""
    clock = FakeClock()
    limits = allowance(clock, None, 300.0, 180.0, 3)
    clock.advance(180.0)
    assert limits.for_attempt_s(None, False) == 120.0
    clock.advance(121.0)
    assert limits.time_left_s() < 0
