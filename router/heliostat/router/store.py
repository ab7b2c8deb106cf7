"""What routers keep and share: overrides, pauses of rate limits, and who changed what. Functions of a connection.

Every replica reads all of it in one look. Pauses are kept by the wall clock, so replicas' clocks should agree to a
fraction of a second, and a pause that seems longer than `MOST_PAUSE_S` is cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text, update

from heliostat.chassis.database import Database, Migrations
from heliostat.router.migrations import HEAD
from heliostat.router.overrides import AdminState, Override
from heliostat.router.schema import CHANGES, OVERRIDES, PAUSES

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Migrations("router", "heliostat.router.migrations", HEAD)
MOST_PAUSE_S = 60.0
RESET = "reset"

_LATER_PAUSE = text(
    "INSERT INTO target_pauses (target, until_us, why, owner) VALUES (:target, :until_us, :why, :owner) "
    "ON CONFLICT (target) DO UPDATE SET until_us = excluded.until_us, why = excluded.why, owner = excluded.owner "
    "WHERE excluded.until_us > target_pauses.until_us"
)


@dataclass(frozen=True, slots=True)
class Pause:
    """A target that asked to be left alone."""

    target: str
    until_us: int
    why: str
    owner: str  # the router that was told


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed."""

    time_us: int
    who: str
    what: str
    target: str = ""
    route: str = ""
    before: str = ""
    after: str = ""
    change_id: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that replicas follow: overrides, pauses that have not ended, resets since a while ago."""

    overrides: Sequence[Override]
    pauses: Sequence[Pause]
    resets: Sequence[Change]


class Store:
    """The router's tables in the database of its process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Makes the tables where they are missing. Raises MESH_UNAVAILABLE; may be called again then."""
        try:
            await self._database.start([MIGRATIONS])
        except BaseException:
            await self._database.stop()
            raise

    async def close(self) -> None:
        """Leaves the database."""
        await self._database.stop()

    async def look(self, now_us: int, since_us: int) -> Snapshot:
        """What holds now, and the resets since `since_us`. Raises MESH_UNAVAILABLE."""

        def read(connection: "Connection") -> Snapshot:
            changes = select(CHANGES).where(CHANGES.c.time_us > since_us, CHANGES.c.what == RESET)
            return Snapshot(
                overrides=[
                    Override(
                        target=row.target,
                        route=row.route,
                        priority=row.priority,
                        weight=row.weight,
                        admin_state=None if row.admin_state is None else AdminState(row.admin_state),
                    )
                    for row in connection.execute(select(OVERRIDES))
                ],
                pauses=[
                    Pause(row.target, row.until_us, row.why, row.owner)
                    for row in connection.execute(select(PAUSES).where(PAUSES.c.until_us > now_us))
                ],
                resets=[_change(row) for row in connection.execute(changes)],
            )

        return await self._database.read(read)

    async def override(self, rows: Iterable[Override], change: Change) -> None:
        """Keeps overrides, with who made them; those that are empty are forgotten. Raises MESH_UNAVAILABLE."""
        kept = list(rows)

        def write(connection: "Connection") -> None:
            for row in kept:
                values = {
                    "priority": row.priority,
                    "weight": row.weight,
                    "admin_state": None if row.admin_state is None else int(row.admin_state),
                }
                place = (OVERRIDES.c.route == row.route) & (OVERRIDES.c.target == row.target)
                if row.is_empty:
                    connection.execute(delete(OVERRIDES).where(place))
                elif connection.execute(update(OVERRIDES).where(place).values(values)).rowcount == 0:
                    connection.execute(insert(OVERRIDES).values(route=row.route, target=row.target, **values))
            _note(connection, change)

        await self._database.write(write)

    async def clear(self, target: str, route: str, change: Change) -> None:
        """Forgets the overrides of a target on one route, or (where that is empty) on all. Raises MESH_UNAVAILABLE."""

        def write(connection: "Connection") -> None:
            gone = delete(OVERRIDES).where(OVERRIDES.c.target == target)
            connection.execute(gone.where(OVERRIDES.c.route == route) if route else gone)
            _note(connection, change)

        await self._database.write(write)

    async def reset(self, change: Change) -> None:
        """Forgets the shared pause of the change's target, and tells every replica. Raises MESH_UNAVAILABLE."""

        def write(connection: "Connection") -> None:
            connection.execute(delete(PAUSES).where(PAUSES.c.target == change.target))
            _note(connection, change)

        await self._database.write(write)

    async def note(self, change: Change) -> None:
        """Keeps a change that is not kept otherwise. Raises MESH_UNAVAILABLE."""
        await self._database.write(lambda connection: _note(connection, change))

    async def pause(self, pauses: Iterable[Pause], now_us: int) -> None:
        """Tells the others of pauses; those that have ended are forgotten. Raises MESH_UNAVAILABLE."""
        kept = list(pauses)

        def write(connection: "Connection") -> None:
            connection.execute(delete(PAUSES).where(PAUSES.c.until_us <= now_us))
            for each in kept:
                values = {"target": each.target, "until_us": each.until_us, "why": each.why, "owner": each.owner}
                connection.execute(_LATER_PAUSE, values)

        await self._database.write(write)

    async def changes(self, target: str, size: int, before_id: int | None) -> list[Change]:
        """The newest changes, at most `size` of them, those before `before_id` where it is given."""
        wanted = select(CHANGES).order_by(CHANGES.c.change_id.desc()).limit(size)
        if target:
            wanted = wanted.where(CHANGES.c.target == target)
        if before_id is not None:
            wanted = wanted.where(CHANGES.c.change_id < before_id)
        return await self._database.read(lambda connection: [_change(row) for row in connection.execute(wanted)])


def _change(row: "object") -> Change:
    return Change(**row._mapping)  # type: ignore[attr-defined]


def _note(connection: "Connection", change: Change) -> None:
    names = ("time_us", "who", "what", "target", "route", "before", "after")
    connection.execute(insert(CHANGES).values({name: getattr(change, name) for name in names}))
