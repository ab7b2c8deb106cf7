"""Limits of one request: its time, shared by all of its attempts, and how many targets it may ask."""

from dataclasses import dataclass

from heliostat.chassis.clock import Clock

# What is kept back of the caller's deadline, so that the last word still reaches the caller: the smaller of the two.
_MARGIN_S = 0.2
_MARGIN_SHARE = 0.05


# With less than this left nothing is begun any more, in seconds.
LEAST_S = 0.01


@dataclass(slots=True)
class Allowance:
    """Time and tries of one request."""

    clock: Clock
    deadline: float  # on clock.monotonic()
    attempt_timeout_s: float
    max_attempts: int

    def time_left_s(self) -> float:
        """Seconds until the request's deadline; 0 or less when it is over."""
        return self.deadline - self.clock.monotonic()

    def for_attempt_s(self, target_timeout_s: float | None, patient: bool) -> float:
        """Seconds that the next attempt may take. A patient one has all that is left."""
        left = self.time_left_s()
        return left if patient else min(left, self.usual_s(target_timeout_s))

    def usual_s(self, target_timeout_s: float | None) -> float:
        """Seconds that an attempt of a target may take where the request has more time left."""
        return target_timeout_s or self.attempt_timeout_s


def allowance(
    clock: Clock, time_remaining_s: float | None, request_timeout_s: float, attempt_timeout_s: float, max_attempts: int
) -> Allowance:
    """The limits of a request whose caller waits `time_remaining_s` seconds, or has set no deadline."""
    span_s = request_timeout_s
    if time_remaining_s is not None:
        span_s = time_remaining_s - min(_MARGIN_S, time_remaining_s * _MARGIN_SHARE)
    return Allowance(clock, clock.monotonic() + span_s, attempt_timeout_s, max_attempts)
