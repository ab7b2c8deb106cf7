"""Whether anything new is taken on: only while what it would buy could be written down and kept."""

import asyncio

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.spool import Spool

_LOOK_S = 1.0
_RETRY_AFTER_S = 2.0

log = get_logger(__name__)


class Doors:
    """Open while the database answers, the media store takes pictures, and the spool has room for a bad hour."""

    def __init__(self, database: Database, blobs: Blobs, spool: Spool) -> None:
        self._database = database
        self._blobs = blobs
        self._spool = spool
        self._task: asyncio.Task[None] | None = None

    @property
    def are_open(self) -> bool:
        """True where `check` would let pass."""
        return self._database.standing.up and self._blobs.standing.up and not self._spool.is_crowded

    def check(self) -> None:
        """To be passed by whatever may buy something. Raises MESH_UNAVAILABLE with what is wrong."""
        if not self._database.standing.up:
            raise _closed("The database does not answer.")
        if not self._blobs.standing.up:
            raise _closed("The media store is full or does not answer.")
        if self._spool.is_crowded:
            raise _closed("Too much that was bought waits to be written down.")

    async def start(self) -> None:
        """Looks at store and spool once, and from then on every second."""
        await self._look()
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends the looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._look()

    async def _look(self) -> None:
        try:
            await self._blobs.look()
            await self._spool.look()
        except Exception as error:  # the next look tries again
            log.unforeseen("the stores could not be looked at", error)


def _closed(why: str) -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        f"{why} Nothing was bought, and nothing new is taken on until this is over; ask again in a moment.",
        retry_after_s=_RETRY_AFTER_S,
    )
