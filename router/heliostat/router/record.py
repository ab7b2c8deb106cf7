"""One target as the traffic shows it: its last calls, and what keeps it back. Pure: time is an argument."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from google.rpc import status_pb2

from heliostat.router.ejection import Breaker, Pulse
from heliostat.router.pauses import Pause
from heliostat.router.permits import Gate
from heliostat.router.settings import HealthSettings, PacingSettings

_KEPT = 200


class State(Enum):
    """What the traffic says of a target."""

    HEALTHY = "healthy"
    PAUSED = "paused"
    EJECTED = "ejected"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a target stands. `until` is on the monotonic clock; `why` is a sentence, empty where it is healthy."""

    state: State
    until: float | None = None
    why: str = ""


class Back(Enum):
    """What keeps a target back, by what a request may do about it."""

    PAUSED = "paused"  # it is rate-limited: wait
    BUSY = "busy"  # it has all the calls that it may have: wait
    EJECTED = "ejected"  # it failed too often: a last resort
    OUT = "out"  # it cannot work until somebody mends it: nothing


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a target may not be asked now, as a sentence without a subject and a full stop.

    `until` is on the monotonic clock; None where nobody knows.
    """

    back: Back
    until: float | None
    because: str
    tried: bool = False  # one call is trying it now


class Record:
    """One target's last calls, or one adapter's."""

    __slots__ = ("_calls", "breaker", "gate", "last_error", "name", "pause", "pulse")

    def __init__(self, name: str, settings: HealthSettings, pacing: PacingSettings | None = None) -> None:
        self.name = name
        self.breaker = Breaker(settings)
        self.pause = Pause(settings)
        self.gate = Gate(settings.ramp_s, pacing)
        self.pulse = Pulse(settings)
        self.last_error: status_pb2.Status | None = None
        self._calls: deque[float | None] = deque(maxlen=_KEPT)

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self.gate.in_flight

    @property
    def begun(self) -> int:
        """Calls that were begun, ever."""
        return self.gate.begun

    @property
    def consecutive_failures(self) -> int:
        """Failures in a row: the provider's, or failures to reach it."""
        return max(self.breaker.in_a_row.values())

    def note(self, duration_s: float | None) -> None:
        """Remembers a call: how long its pictures took in seconds, or None where it failed."""
        self._calls.append(duration_s)

    def calls(self) -> Sequence[float | None]:
        """The last calls, the oldest first, as `note` was told of them."""
        return tuple(self._calls)

    def answer_count(self) -> int:
        """How many successful calls are remembered."""
        return sum(call is not None for call in self._calls)

    def success_ratio(self) -> float:
        """Share of the last calls that succeeded, 0 to 1; 1 where there was none."""
        return self.answer_count() / len(self._calls) if self._calls else 1.0

    def quantile_s(self, share: float) -> float:
        """The duration in seconds that `share` (0 to 1) of the last successful calls stayed within; 0 without any."""
        return _quantile(sorted(call for call in self._calls if call is not None), share)

    def standing(self, now: float) -> Standing:
        """Where it stands."""
        breaker, pause = self.breaker, self.pause
        state = breaker.state(now)
        if state == "out":
            return Standing(State.EJECTED, breaker.until, f"It {breaker.why}.")
        if pause.until is not None and now < pause.until:
            return Standing(State.PAUSED, pause.until, f"It {pause.why}.")
        if state == "probing":
            return Standing(State.PROBING, None, f"It {breaker.why}; one call tries it.")
        if pause.until is not None:
            return Standing(State.PROBING, None, f"It {pause.why}; one call tries it.")
        return Standing(State.HEALTHY)

    def hold(self, now: float) -> Hold | None:
        """What keeps it back now; None where a call may begin."""
        breaker, pause = self.breaker, self.pause
        state = breaker.state(now)
        if state == "out":
            back = Back.EJECTED if breaker.by_count else Back.OUT
            return Hold(back, breaker.until, breaker.why, tried=self.gate.probes > 0)
        if pause.until is not None and now < pause.until:
            return Hold(Back.PAUSED, pause.until, pause.why)
        if state == "probing" and self.gate.probes:
            why = f"{breaker.why}, and is being tried by one call"
            return Hold(Back.EJECTED if breaker.by_count else Back.OUT, None, why, tried=True)
        if pause.until is not None and self.gate.probes:
            return Hold(Back.BUSY, None, f"{pause.why}, and is being tried by one call", tried=True)
        opens, when = self.gate.opens(now)
        if not opens:
            return Hold(Back.BUSY, when, "has as many calls as it may have now")
        return None

    @property
    def is_tried(self) -> bool:
        """True where the next call tells whether it works again."""
        return self.breaker.until is not None or self.pause.until is not None

    def is_calm(self, now: float) -> bool:
        """True where nothing keeps it back or watches its calls."""
        gate = self.gate
        return self.breaker.until is None and self.pause.until is None and not gate.paced and not gate.ramping(now)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
