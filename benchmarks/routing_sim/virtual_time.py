"""An event loop whose clock stands still while there is work, and jumps to the next timer when there is none.

Everything that waits by the loop's clock (sleeps, time-outs, timers) runs as written, in no time at all, and in the
same order each time.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from heliostat.chassis.clock import Clock

_Result = TypeVar("_Result")
_EPOCH = 1_800_000_000.0


class _Jumping(selectors.SelectSelector):
    """Never waits: tells the loop how far it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now. Where nothing is, the time of the wait passes at once."""
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and no timer is set: nothing will ever happen again")
        self.elapsed += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, which begins at 0 seconds."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._jumping.elapsed


class VirtualClock(Clock):
    """The clock of the virtual loop that runs."""

    def monotonic(self) -> float:
        """Virtual seconds since the beginning."""
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """A date that moves with them."""
        return _EPOCH + self.monotonic()


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Runs `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
