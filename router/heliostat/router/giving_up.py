"""Requests that their ledger gives up: what they have under way at providers is ended, all of it or what is free."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from heliostat.api.router.v1 import router_pb2
from heliostat.router.attempt import Attempt
from heliostat.router.cancels import Cancels


class UnderWay:
    """The attempts of every request that this router serves."""

    def __init__(self, cancels: Cancels) -> None:
        self._cancels = cancels
        self._attempts: dict[str, list[Attempt]] = {}

    @contextmanager
    def request(self, request_id: str) -> Iterator[list[Attempt]]:
        """Where the attempts of one request are noted for as long as it is served."""
        attempts: list[Attempt] = []
        self._attempts[request_id] = attempts
        try:
            yield attempts
        finally:
            if self._attempts.get(request_id) is attempts:
                del self._attempts[request_id]

    async def give_up(self, request_id: str, *, only_free: bool) -> router_pb2.GiveUpResponse:
        """Ends what is under way; each attempt ends with what its provider said, in the request's own stream."""
        live = [each for each in self._attempts.get(request_id, ()) if not each.is_over]
        ended = await asyncio.gather(*(self._end(each, only_free) for each in live))
        return router_pb2.GiveUpResponse(attempt_count=len(live), free=all(ended))

    async def _end(self, attempt: Attempt, only_free: bool) -> bool:
        return attempt.call_off() or await self._cancels.end(attempt, only_free=only_free)
