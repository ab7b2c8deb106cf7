"""What is kept no longer is swept: pictures and inputs, prompts, and rows, each by its own time and its key's.

Rows of requests leave their sums behind (the table `usage`), and stay as long as something is open: a picture that is
kept, a purchase of which nobody knows.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, distinct, exists, func, select, text, update
from sqlalchemy.sql import ColumnElement

from heliostat.chassis.clock import Clock
from heliostat.ledger.desk import Desk
from heliostat.ledger.files import Files
from heliostat.ledger.journal import SUCCEEDED
from heliostat.ledger.picture import media_key
from heliostat.ledger.schema import ATTEMPTS, CLAIMS, INPUTS, KEYS, LOOKUPS, MEDIA, REQUESTS
from heliostat.ledger.usage import DAY, DAY_US, DELIVERING, NOBODY, day_of

_FILES_AT_ONCE = 500
# A transaction holds up everybody's writes: rows go in small portions.
_ROWS_AT_ONCE = 200
_METADATA_EVERY_S = 3600.0
_CATCH_UP = 1.05

_COUNTS = ("request_count", "success_count", "asked_count", "image_count", "cost_micros", "reserved_micros")
_ADD = text(
    f"INSERT INTO usage (key_id, day, model, provider, {', '.join(_COUNTS)}) "  # noqa: S608 - names written here
    f"VALUES (:key_id, :day, :model, :provider, {', '.join(f':{name}' for name in _COUNTS)}) "
    "ON CONFLICT (key_id, day, model, provider) DO UPDATE SET "
    + ", ".join(f"{name} = usage.{name} + excluded.{name}" for name in _COUNTS)
)


class SteadyTime:
    """The time by which things are thrown away. It never runs ahead of the time that has passed.

    A wall clock that jumps forward for a while (it was set wrongly, or the machine slept) would have everything expire
    at once, and what is deleted does not come back. So this one follows the wall clock backwards at once, and forwards
    5 % faster than time passes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._time, self._monotonic = clock.time(), clock.monotonic()

    def now_us(self) -> int:
        """Micro-seconds since the epoch."""
        monotonic = self._clock.monotonic()
        at_most = self._time + (monotonic - self._monotonic) * _CATCH_UP
        self._time, self._monotonic = min(self._clock.time(), at_most), monotonic
        return int(self._time * 1e6)


class Retention:
    """Sweeps for one ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._files = Files(desk)
        self._time = SteadyTime(desk.clock)
        self._rows_swept: float | None = None

    async def sweep(self) -> int:
        """Removes what is over; gives how many files. Rows are looked at once an hour."""
        now_us = self._time.now_us()
        count = await self._sweep_files(now_us) + await self._files.sweep(now_us)
        await self._desk.journal.write(lambda connection: _clear_payloads(connection, now_us, self._payload_s))
        monotonic = self._desk.clock.monotonic()
        if self._rows_swept is None or monotonic - self._rows_swept >= _METADATA_EVERY_S:
            self._rows_swept = monotonic
            await self.sweep_rows(now_us)
        return count

    @property
    def _payload_s(self) -> int:
        return self._desk.settings.payload_retention_s

    async def _sweep_files(self, now_us: int) -> int:
        desk, count = self._desk, 0
        while True:
            media, inputs = await desk.journal.expired(now_us, _FILES_AT_ONCE)
            if not media and not inputs:
                return count
            for key in (*map(media_key, media), *inputs):
                await desk.blobs.delete(key)
            await desk.journal.forget_blobs(media, inputs, now_us)
            count += len(media) + len(inputs)

    async def sweep_rows(self, now_us: int) -> int:
        """Removes rows of requests whose time is over, with what belongs to them; gives how many requests."""
        count = 0
        default_s = self._desk.settings.metadata_retention_s
        for key_id, kept_s in await self._desk.journal.read(_own_times):
            count += await self._sweep_rows_of(REQUESTS.c.key_id == key_id, now_us - kept_s * 1_000_000)
        if default_s:
            own = select(KEYS.c.key_id).where(KEYS.c.metadata_retention_s.is_not(None))
            count += await self._sweep_rows_of(REQUESTS.c.key_id.not_in(own), now_us - default_s * 1_000_000)
        return count

    async def _sweep_rows_of(self, whose: ColumnElement[bool], before_us: int) -> int:
        count = 0
        while True:
            query = (
                select(REQUESTS.c.request_id)
                .where(whose, REQUESTS.c.create_time_us < before_us, REQUESTS.c.end_time_us < before_us, *_SETTLED)
                .order_by(REQUESTS.c.create_time_us)
                .limit(_ROWS_AT_ONCE)
            )
            ids = await self._desk.journal.read(lambda connection: connection.execute(query).scalars().all())  # noqa: B023
            if not ids:
                return count
            await self._desk.journal.write(lambda connection: _remove(connection, ids))  # noqa: B023
            count += len(ids)


_IS_LOOKED_UP = and_(LOOKUPS.c.request_id == REQUESTS.c.request_id, LOOKUPS.c.look_time_us.is_not(None))
_SETTLED = (
    ~exists().where(and_(ATTEMPTS.c.request_id == REQUESTS.c.request_id, ATTEMPTS.c.reserved_micros > 0)),
    ~exists().where(and_(MEDIA.c.request_id == REQUESTS.c.request_id, MEDIA.c.purged == 0)),
    ~exists().where(_IS_LOOKED_UP),
)


def _own_times(connection: Connection) -> Sequence[Any]:
    query = select(KEYS.c.key_id, KEYS.c.metadata_retention_s).where(KEYS.c.metadata_retention_s.is_not(None))
    return connection.execute(query).all()


def _clear_payloads(connection: Connection, now_us: int, default_s: int) -> None:
    """Removes prompts and inputs' names past their time; those that a look at a provider's job needs stay."""
    own = select(KEYS.c.payload_retention_s).where(KEYS.c.key_id == REQUESTS.c.key_id).scalar_subquery()
    over = REQUESTS.c.end_time_us < now_us - func.coalesce(own, default_s) * 1_000_000
    old = update(REQUESTS).where(REQUESTS.c.payload.is_not(None), over, ~exists().where(_IS_LOOKED_UP))
    connection.execute(old.values(payload=None))


def _remove(connection: Connection, ids: Sequence[str]) -> None:
    """Adds what these requests came to to the sums, then removes them. One transaction: nothing is counted twice."""
    still = connection.execute(
        select(REQUESTS.c.request_id).where(REQUESTS.c.request_id.in_(ids)).with_for_update()
    ).scalars()
    mine = list(still)
    if not mine:
        return
    for row in (*_sums_of_requests(connection, mine), *_sums_of_attempts(connection, mine)):
        values = {**dict.fromkeys(_COUNTS, 0), **row}
        values["day"] = day_of(int(row["day"]) * DAY_US)
        connection.execute(_ADD, values)
    for table in (MEDIA, INPUTS, CLAIMS, LOOKUPS, ATTEMPTS, REQUESTS):
        connection.execute(table.delete().where(table.c.request_id.in_(mine)))


def _sums_of_requests(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    provider = func.coalesce(REQUESTS.c.provider, NOBODY)
    query = (
        select(
            REQUESTS.c.key_id,
            DAY.label("day"),
            REQUESTS.c.model,
            provider.label("provider"),
            func.count().label("request_count"),
            func.sum(case((REQUESTS.c.state == SUCCEEDED, 1), else_=0)).label("success_count"),
        )
        .where(REQUESTS.c.request_id.in_(ids))
        .group_by(REQUESTS.c.key_id, DAY, REQUESTS.c.model, provider)
    )
    return connection.execute(query).mappings().all()


def _sums_of_attempts(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    provider = func.coalesce(ATTEMPTS.c.provider, NOBODY)
    delivered = case((ATTEMPTS.c.state.in_(DELIVERING), ATTEMPTS.c.image_count), else_=0)
    query = (
        select(
            REQUESTS.c.key_id,
            DAY.label("day"),
            REQUESTS.c.model,
            provider.label("provider"),
            func.count(distinct(REQUESTS.c.request_id)).label("asked_count"),
            func.coalesce(func.sum(delivered), 0).label("image_count"),
            func.coalesce(func.sum(ATTEMPTS.c.cost_micros), 0).label("cost_micros"),
        )
        .select_from(REQUESTS.outerjoin(ATTEMPTS, ATTEMPTS.c.request_id == REQUESTS.c.request_id))
        .where(REQUESTS.c.request_id.in_(ids))
        .group_by(REQUESTS.c.key_id, DAY, REQUESTS.c.model, provider)
    )
    return connection.execute(query).mappings().all()
