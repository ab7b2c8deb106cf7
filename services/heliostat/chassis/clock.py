"""The clock that rooms take as an argument, so that tests can hold it still."""

import time


class Clock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class FakeClock(Clock):
    """A clock that moves only when told to."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        """Stands at `start`, seconds since the epoch; the monotonic reading starts at 0."""
        self._start = start
        self._elapsed = 0.0

    def advance(self, seconds: float) -> None:
        """Moves both readings forward by `seconds`, 0 or more."""
        self._elapsed += seconds

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed

    def time(self) -> float:
        """Start plus the seconds advanced so far."""
        return self._start + self._elapsed
