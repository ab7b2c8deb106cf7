"""The lease of this process, and the requests of those whose lease has ended.

A SQLite file has one process, so at its start everything open is an orphan. PostgreSQL has many: there a lease ends by
the database's own clock, so that a machine whose clock jumps neither loses its requests nor takes others' away.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, cast, func, insert, select, update

from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.ledger.journal import Stored, load
from heliostat.ledger.schema import IS_OPEN, OWNERS, REQUESTS

# A lease is renewed this often within its length.
RENEWALS = 3


class Lease:
    """What `owner` holds for `length_s` seconds at a time."""

    def __init__(self, database: Database, owner: str, length_s: float, clock: Clock) -> None:
        self._database = database
        self._owner = owner
        self._length_s = length_s
        self._clock = clock
        self._until = 0.0

    @property
    def is_shared(self) -> bool:
        """True where other processes may use the same database."""
        return self._database.is_shared

    @property
    def renew_after_s(self) -> float:
        """Seconds after which it should be renewed."""
        return self._length_s / RENEWALS

    @property
    def stands(self) -> bool:
        """False where others may have taken this process's requests over, such as after a long stop."""
        return not self.is_shared or self._clock.monotonic() < self._until

    async def renew(self) -> bool:
        """Says that this process lives for another while. False where the lease had ended in between."""
        asked = self._clock.monotonic()
        had_ended = self._until > 0.0 and not self.stands

        def write(connection: Connection) -> None:
            gone = OWNERS.delete()
            connection.execute(gone.where(OWNERS.c.owner == self._owner) if self.is_shared else gone)
            until_us = self._now_us(connection) + round(self._length_s * 1e6)
            connection.execute(insert(OWNERS).values(owner=self._owner, lease_time_us=until_us))

        await self._database.write(write)
        # From before the write: here it never lasts longer than there.
        self._until = asked + self._length_s
        return not had_ended

    async def release(self) -> None:
        """Gives the lease up: what this process leaves open is an orphan at once."""
        mine = OWNERS.delete().where(OWNERS.c.owner == self._owner)
        await self._database.write(lambda connection: _done(connection.execute(mine)))

    async def take_orphans(self) -> Sequence[Stored]:
        """Open requests whose owner's lease is over; they are this process's from now on, with a higher fence."""

        def take(connection: Connection) -> Sequence[str]:
            living = select(OWNERS.c.owner).where(OWNERS.c.lease_time_us > self._now_us(connection))
            orphaned = update(REQUESTS).where(IS_OPEN, REQUESTS.c.owner != self._owner, REQUESTS.c.owner.not_in(living))
            taken = orphaned.values(owner=self._owner, fence=REQUESTS.c.fence + 1).returning(REQUESTS.c.request_id)
            return connection.execute(taken).scalars().all()

        ids = await self._database.write(take)
        if not ids:
            return ()
        return await self._database.read(
            lambda connection: load(connection, select(REQUESTS).where(REQUESTS.c.request_id.in_(ids)))
        )

    async def open_ones(self, before_us: int | None = None) -> Sequence[Stored]:
        """Requests of this process that are open; with `before_us`, those that came before that time."""
        mine = IS_OPEN & (REQUESTS.c.owner == self._owner)
        if before_us is not None:
            mine &= REQUESTS.c.create_time_us < before_us
        return await self._database.read(lambda connection: load(connection, select(REQUESTS).where(mine)))

    def _now_us(self, connection: Connection) -> int:
        if not self.is_shared:
            return int(self._clock.time() * 1e6)
        seconds = func.extract("epoch", func.clock_timestamp())
        return int(connection.execute(select(cast(seconds * 1_000_000, BigInteger))).scalar_one())


def _done(_: object) -> None:
    """A write's answer where there is nothing to tell: cursors must not leave the writer's thread."""
