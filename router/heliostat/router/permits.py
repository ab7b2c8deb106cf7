"""How many calls a target may be given now: its own limits, one at a time while it is tried, more and more after that.

Pure: time is an argument.
"""

from collections import deque

from heliostat.router.settings import PacingSettings

_MINUTE_S = 60.0
_STEPS = 10


class Gate:
    """The calls of one target, or of one adapter: how many are under way, and whether one more may begin."""

    __slots__ = ("_pacing", "_ramp_began", "_ramp_s", "_starts", "begun", "in_flight", "probes")

    def __init__(self, ramp_s: float, pacing: PacingSettings | None = None) -> None:
        self._ramp_s = ramp_s
        self._ramp_began: float | None = None
        self._pacing = pacing
        self._starts: deque[float] = deque()
        self.begun = 0
        self.in_flight = 0
        self.probes = 0

    def pace(self, pacing: PacingSettings | None) -> None:
        """Holds to other limits from now on."""
        self._pacing = pacing
        if pacing is None or pacing.per_minute is None:
            self._starts.clear()

    @property
    def paced(self) -> bool:
        """True where the configuration limits it."""
        return self._pacing is not None

    def ramp(self, now: float) -> None:
        """It has come back: a few calls at once to begin with."""
        self._ramp_began = now if self._ramp_s else None

    def ramping(self, now: float) -> bool:
        """True while it does not get all that it could."""
        if self._ramp_began is not None and now >= self._ramp_began + self._ramp_s:
            self._ramp_began = None
        return self._ramp_began is not None

    def share(self, now: float) -> float:
        """Its share of what it usually gets, above 0 and up to 1."""
        if not self.ramping(now) or self._ramp_began is None:
            return 1.0
        return max(0.1, (now - self._ramp_began) / self._ramp_s)

    def opens(self, now: float) -> tuple[bool, float | None]:
        """Whether a call may begin, and otherwise when: None where that depends on calls that are under way."""
        when = now
        if self.ramping(now) and self._ramp_began is not None:
            step_s = self._ramp_s / _STEPS
            step = int((now - self._ramp_began) / step_s)
            if self.in_flight >= 2 ** (step + 1):
                when = self._ramp_began + (step + 1) * step_s
        if self._pacing is not None:
            most, per_minute = self._pacing.at_once, self._pacing.per_minute
            if most is not None and self.in_flight >= most:
                return False, None
            if per_minute is not None and len(self._starts) >= per_minute:
                when = max(when, self._starts[-per_minute] + _MINUTE_S)
        return when <= now, when

    def enter(self, now: float, *, probing: bool) -> None:
        """A call begins."""
        self.begun += 1
        self.in_flight += 1
        self.probes += probing
        if self._pacing is not None and self._pacing.per_minute is not None:
            self._starts.append(now)
            if len(self._starts) > self._pacing.per_minute:
                self._starts.popleft()

    def leave(self, *, probing: bool) -> None:
        """A call ends."""
        self.in_flight -= 1
        self.probes -= probing
