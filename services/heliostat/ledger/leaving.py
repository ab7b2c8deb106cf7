"""What becomes of a run whose callers have left: it waits for them a while, and then spares what can be spared.

What is free to end is ended. What a provider may charge for goes on, is kept, and is recorded with its cost.
"""

import asyncio
from typing import Protocol

from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.ledger.desk import Desk
from heliostat.ledger.event_log import EventLog

# A provider is given this long to answer a cancel; and then the run as long to take note of what it said.
_GIVE_UP_S = 12.0
_NOTICE_S = 2.0

log = get_logger(__name__)


class Deserted(Protocol):
    """A run, as far as leaving it goes."""

    request_id: str
    events: EventLog
    client_gone: bool

    @property
    def at_stake(self) -> bool:
        """True where money may be lost if it is given up now."""

    def cancel(self, sentence: str) -> None:
        """Ends it, whatever it costs."""

    async def wait_end(self) -> None:
        """Waits until its end is written."""


class Leaving:
    """The time between a run's last reader and what is then done about it. `grace_s`: seconds it is waited for."""

    __slots__ = ("_desk", "_grace_s", "_run", "_sparing", "_timer")

    def __init__(self, run: Deserted, desk: Desk, grace_s: float) -> None:
        self._run = run
        self._desk = desk
        self._grace_s = grace_s
        self._timer: asyncio.TimerHandle | None = None
        self._sparing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The last reader left."""
        self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._over)

    def forget(self) -> None:
        """Somebody came back."""
        self._run.client_gone = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        run = self._run
        if run.events.readers or run.events.ended:
            return
        run.client_gone = True
        if run.at_stake:
            self._sparing = asyncio.create_task(self._spare())
        else:
            run.cancel("The caller left before anything was bought; the request was given up.")

    async def _spare(self) -> None:
        """Asks for an end of what is free to end. It ends in the router's own stream, with what the provider said."""
        await give_up(self._desk, self._run.request_id, only_free=True)


async def give_up(desk: Desk, request_id: str, *, only_free: bool) -> bool:
    """Has the router end what a request has under way; True where something was, and the provider heard of it."""
    asked = router_pb2.GiveUpRequest(request_id=request_id, only_free=only_free)
    try:
        answer = await call(desk.router.GiveUp, asked, timeout_s=_GIVE_UP_S)
    except MeshError as error:
        log.warning(
            "what a request has under way was not ended", request_id=request_id, reason=reason_name(error.reason)
        )
        return False
    log.info("a request was given up", request_id=request_id, attempts=answer.attempt_count, free=answer.free)
    return bool(answer.attempt_count)


async def call_off(run: Deserted, desk: Desk, sentence: str) -> None:
    """Ends a run because its caller says so, and waits for its end. Its provider is asked first: what the cancel
    comes to is part of the record.
    """
    if run.at_stake and await give_up(desk, run.request_id, only_free=False):
        await asyncio.wait({asyncio.ensure_future(run.wait_end())}, timeout=_NOTICE_S)
    run.cancel(sentence)
    await run.wait_end()
