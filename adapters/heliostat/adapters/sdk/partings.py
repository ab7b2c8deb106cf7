"""Attempts whose caller left: each job is cancelled once, and what became of it is remembered for whoever asks.

Where the connection of a caller in another process broke off, nobody said that the job is not wanted: that process may
have died, and its successor goes on with the job by its id. Such a job is left alone for a while.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.contract import Cancelled

# So many attempts are remembered; who cancels asks within seconds.
_REMEMBERED = 1024


@dataclass(slots=True, eq=False)
class _Parting:
    """One attempt that was left. `due` ends its being left alone; `kept`: somebody goes on with its job."""

    job_id: str
    due: asyncio.Event = field(default_factory=asyncio.Event)
    kept: bool = False
    outcome: "asyncio.Future[Cancelled]" = field(init=False)


class Partings:
    """What became of attempts that ended before their time. `cancel` cancels a call's job and does not raise."""

    def __init__(self, cancel: Callable[[Call], Awaitable[Cancelled]]) -> None:
        self._cancel = cancel
        self._known: dict[str, _Parting] = {}

    def remember(self, call: Call, *, cancels: bool, after_s: float = 0.0) -> None:
        """An attempt is left. `cancels`: its job is cancelled at the provider, in the background, after so many
        seconds unless somebody goes on with it before.
        """
        if call.attempt_id in self._known:
            return
        parting = self._known[call.attempt_id] = _Parting(call.job_id)
        if cancels:
            if after_s <= 0:
                parting.due.set()
            parting.outcome = asyncio.ensure_future(self._part(call, parting, after_s))
        else:
            parting.due.set()
            parting.outcome = asyncio.get_running_loop().create_future()
            parting.outcome.set_result(Cancelled(found=True, free=not call.may_be_billed))
        while len(self._known) > _REMEMBERED and next(iter(self._known.values())).outcome.done():
            del self._known[next(iter(self._known))]

    async def _part(self, call: Call, parting: _Parting, after_s: float) -> Cancelled:
        with suppress(TimeoutError):
            await asyncio.wait_for(parting.due.wait(), after_s)
        parting.due.set()
        return Cancelled(found=True) if parting.kept else await self._cancel(call)

    async def look_up(self, attempt_id: str) -> Cancelled | None:
        """What became of an attempt, whose job is left alone no longer; None where nothing is known of it."""
        parting = self._known.get(attempt_id)
        if parting is None:
            return None
        parting.due.set()
        return await asyncio.shield(parting.outcome)

    def keep(self, job_id: str) -> None:
        """Somebody goes on with a job: it is not cancelled for having been left."""
        for attempt_id, parting in list(self._known.items()):
            if parting.job_id == job_id and not parting.due.is_set():
                parting.kept = True
                parting.due.set()
                del self._known[attempt_id]

    async def settle(self, within_s: float) -> None:
        """Gives cancels under way their time. What is left alone stays so: whoever comes next may go on with it."""
        for parting in self._known.values():
            if not parting.due.is_set():
                parting.kept = True
                parting.due.set()
        under_way = [parting.outcome for parting in self._known.values() if not parting.outcome.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=within_s)
