"""Attempts whose caller left: each job is cancelled once, and what became of it is remembered for whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Cancelled

# So many attempts are remembered; who cancels asks within seconds.
_REMEMBERED = 1024


class Partings:
    """What became of attempts that ended before their time. `cancel` cancels a call's job and does not raise."""

    def __init__(self, cancel: Callable[[Call], Awaitable[Cancelled]]) -> None:
        self._cancel = cancel
        self._known: dict[str, asyncio.Future[Cancelled]] = {}

    def remember(self, call: Call, *, cancels: bool) -> None:
        """An attempt is left. `cancels`: its job is cancelled at the provider, in the background."""
        if call.attempt_id in self._known:
            return
        if cancels:
            parting: asyncio.Future[Cancelled] = asyncio.ensure_future(self._cancel(call))
        else:
            parting = asyncio.get_running_loop().create_future()
            parting.set_result(Cancelled(found=True, free=not call.may_be_billed))
        self._known[call.attempt_id] = parting
        while len(self._known) > _REMEMBERED and next(iter(self._known.values())).done():
            del self._known[next(iter(self._known))]

    async def look_up(self, attempt_id: str) -> Cancelled | None:
        """What became of an attempt; None where nothing is known of it, or its job was left alone."""
        parting = self._known.get(attempt_id)
        return None if parting is None else await asyncio.shield(parting)

    async def settle(self, within_s: float) -> None:
        """Gives cancels under way their time."""
        under_way = [parting for parting in self._known.values() if not parting.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=within_s)
