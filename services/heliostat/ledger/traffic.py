"""How many requests are under way in this process, for whoever watches."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from heliostat.api.ledger.v1 import admin_pb2
from heliostat.ledger.idempotency import Runs

# Told at most so often: a count that moves faster cannot be read anyway.
_LOOK_EVERY_S = 0.25


class Traffic:
    """Counts runs and the callers that wait for them."""

    def __init__(self, runs: Runs, draining: Callable[[], bool]) -> None:
        self._runs = runs
        self._draining = draining

    def counted(self) -> admin_pb2.WatchTrafficResponse:
        """The counts as they are."""
        return admin_pb2.WatchTrafficResponse(
            caller_count=sum(run.reader_count for run in self._runs.all()),
            request_count=len(self._runs),
            begun_count=self._runs.begun,
        )

    async def watch(self) -> AsyncGenerator[admin_pb2.WatchTrafficResponse, None]:
        """The counts, then the counts after each change, until the process stops."""
        told = None
        while not self._draining():
            counted = self.counted()
            if counted != told:
                told = counted
                yield counted
            await asyncio.sleep(_LOOK_EVERY_S)

    def watch_repeats(self) -> AsyncGenerator[admin_pb2.WatchRepeatsResponse, None]:
        """Which requests were repeated, then those that are, until the process stops."""
        return self._runs.repeats.watch(self._draining)
