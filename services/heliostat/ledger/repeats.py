"""Which requests were repeated, and how often: calls that bought nothing because they were answered by another."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from heliostat.api.ledger.v1 import admin_pb2

# So many requests are remembered, those that were repeated last.
_MOST_REMEMBERED = 10_000
_LOOK_EVERY_S = 0.25


class Repeats:
    """Counts repetitions by the request that they repeat, in this process."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._noted = 0
        # Request id -> when it was noted last, as a count of all that were noted.
        self._noted_at: dict[str, int] = {}

    def note(self, request_id: str) -> None:
        """A request was repeated."""
        self._noted += 1
        self._counts[request_id] = self._counts.pop(request_id, 0) + 1
        self._noted_at[request_id] = self._noted
        if len(self._counts) > _MOST_REMEMBERED:
            oldest = next(iter(self._counts))
            del self._counts[oldest], self._noted_at[oldest]

    async def watch(self, draining: Callable[[], bool]) -> AsyncGenerator[admin_pb2.WatchRepeatsResponse, None]:
        """All counts, then those that change, until the process stops."""
        told = -1
        while not draining():
            if told != self._noted:
                since, told = told, self._noted
                fresh = [name for name, at in self._noted_at.items() if at > since]
                repeats = [admin_pb2.Repeats(request_id=name, repeat_count=self._counts[name]) for name in fresh]
                yield admin_pb2.WatchRepeatsResponse(repeats=repeats)
            await asyncio.sleep(_LOOK_EVERY_S)
