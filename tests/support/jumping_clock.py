"""A clock whose wall can be set, as a machine's can; time itself goes on undisturbed."""

from heliostat.chassis.clock import FakeClock


class JumpingClock(FakeClock):
    """Moves only when told to."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        super().__init__(start)
        self._shift = 0.0

    def jump(self, seconds: float) -> None:
        """Sets the wall clock forward or back by so many seconds."""
        self._shift += seconds

    def time(self) -> float:
        """Seconds since the epoch, as the wall says."""
        return super().time() + self._shift
