"""What the traffic tells of each target: calls under way, failures in a row, the last error, how long answers take.

It watches and tells; it puts no target out.
"""

from collections import deque
from collections.abc import Sequence

from google.rpc import status_pb2

from heliostat.router.policy import Mark

_KEPT = 200


class Record:
    """One target's last calls."""

    __slots__ = ("_calls", "consecutive_failures", "in_flight", "last_error")

    def __init__(self) -> None:
        self.in_flight = 0
        self.consecutive_failures = 0
        self.last_error: status_pb2.Status | None = None
        self._calls: deque[float | None] = deque(maxlen=_KEPT)

    def started(self) -> None:
        """A call begins."""
        self.in_flight += 1

    def left(self) -> None:
        """A call ends, however it ends."""
        self.in_flight -= 1

    def succeeded(self, duration_s: float) -> None:
        """A call gave its pictures, after `duration_s` seconds."""
        self.consecutive_failures = 0
        self._calls.append(duration_s)

    def failed(self, mark: Mark, status: status_pb2.Status) -> None:
        """A call failed; where the request is to blame (NONE) the target is not."""
        if mark is Mark.NONE:
            return
        self.last_error = status
        if mark is not Mark.PAUSE:
            self.consecutive_failures += 1
        self._calls.append(None)

    def answer_count(self) -> int:
        """How many successful calls are remembered."""
        return sum(call is not None for call in self._calls)

    def success_ratio(self) -> float:
        """Share of the last calls that succeeded, 0 to 1; 1 where there was none."""
        return sum(call is not None for call in self._calls) / len(self._calls) if self._calls else 1.0

    def quantile_s(self, share: float) -> float:
        """The duration in seconds that `share` (0 to 1) of the last successful calls stayed within; 0 without any."""
        return _quantile(sorted(call for call in self._calls if call is not None), share)


class Health:
    """Records by target name; a target in several routes has one."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def record(self, target: str) -> Record:
        """The record of a target, made when it is first asked for."""
        record = self._records.get(target)
        if record is None:
            record = self._records[target] = Record()
        return record

    def seen(self, target: str) -> Record | None:
        """The record of a target; None where it has never been asked."""
        return self._records.get(target)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
