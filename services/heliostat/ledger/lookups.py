"""Which unknown attempts are to be looked up again, when, and what the last look found.

An attempt that ended unknown is entered in the commit of its request's end. It leaves when it is known what became of
it: unknown is the one state of an attempt that may still change. Without a provider's job id there is nothing to look
up: it stays on the list, and reserved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal_column, select, text, update

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.database import Database, Prepared
from heliostat.ledger.schema import ATTEMPTS, LOOKUPS, MEDIA, REQUESTS

UNKNOWN = ledger_pb2.ATTEMPT_STATE_UNKNOWN
BILLED = ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED
UNBILLED = ledger_pb2.ATTEMPT_STATE_RECONCILED_UNBILLED

# Seconds between an attempt's end and the first look; each wait is twice the one before, up to an hour.
FIRST_S = 5.0
LONGEST_S = 3600.0

Row = Mapping[str, Any]

_ENTER = Prepared(
    text(
        "INSERT INTO lookups (attempt_id, request_id, look_time_us, look_count, note) "
        "VALUES (:attempt_id, :request_id, :look_time_us, 0, '') ON CONFLICT (attempt_id) DO NOTHING"
    )
)
_STILL_UNKNOWN = Prepared(
    select(ATTEMPTS.c.request_id, ATTEMPTS.c.reserved_micros)
    .where(ATTEMPTS.c.attempt_id == bindparam("id"), ATTEMPTS.c.state == literal_column(str(int(UNKNOWN))))
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One attempt to look up. Times in micro-seconds since the epoch."""

    attempt_id: str
    request_id: str
    look_time_us: int
    look_count: int


def wait_s(look_count: int) -> float:
    """Seconds until the next look after so many. Pure."""
    return min(LONGEST_S, FIRST_S * 2.0 ** min(look_count, 20))


def enter_unknown(connection: Connection, request_id: str, attempts: Mapping[str, Row]) -> None:
    """Enters those of a request's ended attempts that are unknown; without a job id there is nothing to look up."""
    for attempt_id, row in attempts.items():
        if row["state"] == UNKNOWN:
            look_time_us = row["end_time_us"] + round(FIRST_S * 1e6) if can_be_looked_up(row) else None
            values = {"attempt_id": attempt_id, "request_id": request_id, "look_time_us": look_time_us}
            _ENTER.run(connection, values)


def can_be_looked_up(row: Row) -> bool:
    """True for the row, or the end, of an attempt that is unknown and whose job can be asked for. Pure."""
    return row["state"] == UNKNOWN and bool(row["provider_job_id"])


class Lookups:
    """The list of what is to be looked up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now_us: int, limit: int) -> Sequence[Lookup]:
        """What is to be looked up by now, the longest overdue first. Requests that are open are not among them."""
        query = (
            select(LOOKUPS.c.attempt_id, LOOKUPS.c.request_id, LOOKUPS.c.look_time_us, LOOKUPS.c.look_count)
            .join(REQUESTS, REQUESTS.c.request_id == LOOKUPS.c.request_id)
            .where(LOOKUPS.c.look_time_us <= now_us, REQUESTS.c.end_time_us.is_not(None))
            .order_by(LOOKUPS.c.look_time_us)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Lookup(*row) for row in rows]

    async def claim(self, lookup: Lookup, until_us: int) -> bool:
        """Takes one look for this process: it is due again at `until_us`. False where another process was faster."""
        same = (LOOKUPS.c.attempt_id == lookup.attempt_id) & (LOOKUPS.c.look_time_us == lookup.look_time_us)
        taken = update(LOOKUPS).where(same).values(look_time_us=until_us, look_count=lookup.look_count + 1)
        return await self._database.write(lambda connection: connection.execute(taken).rowcount == 1)

    async def note(self, attempt_id: str, note: str, look_time_us: int | None) -> None:
        """Writes down what a look found, and when the next one is; None: there is none any more."""
        row = update(LOOKUPS).where(LOOKUPS.c.attempt_id == attempt_id)
        noted = row.values(note=note, look_time_us=look_time_us)
        await self._database.write(lambda connection: _done(connection.execute(noted)))

    async def forget(self, attempt_id: str) -> None:
        """Takes an attempt off the list: it is known by now."""
        gone = LOOKUPS.delete().where(LOOKUPS.c.attempt_id == attempt_id)
        await self._database.write(lambda connection: _done(connection.execute(gone)))

    async def settle(self, attempt_id: str, ended: Row, media: Sequence[Row]) -> bool:
        """Ends an unknown attempt as a look told: its row's new values, and the pictures that came.

        Its request's money follows; its state does not change. False, and nothing is written, where the attempt is not
        unknown (any more).
        """
        return await self._database.write(lambda connection: settle(connection, attempt_id, ended, media))

    async def remember_job(self, attempt_id: str, provider_job_id: str, now_us: int) -> bool:
        """Gives an unknown attempt the job id that a process told too late; True where it had none."""

        def write(connection: Connection) -> bool:
            bare = (ATTEMPTS.c.attempt_id == attempt_id) & (ATTEMPTS.c.provider_job_id == "")
            missing = update(ATTEMPTS).where(bare, ATTEMPTS.c.state == UNKNOWN)
            missing = missing.values(provider_job_id=provider_job_id).returning(ATTEMPTS.c.request_id)
            request_id = connection.execute(missing).scalar()
            if request_id is None:
                return False
            values = {"attempt_id": attempt_id, "request_id": request_id, "look_time_us": now_us}
            connection.execute(LOOKUPS.delete().where(LOOKUPS.c.attempt_id == attempt_id))
            _ENTER.run(connection, values)
            return True

        return await self._database.write(write)


def settle(connection: Connection, attempt_id: str, ended: Row, media: Sequence[Row]) -> bool:
    """As `Lookups.settle`, within a transaction."""
    unknown = _STILL_UNKNOWN.fetch(connection, {"id": attempt_id})
    if not unknown:
        return False
    request_id, held = unknown[0]
    connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.attempt_id == attempt_id).values(**ended))
    money = {
        "cost_micros": REQUESTS.c.cost_micros + ended["cost_micros"],
        "reserved_micros": REQUESTS.c.reserved_micros - held + ended["reserved_micros"],
    }
    connection.execute(update(REQUESTS).where(REQUESTS.c.request_id == request_id).values(**money))
    if media:
        connection.execute(insert(MEDIA), list(media))
    connection.execute(LOOKUPS.delete().where(LOOKUPS.c.attempt_id == attempt_id))
    return True


def _done(_: object) -> None:
    """A write's answer where there is nothing to tell: cursors must not leave the writer's thread."""
