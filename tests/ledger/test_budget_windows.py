"""Budgets by day, month and total: what counts, from when, over restarts, among several processes. C18, M17, I12."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, to_money
from heliostat.ledger.budgets import period
from tests.support.databases import fresh_database, postgres
from tests.support.jumping_clock import JumpingClock
from tests.support.ledger_room import (
    PRICE,
    Room,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    happy,
    ledger,
    picture,
    started,
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL for this file."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the ledger keeps its rows: a file, or a database of this test's own."""
    return fresh_database(request.getfixturevalue("server")) if request.param == "postgresql" else ""


async def limit(room: Room, window: str, micros: int, key_id: str = "") -> admin_pb2.Budget:
    """Sets a budget; 0 removes it."""
    budget = admin_pb2.Budget(key_id=key_id, window=window, limit=to_money(micros))
    answer = await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=budget))
    return admin_pb2.Budget.FromString(answer.budget.SerializeToString())


async def standing(room: Room, secret: str = "") -> dict[str, tuple[int, int]]:
    """window -> (spent, reserved), as a caller reads it."""
    header = [("authorization", f"Bearer {secret}")]
    answer = await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest(), metadata=header)
    return {each.window: (to_micros(each.spent), to_micros(each.reserved)) for each in answer.balances}


async def new_key(room: Room) -> tuple[str, str]:
    """Id and secret of a new key."""
    made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest())
    return made.key.key_id, made.secret


async def refused(room: Room, secret: str = "") -> MeshError:
    """The error of a request that its budgets do not cover; nothing was asked and nothing reserved for it."""
    before = len(await room.rows("attempts"))
    with pytest.raises(MeshError) as caught:
        await room.run(ask(), secret)
    assert caught.value.reason == reasons.ERROR_REASON_BUDGET_EXHAUSTED
    assert len(await room.rows("attempts")) == before
    return caught.value


async def audit(room: Room) -> None:
    """Every account holds what the attempts of its window cost and reserve, counted anew."""
    requests = {row["request_id"]: row["key_id"] for row in await room.rows("requests")}
    attempts = await room.rows("attempts")
    accounts = {(row["key_id"], row["period"]): row for row in await room.rows("accounts")}
    for budget in await room.rows("budgets"):
        window = budget["window"]
        assert window not in ("total", "cap") or (budget["key_id"], window) in accounts
        for when in {period(window, row["start_time_us"]) for row in attempts}:
            mine = [
                row
                for row in attempts
                if budget["key_id"] in ("", requests[row["request_id"]])
                and period(window, row["start_time_us"]) == when
            ]
            held = accounts.get((budget["key_id"], when))
            if held is not None:
                assert held["spent_micros"] == sum(row["cost_micros"] for row in mine)
                assert held["reserved_micros"] == sum(row["reserved_micros"] for row in mine)


def at(text: str) -> float:
    """Seconds since the epoch of a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def test_windows_begin_anew_by_utc(tmp_path: Path, url: str) -> None:
    """The day at midnight, the month on its first, the total never; the refusal says when."""
    clock = JumpingClock(at("2027-01-30T22:00:00"))
    async with ledger(tmp_path, happy(), clock=clock, url=url) as room:
        day = await limit(room, "day", round(1.5 * PRICE))
        month = await limit(room, "month", round(2.5 * PRICE))
        assert day.balance.reset_time.ToDatetime() == datetime(2027, 1, 31)
        assert month.balance.reset_time.ToDatetime() == datetime(2027, 2, 1)
        await room.run(ask())
        error = await refused(room)
        assert (error.metadata["window"], error.metadata["reset_time"]) == ("day", "2027-01-31T00:00:00Z")
        assert error.metadata["left_usd"] == "0.020000"
        clock.jump(2 * 3600)
        assert await standing(room) == {"day": (0, 0), "month": (PRICE, 0)}
        await room.run(ask())
        await limit(room, "day", 0)
        error = await refused(room)
        assert (error.metadata["window"], error.metadata["reset_time"]) == ("month", "2027-02-01T00:00:00Z")
        clock.jump(24 * 3600)
        await limit(room, "total", 3 * PRICE)
        await room.run(ask())
        assert (await refused(room)).metadata["window"] == "total"
        clock.jump(400 * 24 * 3600)
        error = await refused(room)
        assert "reset_time" not in error.metadata
        await audit(room)


async def test_a_budget_counts_what_came_before_it(tmp_path: Path, url: str) -> None:
    """Set when something was spent, and something is unknown: both count, and what is under way as well."""
    gate = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        if request.image.prompt == "unknown":
            return [started(name), accepted(name), MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No.")]
        wait = [gate] if request.image.prompt == "slow" else []
        return [started(name), *wait, picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, url=url) as room:
        await room.run(ask())
        with pytest.raises(MeshError):
            await room.run(ask("unknown"))
        slow = asyncio.create_task(room.run(ask("slow")))
        while len(await room.rows("attempts")) < 3:
            await asyncio.sleep(0.001)
        await limit(room, "total", 3 * PRICE)
        assert await standing(room) == {"total": (PRICE, 2 * PRICE)}
        await refused(room)
        gate.set()
        await slow
        assert await standing(room) == {"total": (2 * PRICE, PRICE)}
        await audit(room)


async def test_a_cost_belongs_to_the_day_it_began(tmp_path: Path, url: str) -> None:
    """An attempt over midnight is settled in the window that reserved for it, which the new day does not feel."""
    clock, gate = JumpingClock(at("2027-03-01T23:59:00")), asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), gate, picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, clock=clock, url=url) as room:
        await limit(room, "day", PRICE)
        task = asyncio.create_task(room.run(ask()))
        while not await room.rows("attempts"):
            await asyncio.sleep(0.001)
        assert await standing(room) == {"day": (0, PRICE)}
        clock.jump(120)
        assert await standing(room) == {"day": (0, 0)}
        gate.set()
        await task
        assert await standing(room) == {"day": (0, 0)}
        rows = {row["period"]: row["spent_micros"] for row in await room.rows("accounts")}
        assert rows == {"2027-03-01": PRICE}
        await room.run(ask())
        await refused(room)
        await audit(room)


async def test_m17_a_clock_that_jumps_makes_no_wrong_bill(tmp_path: Path, url: str) -> None:
    """Two hours forward over midnight, and back again: no day is spent twice, nothing is counted twice."""
    clock = JumpingClock(at("2027-05-31T23:00:00"))
    async with ledger(tmp_path, happy(), clock=clock, url=url) as room:
        await limit(room, "day", PRICE)
        await limit(room, "month", 3 * PRICE)
        await limit(room, "total", 9 * PRICE)
        await room.run(ask())
        await refused(room)
        clock.jump(7200)
        await room.run(ask())
        await refused(room)
        clock.jump(-7200)
        assert await standing(room) == {"day": (PRICE, 0), "month": (PRICE, 0), "total": (2 * PRICE, 0)}
        await refused(room)
        clock.jump(-7200)
        await refused(room)
        assert sum(row["cost_micros"] for row in await room.rows("requests")) == 2 * PRICE
        records = (await call(room.jobs.ListRequests, ledger_pb2.ListRequestsRequest())).requests
        assert all(each.duration.seconds == 0 for each in records)
        await audit(room)


async def test_a_restart_counts_nothing_anew(tmp_path: Path, url: str) -> None:
    """Day and total of a key stand as they stood; a cap of the configuration comes, changes and goes."""
    settings: dict[str, Any] = {"clock": FakeClock(), "url": url, "open": False}
    async with ledger(tmp_path, happy(), **settings) as room:
        key_id, secret = await new_key(room)
        await limit(room, "day", 2 * PRICE, key_id)
        await limit(room, "total", 9 * PRICE)
        await room.run(ask(), secret)
    for cap_usd, caps in ((1.0, {"cap": (PRICE, 0)}), (2.0, {"cap": (PRICE, 0)}), (None, {})):
        async with ledger(tmp_path, happy(), spend_cap_usd=cap_usd, **settings) as room:
            assert await standing(room, secret) == {"day": (PRICE, 0), "total": (PRICE, 0), **caps}
            await audit(room)
    async with ledger(tmp_path, happy(), **settings) as room:
        await room.run(ask(), secret)
        assert (await refused(room, secret)).metadata["budget"] == "key"


async def test_c18_two_processes_stay_within_one_budget(tmp_path: Path, server: str) -> None:
    """Fifty requests each, at once, against a budget for ten: ten are bought in all, and ninety refused."""
    address, bought = fresh_database(server), list[str]()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), lambda: bought.append(name), picture(name, b"x"), completed(name)]

    def opened(name: str) -> Any:
        (tmp_path / name).mkdir()
        return ledger(tmp_path / name, script, url=address, open=False)

    async with opened("a") as one, opened("b") as two:
        key_id, secret = await new_key(one)
        await limit(one, "day", round(10.5 * PRICE), key_id)
        await limit(two, "total", 12 * PRICE)
        coming = [room.run(ask(f"{n}"), secret) for n in range(50) for room in (one, two)]
        answers = await asyncio.gather(*coming, return_exceptions=True)
        failures = [each for each in answers if isinstance(each, MeshError)]
        assert {each.reason for each in failures} == {reasons.ERROR_REASON_BUDGET_EXHAUSTED}
        assert (len(bought), len(failures)) == (10, 90)
        wanted = {"day": (10 * PRICE, 0), "total": (10 * PRICE, 0)}
        assert await standing(one, secret) == await standing(two, secret) == wanted
        await audit(one)


def any_end(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """Ends as the prompt says: unknown, billed but failed, failed for free and then delivered, or well."""
    name, kind = request.request_id, request.image.prompt
    error = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down.")
    if kind == "unknown":
        return [started(name), accepted(name), error]
    if kind == "billed":
        told = failed(name, error, cost=PRICE, outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_YES)
        return [started(name), told, error]
    if kind == "free":
        told = failed(name, error, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        second = [started(name, 2), picture(name, b"x", ordinal=2), completed(name, attempt(name, 2))]
        return [started(name), told, *second]
    return [started(name), picture(name, b"x"), completed(name)]


@pytest.mark.parametrize("seed", range(3))
async def test_i12_accounts_are_what_the_attempts_say(tmp_path: Path, url: str, seed: int) -> None:
    """Whatever comes: free and billed failures, unknown ends, budgets that come, change and go, days that pass.

    No window holds more than its limit, unless it did before the limit was lowered.
    """
    dice, clock = random.Random(seed), JumpingClock(at("2027-01-27T12:00:00"))
    async with ledger(tmp_path, any_end, clock=clock, url=url, open=False) as room:
        key_id, secret = await new_key(room)
        for _ in range(10):
            whose = dice.choice(("", key_id))
            await limit(room, dice.choice(("day", "month", "total")), dice.choice((0, 5, 9, 40)) * PRICE, whose)
            before = await standings(room)
            count = len(await room.rows("requests")) + 6
            kinds = [dice.choice(("good", "free", "billed", "unknown")) for _ in range(6)]
            await asyncio.gather(*(room.run(ask(kind), secret) for kind in kinds), return_exceptions=True)
            assert len(await room.rows("requests")) == count
            await audit(room)
            for place, (most, taken) in (await standings(room)).items():
                assert taken <= max(most, before[place][1])
            clock.jump(dice.choice((0, 3600, 40_000)))


async def standings(room: Room) -> dict[tuple[str, str], tuple[int, int]]:
    """(key, window) -> (limit, spent and reserved) of all budgets, as operators read them."""
    listed = (await call(room.admin.ListBudgets, admin_pb2.ListBudgetsRequest())).budgets
    return {
        (each.key_id, each.window): (
            to_micros(each.limit),
            to_micros(each.balance.spent) + to_micros(each.balance.reserved),
        )
        for each in listed
    }
