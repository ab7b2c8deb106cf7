"""Writes what waits in the spool, in its order, as soon as database and media store take it again.

An end is written once, however often it is tried: what stands in the journal already is looked at first. Where another
process closed the request meanwhile, only what it did not know is settled: its unknown attempts become what they were.
"""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.desk import Desk
from heliostat.ledger.idempotency import Runs
from heliostat.ledger.journal import FAILED_UNBILLED, OPEN, RUNNING, Ending, Row, write_end
from heliostat.ledger.late import Late
from heliostat.ledger.lookups import BILLED, UNBILLED, UNKNOWN, settle
from heliostat.ledger.picture import media_key
from heliostat.ledger.schema import ATTEMPTS, MEDIA, REQUESTS
from heliostat.ledger.spool import Entry

_PAUSE_S = 0.5

log = get_logger(__name__)


class Verdict(Enum):
    """What became of an end."""

    WRITTEN = "written"
    SETTLED = "settled: another process had closed the request"
    THERE = "there already"
    UNDER_WAY = "another process works on the request"
    FOREIGN = "the journal has another request of this id"


class CatchingUp:
    """Empties the spool in the background."""

    def __init__(self, desk: Desk, database: Database, runs: Runs) -> None:
        self._spool = desk.spool
        self._database = database
        self._blobs = desk.blobs
        self._owner = desk.owner
        self._runs = runs
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        # Files whose rows are written, and whose pictures wait for the store.
        self._written: set[Path] = set()

    def start(self) -> None:
        """Goes on in the background."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends the background work, with a last try."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._spool.entries:
            await self.catch_up()

    async def _go_on(self) -> None:
        while True:
            await self._spool.wait()
            await self._database.standing.wait_up()
            try:
                await self.catch_up()
            except Exception as error:  # the next round tries again
                log.unforeseen("the spool could not be emptied", error)
            if self._spool.entries:
                await asyncio.sleep(_PAUSE_S)

    async def catch_up(self) -> int:
        """Writes all that can be written now; gives how many files are left."""
        async with self._turn:
            for entry in self._spool.entries:
                try:
                    await self._write(entry)
                except MeshError as error:
                    log.debug("a file of the spool waits on", reason=error.reason)
                except (SQLAlchemyError, KeyError, TypeError) as error:
                    await self._spool.set_aside(entry.path, f"the journal refuses it ({type(error).__name__})")
                except Exception as error:  # it stays, and the others are not kept waiting by it
                    log.unforeseen("a file of the spool could not be written", error)
                if not self._database.standing.up:
                    break
        return len(self._spool.entries)

    async def _write(self, entry: Entry) -> None:
        if entry.path in self._written and not self._blobs.standing.up:
            return
        contents = await self._spool.load(entry.path)
        if contents is None or self._runs.get(contents.late.request_id) is not None:
            return
        late = contents.late
        verdict = await self._database.write(lambda connection: _settle(connection, late, self._owner))
        if verdict is Verdict.UNDER_WAY:
            return
        if verdict is Verdict.FOREIGN:
            await self._spool.set_aside(entry.path, verdict.value)
            return
        self._written.add(entry.path)
        if entry.pictures and not self._blobs.standing.up:
            return
        await self._store(entry, late)
        await self._spool.forget(entry.path)
        self._written.discard(entry.path)
        log.info("an end from the spool is written", request_id=late.request_id, verdict=verdict.value)

    async def _store(self, entry: Entry, late: Late) -> None:
        """Gives the pictures to the store, but for those that were purged meanwhile. Raises MESH_UNAVAILABLE."""
        wanted = await self._wanted(late.request_id) if entry.pictures else ()
        for media_id, place in entry.pictures.items():
            if media_id in wanted:
                key = media_key(media_id)
                await self._blobs.put(key, await self._spool.read(key, 0, place.size))
        # One may have been purged while it was on its way.
        for media_id in set(wanted) - set(await self._wanted(late.request_id) if wanted else ()):
            await self._blobs.delete(media_key(media_id))

    async def _wanted(self, request_id: str) -> Collection[str]:
        query = select(MEDIA.c.media_id).where(MEDIA.c.request_id == request_id, MEDIA.c.purged == 0)
        return set(await self._database.read(lambda connection: connection.execute(query).scalars().all()))


def _settle(connection: Connection, late: Late, owner: str) -> Verdict:
    """Brings the journal to what `late` tells. Runs in one transaction."""
    mine = REQUESTS.c.request_id == late.request_id
    row = connection.execute(select(REQUESTS).where(mine)).mappings().first()
    if row is None:
        connection.execute(insert(REQUESTS).values(dict(late.opening)))
        _add_intents(connection, late)
        write_end(connection, late.ending)
        return Verdict.WRITTEN
    if any(row[name] != late.opening[name] for name in ("key_id", "request_hash", "create_time_us")):
        return Verdict.FOREIGN
    if row["state"] == RUNNING:
        if row["owner"] not in (owner, late.opening["owner"]):
            return Verdict.UNDER_WAY
        _add_intents(connection, late)
        # Whoever writes it now holds the request: its fence may have been raised at a restart.
        write_end(connection, replace(late.ending, owner=row["owner"], fence=row["fence"]))
        return Verdict.WRITTEN
    if row["end_time_us"] == late.ending.request["end_time_us"]:
        return Verdict.THERE
    return _correct(connection, late.ending, row)


def _add_intents(connection: Connection, late: Late) -> None:
    """Attempts whose own row was never committed: nothing is ended that was not begun."""
    mine = ATTEMPTS.c.request_id == late.request_id
    there = set(connection.execute(select(ATTEMPTS.c.attempt_id).where(mine)).scalars())
    for intent in late.intents:
        if intent["attempt_id"] not in there:
            connection.execute(insert(ATTEMPTS).values(dict(intent)))


def _correct(connection: Connection, ending: Ending, request: Row) -> Verdict:
    """Another process closed the request and could not know how its attempts ended; now it is known."""
    settled = False
    for attempt_id, told in ending.attempts.items():
        if told["state"] in (OPEN, UNKNOWN):
            continue
        is_free = told["state"] == FAILED_UNBILLED or told["billed"] == event_pb2.BILLED_NO
        mine = [row for row in ending.media if row["attempt_id"] == attempt_id and not request["purged"]]
        settled |= settle(connection, attempt_id, {**told, "state": UNBILLED if is_free else BILLED}, mine)
    return Verdict.SETTLED if settled else Verdict.THERE
