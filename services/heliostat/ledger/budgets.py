"""What may still be spent: reserved by estimate before a target is asked, settled by cost afterwards.

Counted in this process, in micro-dollars, from what the journal holds at start. Budgets are totals over all time: of
all keys together (the spend cap, or a budget of the key ""), and of one key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import usd
from heliostat.ledger.schema import BUDGETS

ALL_KEYS = ""
TOTAL = "total"


@dataclass(slots=True)
class _Account:
    """Spending of one key, or of all."""

    spent: int = 0
    reserved: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One budget as it stands, in micro-dollars."""

    key_id: str
    limit: int
    spent: int
    reserved: int


class Budgets:
    """Reserves and settles; knows the limits."""

    def __init__(self, database: Database, cap_micros: int | None) -> None:
        self._database = database
        self._cap = cap_micros
        self._accounts: dict[str, _Account] = {}

    async def load(self, spending: Mapping[str, tuple[int, int]]) -> None:
        """Takes over what was spent and reserved before, by key, and reads the limits."""
        self._accounts = {key_id: _Account(*both) for key_id, both in spending.items() if key_id != ALL_KEYS}
        everybody = _Account(sum(both[0] for both in spending.values()), sum(both[1] for both in spending.values()))
        self._accounts[ALL_KEYS] = everybody
        rows = await self._database.read(lambda connection: connection.execute(select(BUDGETS)).mappings().all())
        for row in rows:
            self._account(row["key_id"]).limit = row["limit_micros"]

    def reserve(self, key_id: str, micros: int) -> None:
        """Reserves for an attempt of `key_id`. Raises BUDGET_EXHAUSTED, naming the bound that does not cover it."""
        self._check(self._cap, self._account(ALL_KEYS), micros, "The total spending cap")
        self._check(self._account(ALL_KEYS).limit, self._account(ALL_KEYS), micros, "The budget of all keys")
        self._check(self._account(key_id).limit, self._account(key_id), micros, "The budget of this key")
        for account in (self._account(ALL_KEYS), self._account(key_id)):
            account.reserved += micros

    def settle(self, key_id: str, reserved_before: int, spent: int, reserved_after: int) -> None:
        """Turns a reservation into what an attempt cost, and into what stays reserved because nobody knows."""
        for account in (self._account(ALL_KEYS), self._account(key_id)):
            account.reserved += reserved_after - reserved_before
            account.spent += spent

    def take_over(self, key_id: str, spent: int, reserved: int) -> None:
        """Counts what an open request of an earlier process has spent and reserved so far."""
        for account in (self._account(ALL_KEYS), self._account(key_id)):
            account.spent += spent
            account.reserved += reserved

    async def set(self, key_id: str, limit: int) -> Standing:
        """Sets the total budget of a key, or of all keys (""); 0 removes it."""

        def write(connection: Connection) -> None:
            connection.execute(BUDGETS.delete().where(BUDGETS.c.key_id == key_id, BUDGETS.c.window == TOTAL))
            if limit:
                connection.execute(insert(BUDGETS).values(key_id=key_id, window=TOTAL, limit_micros=limit))

        await self._database.write(write)
        account = self._account(key_id)
        account.limit = limit or None
        return Standing(key_id, limit, account.spent, account.reserved)

    def standings(self, key_id: str | None = None) -> Sequence[Standing]:
        """The budgets of a key, or all of them; those of all keys together come first."""
        standings = []
        everybody = self._account(ALL_KEYS)
        if self._cap is not None:
            standings.append(Standing(ALL_KEYS, self._cap, everybody.spent, everybody.reserved))
        for each in sorted(self._accounts):
            account = self._accounts[each]
            if account.limit is not None and key_id in (None, each):
                standings.append(Standing(each, account.limit, account.spent, account.reserved))
        return standings

    def _account(self, key_id: str) -> _Account:
        account = self._accounts.get(key_id)
        if account is None:
            account = self._accounts[key_id] = _Account()
        return account

    @staticmethod
    def _check(limit: int | None, account: _Account, micros: int, what: str) -> None:
        if micros and limit is not None and account.spent + account.reserved + micros > limit:
            raise MeshError(
                reasons.ERROR_REASON_BUDGET_EXHAUSTED,
                f"{what} of ${usd(limit):.2f} does not cover this request; raise it, or use a cheaper or free model.",
                limit_usd=f"{usd(limit):.6f}",
                left_usd=f"{usd(max(0, limit - account.spent - account.reserved)):.6f}",
            )
