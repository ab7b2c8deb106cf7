"""What may still be spent: reserved by estimate before a target is asked, settled by cost afterwards.

A budget binds one key, or all keys together (""), in its window: "day" and "month" (by UTC), "total", and "cap", which
is the spending cap of the configuration. What counts is when an attempt began: its cost belongs to that day and month
for ever, also where it ends in the next one.

The database counts: triggers add every change of an attempt's money to the accounts of its windows, in the commit
that makes the change, whoever makes it. An intent is written only where its budgets cover it, in one transaction with
that look, so many processes together stay within a budget too, and a crash leaves nothing to be counted anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.sql import ColumnElement

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database, Prepared
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import usd
from heliostat.ledger.schema import ACCOUNTS, ACCOUNTS_LOCK, ATTEMPTS, BUDGETS, REQUESTS, USAGE

if TYPE_CHECKING:
    import asyncio

ALL_KEYS = ""
DAY, MONTH, TOTAL, CAP = "day", "month", "total", "cap"
WINDOWS = (DAY, MONTH, TOTAL)

# Looks, in the transaction that writes an intent, whether it is covered; gives why it is not, or None.
Guard = Callable[[Connection], MeshError | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """One budget as it stands, in micro-dollars. `reset_time_us` is when its window ends; None where it never does."""

    key_id: str
    window: str
    limit: int
    spent: int
    reserved: int
    reset_time_us: int | None = None

    @property
    def left(self) -> int:
        """What may still be reserved; never below 0."""
        return max(0, self.limit - self.spent - self.reserved)


class Budgets:
    """Knows the limits, and what stands against them."""

    def __init__(self, database: Database, clock: Clock, cap_micros: int | None) -> None:
        self._database = database
        self._clock = clock
        self._cap = cap_micros
        # Whose budgets there are; complete where no other process sets budgets in this database.
        self._bound: set[str] = set()

    async def start(self) -> None:
        """Writes the configuration's cap down, and counts what has been spent where nothing has counted it yet."""
        now_us = self._now_us()
        await self._database.write(lambda connection: self._settle_cap(connection, now_us))
        rows = await self._database.read(
            lambda connection: connection.execute(select(BUDGETS.c.key_id)).scalars().all()
        )
        self._bound = set(rows)

    def _settle_cap(self, connection: Connection, now_us: int) -> None:
        held = connection.execute(select(BUDGETS.c.limit_micros).where(_of(ALL_KEYS, CAP))).scalar()
        if held != self._cap:
            _set(connection, ALL_KEYS, CAP, self._cap, now_us)
        for row in connection.execute(select(BUDGETS.c.key_id, BUDGETS.c.window)).all():
            here = (ACCOUNTS.c.key_id == row.key_id) & (ACCOUNTS.c.period == period(row.window, now_us))
            if connection.execute(select(ACCOUNTS.c.period).where(here)).first() is None:
                _open_account(connection, row.key_id, row.window, now_us)

    def guard(self, key_id: str, micros: int, time_us: int) -> Guard | None:
        """What an intent of `key_id` for `micros` at `time_us` has to pass; None where nothing binds it."""
        if micros <= 0:
            return None
        if not self._database.is_shared and self._bound.isdisjoint((ALL_KEYS, key_id)):
            return None
        return lambda connection: _refusal(connection, key_id, micros, time_us)

    async def set(self, key_id: str, window: str, limit: int) -> Standing:
        """Sets the budget of a key, or of all keys (""), in a window of `WINDOWS`; 0 removes it."""
        now_us = self._now_us()
        await self._database.write(lambda connection: _set(connection, key_id, window, limit or None, now_us))
        rows = await self._database.read(
            lambda connection: connection.execute(select(BUDGETS.c.key_id)).scalars().all()
        )
        self._bound = set(rows)
        found = [each for each in await self.standings((key_id,)) if each.window == window]
        return found[0] if found else Standing(key_id, window, 0, 0, 0)

    async def standings(self, key_ids: Sequence[str] | None = None) -> Sequence[Standing]:
        """The budgets of these keys, or all of them; those of all keys together come first."""
        now_us = self._now_us()
        query = _STANDINGS if key_ids is None else _STANDINGS.where(BUDGETS.c.key_id.in_(key_ids))
        rows = await self._database.read(lambda connection: connection.execute(query, _periods(now_us)).all())
        return [_standing(row, now_us) for row in rows]

    def _now_us(self) -> int:
        return int(self._clock.time() * 1e6)


async def granted(written: "asyncio.Future[MeshError | None]") -> None:
    """Waits for the commit of an intent. Raises BUDGET_EXHAUSTED where no budget covers it and nothing is written."""
    refused = await written
    if refused is not None:
        raise refused


def period(window: str, time_us: int) -> str:
    """The account's period of a window at a time, as the triggers write it: "2026-11-22", "2026-11", "total". Pure."""
    if window == DAY:
        return _moment(time_us).strftime("%Y-%m-%d")
    return _moment(time_us).strftime("%Y-%m") if window == MONTH else window


def reset_time_us(window: str, time_us: int) -> int | None:
    """When the window at `time_us` ends, in micro-seconds since the epoch; None where it never does. Pure."""
    begin = _begin(window, time_us)
    if begin is None:
        return None
    # 32 days after the first of a month lies in the next one, whatever its length.
    end = begin + timedelta(days=1) if window == DAY else (begin + timedelta(days=32)).replace(day=1)
    return int(end.timestamp()) * 1_000_000


def _begin(window: str, time_us: int) -> datetime | None:
    if window not in (DAY, MONTH):
        return None
    midnight = _moment(time_us).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if window == DAY else midnight.replace(day=1)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)


def _of(key_id: str, window: str) -> ColumnElement[bool]:
    return and_(BUDGETS.c.key_id == key_id, BUDGETS.c.window == window)


# Every budget with the account of its window at the time that "day" and "month" name. Constants are part of the text:
# a prepared statement's values are all named.
_PERIOD = case(
    (BUDGETS.c.window == literal_column("'day'"), bindparam(DAY, type_=Text)),
    (BUDGETS.c.window == literal_column("'month'"), bindparam(MONTH, type_=Text)),
    else_=BUDGETS.c.window,
)
_CURRENT = and_(ACCOUNTS.c.key_id == BUDGETS.c.key_id, ACCOUNTS.c.period == _PERIOD)
_STANDINGS = (
    select(BUDGETS, ACCOUNTS.c.spent_micros, ACCOUNTS.c.reserved_micros)
    .select_from(BUDGETS.outerjoin(ACCOUNTS, _CURRENT))
    .order_by(BUDGETS.c.key_id, BUDGETS.c.window)
)
_BINDING = or_(BUDGETS.c.key_id == literal_column("''"), BUDGETS.c.key_id == bindparam("caller"))
_IS_BOUND = Prepared(select(BUDGETS.c.key_id).where(_BINDING))
_TAKEN = func.coalesce(ACCOUNTS.c.spent_micros + ACCOUNTS.c.reserved_micros, literal_column("0"))
_SHORT = Prepared(_STANDINGS.where(_BINDING, _TAKEN + bindparam("micros", type_=BigInteger) > BUDGETS.c.limit_micros))
_LOCK = text(f"SELECT pg_advisory_xact_lock({ACCOUNTS_LOCK})")


def _standing(row: Sequence[Any], now_us: int) -> Standing:
    key_id, window, limit, spent, reserved = row
    return Standing(key_id, window, limit, spent or 0, reserved or 0, reset_time_us(window, now_us))


def _periods(now_us: int) -> dict[str, str]:
    return dict(_periods_of_hour(now_us // 3_600_000_000))


@lru_cache(maxsize=16)
def _periods_of_hour(hour: int) -> Mapping[str, str]:
    return {window: period(window, hour * 3_600_000_000) for window in (DAY, MONTH)}


def _refusal(connection: Connection, key_id: str, micros: int, time_us: int) -> MeshError | None:
    if connection.dialect.name == "postgresql":
        if not _IS_BOUND.fetch(connection, {"caller": key_id}):
            return None
        connection.execute(_LOCK)
    short = _SHORT.fetch(connection, {"caller": key_id, "micros": micros, **_periods(time_us)})
    return exhausted(_standing(short[0], time_us)) if short else None


def exhausted(standing: Standing) -> MeshError:
    """BUDGET_EXHAUSTED, naming the budget that does not cover a request. Pure."""
    what = "The total spending cap" if standing.window == CAP else "The budget of all keys"
    if standing.key_id != ALL_KEYS:
        what = "The budget of this key"
    for_what = f" a {standing.window}" if standing.window in (DAY, MONTH) else ""
    told = {
        "budget": "key" if standing.key_id != ALL_KEYS else "all",
        "window": standing.window,
        "limit_usd": f"{usd(standing.limit):.6f}",
        "left_usd": f"{usd(standing.left):.6f}",
    }
    until = ""
    if standing.reset_time_us is not None:
        told["reset_time"] = _moment(standing.reset_time_us).strftime("%Y-%m-%dT%H:%M:%SZ")
        until = f" It starts anew at {told['reset_time']}."
    error = MeshError(
        reasons.ERROR_REASON_BUDGET_EXHAUSTED,
        f"{what} of ${usd(standing.limit):.2f}{for_what} does not cover this request; raise it, or use a cheaper or "
        f"free model.{until}",
    )
    error.metadata.update(told)
    return error


def _set(connection: Connection, key_id: str, window: str, limit: int | None, now_us: int) -> None:
    """Writes a budget, or removes it."""
    held = connection.execute(select(BUDGETS.c.limit_micros).where(_of(key_id, window))).scalar()
    if limit is None:
        connection.execute(BUDGETS.delete().where(_of(key_id, window)))
    elif held is not None:
        connection.execute(BUDGETS.update().where(_of(key_id, window)).values(limit_micros=limit))
    else:
        connection.execute(insert(BUDGETS).values(key_id=key_id, window=window, limit_micros=limit))
        _open_account(connection, key_id, window, now_us)


def _open_account(connection: Connection, key_id: str, window: str, now_us: int) -> None:
    """Counts what the attempts of the current window cost and reserve; accounts of earlier windows are forgotten."""
    if connection.dialect.name == "postgresql":
        # What other processes have written but not committed would be counted by nobody.
        connection.execute(text("LOCK TABLE attempts IN SHARE ROW EXCLUSIVE MODE"))
    begin, end_us = _begin(window, now_us), reset_time_us(window, now_us)
    asked = ATTEMPTS.join(REQUESTS, REQUESTS.c.request_id == ATTEMPTS.c.request_id)
    attempts = select(
        func.coalesce(func.sum(ATTEMPTS.c.cost_micros), 0), func.coalesce(func.sum(ATTEMPTS.c.reserved_micros), 0)
    ).select_from(asked)
    swept = select(func.coalesce(func.sum(USAGE.c.cost_micros), 0), func.coalesce(func.sum(USAGE.c.reserved_micros), 0))
    if begin is not None and end_us is not None:
        begin_us = int(begin.timestamp()) * 1_000_000
        attempts = attempts.where(ATTEMPTS.c.start_time_us >= begin_us, ATTEMPTS.c.start_time_us < end_us)
        swept = swept.where(USAGE.c.day.startswith(period(window, now_us)))
    if key_id != ALL_KEYS:
        attempts = attempts.where(REQUESTS.c.key_id == key_id)
        swept = swept.where(USAGE.c.key_id == key_id)
    (cost, held), (old_cost, old_held) = connection.execute(attempts).one(), connection.execute(swept).one()
    old = or_(*(ACCOUNTS.c.period.like(pattern) for pattern in _PATTERNS[window]))
    connection.execute(ACCOUNTS.delete().where(ACCOUNTS.c.key_id == key_id, old))
    connection.execute(
        insert(ACCOUNTS).values(
            key_id=key_id,
            period=period(window, now_us),
            spent_micros=int(cost) + int(old_cost),
            reserved_micros=int(held) + int(old_held),
        )
    )


_PATTERNS = {DAY: ("____-__-__",), MONTH: ("____-__",), TOTAL: (TOTAL,), CAP: (CAP,)}
