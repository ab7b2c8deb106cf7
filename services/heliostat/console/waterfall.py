"""Where the attempts of a request stand in time, in thousandths of its whole span. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.console.wording import billed, outcome, seconds_of

WIDTH = 1000
# A bar that is over in no time is still seen.
_LEAST = 4.0
_PHASES = ("queue", "provider", "download", "convert", "store")


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt as a bar."""

    attempt: event_pb2.Attempt
    start: float
    width: float
    accept: float | None
    """Where the provider took the work; None where it did not, or does not say."""
    is_open: bool

    @property
    def mark(self) -> str:
        """How it looks: "open", "delivered", or "failed"; "unknown" where nobody knows whether it was bought."""
        if self.is_open:
            return "open"
        if self.attempt.outcome == event_pb2.OUTCOME_DELIVERED and not self.attempt.status.code:
            return "delivered"
        return "unknown" if self.billed == "unknown" else "failed"

    @property
    def billed(self) -> str:
        """Whether it is charged for: yes, no or unknown."""
        return billed(self.attempt)

    @property
    def outcome(self) -> str:
        """How far it came; what it is doing where it is not over."""
        return "under way" if self.is_open else outcome(self.attempt)


def span_of(request: ledger_pb2.Request, now: float) -> float:
    """How long a request took so far, in seconds: to its end, or to `now` (seconds since the epoch)."""
    begin = seconds_of(request.create_time)
    end = seconds_of(request.end_time) if request.HasField("end_time") else now
    ends = [_end(attempt, now) for attempt in request.attempts]
    return max(0.001, max([end, *ends]) - begin)


def bars(request: ledger_pb2.Request, now: float) -> Sequence[Bar]:
    """The attempts in their order."""
    begin, whole = seconds_of(request.create_time), span_of(request, now)

    def place(time: float) -> float:
        return min(WIDTH, max(0.0, (time - begin) / whole * WIDTH))

    made = []
    for attempt in request.attempts:
        start, end = place(seconds_of(attempt.start_time)), place(_end(attempt, now))
        start = min(start, WIDTH - _LEAST)
        accept = place(seconds_of(attempt.accept_time)) if attempt.HasField("accept_time") else None
        width = max(_LEAST, end - start)
        made.append(Bar(attempt, round(start, 1), round(width, 1), accept and round(accept, 1), _is_open(attempt)))
    return made


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the time that an answer took."""

    name: str
    seconds: float
    start: float
    width: float


def phases(timing: event_pb2.Timing) -> Sequence[Phase]:
    """Where the time went, one after the other; nothing where nothing is known."""
    told: Mapping[str, float] = {name: seconds_of(getattr(timing, name)) for name in _PHASES if timing.HasField(name)}
    return list(_phases(told)) if sum(told.values()) > 0 else []


def _phases(told: Mapping[str, float]) -> Iterable[Phase]:
    whole, passed = sum(told.values()), 0.0
    for name, seconds in told.items():
        yield Phase(name, seconds, round(passed / whole * WIDTH, 1), round(seconds / whole * WIDTH, 1))
        passed += seconds


def _is_open(attempt: event_pb2.Attempt) -> bool:
    return not attempt.HasField("duration")


def _end(attempt: event_pb2.Attempt, now: float) -> float:
    return now if _is_open(attempt) else seconds_of(attempt.start_time) + seconds_of(attempt.duration)
