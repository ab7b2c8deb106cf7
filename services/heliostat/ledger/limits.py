"""What a key may ask for in any minute, and at once.

Counted in this process, over the last sixty seconds of a clock that never jumps: no window of a minute, wherever it
begins, holds more than the limit. Several processes count apart, so each lets a key's limit through.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, to_duration
from heliostat.ledger.callers import Caller

REQUESTS, IMAGES, CONCURRENT = "requests", "images", "concurrent"
_WINDOW_S = 60.0
# Keys that have asked for nothing in the last minute are forgotten when so many are known.
_MOST_KNOWN = 10_000


@dataclass(slots=True)
class _Entry:
    time: float
    images: int


@dataclass(slots=True)
class _Minute:
    """What one key asked for in the last minute, and what of it is about to run."""

    entries: deque[_Entry] = field(default_factory=deque)
    images: int = 0
    beginning: int = 0

    def forget(self, now: float) -> None:
        """Lets go what is older than a minute."""
        while self.entries and self.entries[0].time <= now - _WINDOW_S:
            self.images -= self.entries.popleft().images


class Ticket:
    """One request that was let through; `allowances` are what its key has left."""

    __slots__ = ("_entry", "_minute", "allowances")

    def __init__(self, minute: _Minute, entry: _Entry, allowances: Sequence[event_pb2.Allowance]) -> None:
        self.allowances = allowances
        self._minute = minute
        self._entry = entry
        minute.beginning += 1

    def begun(self) -> None:
        """The request runs: from now on it is counted among those under way by whoever runs it."""
        self._minute.beginning -= 1

    def give_back(self) -> None:
        """The request was a repetition of another one, or did not begin: it counts for nothing."""
        self._minute.beginning -= 1
        self._minute.images -= self._entry.images
        self._entry.images = 0
        # Newest last: it is found at once.
        for position in range(len(self._minute.entries) - 1, -1, -1):
            if self._minute.entries[position] is self._entry:
                del self._minute.entries[position]
                return


class Limits:
    """Lets requests through, or tells when to come back. `under_way` tells how many requests of a key run here."""

    def __init__(self, clock: Clock, under_way: Callable[[str], int]) -> None:
        self._clock = clock
        self._under_way = under_way
        self._minutes: dict[str, _Minute] = {}

    def take(self, caller: Caller, image_count: int) -> Ticket | None:
        """Lets one request for so many pictures through; None where the key has no limits.

        Raises RATE_LIMITED with the seconds after which it would be let through, INVALID_FIELD where it never would.
        """
        limits = caller.key.limits
        if not (limits.requests_per_minute or limits.images_per_minute or limits.concurrent_requests):
            return None
        now, minute = self._clock.monotonic(), self._minute(caller.key_id)
        minute.forget(now)
        running = self._under_way(caller.key_id) + minute.beginning
        if limits.concurrent_requests and running >= limits.concurrent_requests:
            raise _full(CONCURRENT, limits.concurrent_requests, _MANY_AT_ONCE, 1.0)
        if limits.requests_per_minute and len(minute.entries) >= limits.requests_per_minute:
            oldest = minute.entries[-limits.requests_per_minute]
            raise _full(REQUESTS, limits.requests_per_minute, _MANY_REQUESTS, oldest.time + _WINDOW_S - now)
        if limits.images_per_minute and minute.images + image_count > limits.images_per_minute:
            raise self._too_many_images(minute, image_count, limits.images_per_minute, now)
        entry = _Entry(now, image_count)
        minute.entries.append(entry)
        minute.images += image_count
        return Ticket(minute, entry, _allowances(limits, minute, running + 1, now))

    @staticmethod
    def _too_many_images(minute: _Minute, image_count: int, limit: int, now: float) -> MeshError:
        if image_count > limit:
            return MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"This key may have {limit} pictures a minute; ask for fewer at once.",
                field="image_count",
            )
        freed, wait_s = minute.images, 0.0
        for entry in minute.entries:
            freed -= entry.images
            wait_s = entry.time + _WINDOW_S - now
            if freed + image_count <= limit:
                break
        return _full(IMAGES, limit, _MANY_IMAGES, wait_s, max(0, limit - minute.images))

    def _minute(self, key_id: str) -> _Minute:
        minute = self._minutes.get(key_id)
        if minute is None:
            if len(self._minutes) >= _MOST_KNOWN:
                self._forget_idle()
            minute = self._minutes[key_id] = _Minute()
        return minute

    def _forget_idle(self) -> None:
        now = self._clock.monotonic()
        for key_id, minute in list(self._minutes.items()):
            minute.forget(now)
            if not minute.entries and not minute.beginning:
                del self._minutes[key_id]


_MANY_AT_ONCE = "This key may have {limit} requests under way at once; wait until one of them ends."
_MANY_REQUESTS = "This key may make {limit} requests a minute; wait {wait:.0f} s, or have its limit raised."
_MANY_IMAGES = "This key may have {limit} pictures a minute; wait {wait:.0f} s, or have its limit raised."


def _full(kind: str, limit: int, sentence: str, wait_s: float, remaining: int = 0) -> MeshError:
    wait_s = max(wait_s, 0.001)
    return MeshError(
        reasons.ERROR_REASON_RATE_LIMITED,
        sentence.format(limit=limit, wait=max(1.0, wait_s)),
        retry_after_s=wait_s,
        limit_kind=kind,
        limit=str(limit),
        limit_remaining=str(remaining),
    )


def _allowances(
    limits: admin_pb2.KeyLimits, minute: _Minute, running: int, now: float
) -> Sequence[event_pb2.Allowance]:
    newest = to_duration(minute.entries[-1].time + _WINDOW_S - now) if minute.entries else None
    told = []
    for kind, limit, used in (
        (REQUESTS, limits.requests_per_minute, len(minute.entries)),
        (IMAGES, limits.images_per_minute, minute.images),
        (CONCURRENT, limits.concurrent_requests, running),
    ):
        if limit:
            reset = newest if kind != CONCURRENT else None
            told.append(event_pb2.Allowance(kind=kind, limit=limit, remaining=max(0, limit - used), reset=reset))
    return told
