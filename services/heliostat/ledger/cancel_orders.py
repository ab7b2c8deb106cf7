"""Cancels of requests that another replica runs: written down, and carried out by whoever has the run."""

import asyncio

from sqlalchemy import Connection, select, update

from heliostat.chassis.logs import get_logger
from heliostat.ledger.desk import Desk
from heliostat.ledger.idempotency import Runs
from heliostat.ledger.journal import Journal
from heliostat.ledger.leaving import call_off
from heliostat.ledger.schema import IS_OPEN, REQUESTS

CALLED_OFF = "The request was cancelled by its caller."
# How long a caller waits for another replica to carry its cancel out; and how often that one looks, in seconds.
CANCEL_WAIT_S = 5.0
_LOOK_S = 1.0

log = get_logger(__name__)


async def order_cancel(journal: Journal, request_id: str, now_us: int) -> None:
    """Writes down that a request is to end. Once is enough; what is over stays as it is."""
    order = update(REQUESTS).where(REQUESTS.c.request_id == request_id, IS_OPEN, REQUESTS.c.cancel_time_us.is_(None))

    def write(connection: Connection) -> None:
        connection.execute(order.values(cancel_time_us=now_us))

    await journal.write(write)


class CancelOrders:
    """Looks for cancels that other replicas wrote down, as long as runs are under way here."""

    def __init__(self, desk: Desk, runs: Runs) -> None:
        self._desk = desk
        self._runs = runs
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Looks no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def carry_out(self) -> None:
        """Ends the runs of this process that somebody wants ended."""
        mine = select(REQUESTS.c.request_id).where(
            IS_OPEN, REQUESTS.c.owner == self._desk.owner, REQUESTS.c.cancel_time_us.is_not(None)
        )
        wanted = await self._desk.journal.read(lambda connection: connection.execute(mine).scalars().all())
        runs = [run for run in map(self._runs.get, wanted) if run is not None]
        await asyncio.gather(*(call_off(run, self._desk, CALLED_OFF) for run in runs))

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                if len(self._runs):
                    await self.carry_out()
            except Exception as error:  # the next look tries again
                log.unforeseen("a look for cancels failed", error)
