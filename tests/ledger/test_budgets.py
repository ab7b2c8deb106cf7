"""Nothing is bought that a cap or a budget does not cover, however many ask at once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, to_money
from tests.support.ledger_room import PRICE, accepted, ask, completed, failed, happy, ledger, picture, started


async def outcomes(answers: Sequence[Any]) -> tuple[int, int]:
    """(answers that came, answers that a budget refused)."""
    refused = [each for each in answers if isinstance(each, MeshError)]
    assert all(each.reason == reasons.ERROR_REASON_BUDGET_EXHAUSTED for each in refused)
    return len(answers) - len(refused), len(refused)


async def test_a_hundred_at_once_stay_within_the_cap(tmp_path: Path) -> None:
    """A cap of ten pictures: ten targets are asked, ninety requests are refused and cost nothing."""
    bought: list[str] = []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), lambda: bought.append(name), picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, spend_cap_usd=10.5 * PRICE / 1e6) as room:
        answers = await asyncio.gather(*(room.run(ask(f"{n}")) for n in range(100)), return_exceptions=True)
        rows = await room.rows("requests")
        attempts = await room.rows("attempts")
    assert await outcomes(answers) == (10, 90)
    assert len(bought) == len(attempts) == 10
    assert sum(row["cost_micros"] for row in rows) == 10 * PRICE
    assert len(rows) == 100
    assert all(row["state"] != ledger_pb2.REQUEST_STATE_RUNNING for row in rows)


async def test_what_was_spent_is_remembered(tmp_path: Path) -> None:
    """A restart does not give the cap back; a free target is served all the same."""
    settings: dict[str, Any] = {"spend_cap_usd": 1.5 * PRICE / 1e6}
    async with ledger(tmp_path, happy(), **settings) as room:
        await room.run(ask())
    async with ledger(tmp_path, happy(), **settings) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert caught.value.reason == reasons.ERROR_REASON_BUDGET_EXHAUSTED
        assert "0.06" in caught.value.message

    def free(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name, cost=0), picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, free, **settings) as room:
        await room.run(ask())


async def test_a_free_failure_gives_its_reservation_back(tmp_path: Path) -> None:
    """Twenty refused attempts do not use up a cap of one picture."""
    error = MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        refused = failed(name, error, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        return [started(name), refused, error]

    async with ledger(tmp_path, script, spend_cap_usd=PRICE / 1e6) as room:
        for _ in range(20):
            with pytest.raises(MeshError, match="Slow down"):
                await room.run(ask())
        balances = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
    assert [(to_micros(each.spent), to_micros(each.reserved)) for each in balances] == [(0, 0)]


async def test_an_unknown_attempt_keeps_its_reservation(tmp_path: Path) -> None:
    """An attempt without an estimate reserves the default, and keeps it while nobody knows, over a restart too."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name, cost=None), accepted(name), MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No.")]

    async def reserved(room: Any) -> int:
        (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
        return to_micros(balance.reserved)

    async with ledger(tmp_path, script, spend_cap_usd=1, unknown_estimate_usd=0.07) as room:
        with pytest.raises(MeshError):
            await room.run(ask())
        assert await reserved(room) == 70_000
    async with ledger(tmp_path, script, spend_cap_usd=1) as room:
        assert await reserved(room) == 70_000


async def test_a_budget_of_one_key_binds_that_key(tmp_path: Path) -> None:
    """Its second picture is refused; another key goes on; raising the budget helps; removing it too."""
    async with ledger(tmp_path, happy(), open=False) as room:
        mine, other = [await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest()) for _ in range(2)]
        budget = admin_pb2.Budget(key_id=mine.key.key_id, limit=to_money(PRICE))
        await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=budget))
        await room.run(ask(), mine.secret)
        with pytest.raises(MeshError, match="budget of this key"):
            await room.run(ask(), mine.secret)
        await room.run(ask(), other.secret)
        (listed,) = (await call(room.admin.ListBudgets, admin_pb2.ListBudgetsRequest())).budgets
        assert (listed.key_id, to_micros(listed.balance.spent)) == (mine.key.key_id, PRICE)
        budget.limit.CopyFrom(to_money(2 * PRICE))
        await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=budget))
        await room.run(ask(), mine.secret)
        budget.limit.CopyFrom(to_money(0))
        await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=budget))
        await room.run(ask(), mine.secret)
        assert not (await call(room.admin.ListBudgets, admin_pb2.ListBudgetsRequest())).budgets


async def test_a_budget_has_a_known_window(tmp_path: Path) -> None:
    """Another word, a negative amount, another currency and a key that nobody has are refused by the field."""
    async with ledger(tmp_path, happy()) as room:
        for fields, field in (
            ({"window": "fortnight", "limit": to_money(1)}, "budget.window"),
            ({"window": "day", "limit": to_money(-1)}, "budget.limit"),
            ({"window": "day", "limit": {"currency_code": "EUR", "units": 1}}, "budget.limit"),
            ({"key_id": "nobody", "limit": to_money(1)}, "key_id"),
        ):
            with pytest.raises(MeshError) as caught:
                await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=admin_pb2.Budget(**fields)))
            assert caught.value.field == field
