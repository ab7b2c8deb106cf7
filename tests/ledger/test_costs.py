"""Costs in the ledger: three amounts side by side, and a purchase of unknown price that stays reserved."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, to_money
from tests.support.ledger_room import (
    PRICE,
    Step,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    ledger,
    picture,
    picture_bytes,
    started,
)


def ending(request_id: str, **costs: int) -> list[event_pb2.ImageEvent]:
    """The end of a delivered attempt with amounts by field name, in micro-dollars."""
    event = event_pb2.ImageEvent()
    told = event.completed.attempts.add(
        attempt_id=f"{request_id}/0/1",
        target="fal/x",
        provider="fal",
        outcome=event_pb2.OUTCOME_DELIVERED,
        billed=event_pb2.BILLED_YES,
        image_count=1,
        price_version="fal 2026-11-22",
        cost_doubt="" if "cost" in costs else "The cost that the provider reported cannot be right.",
    )
    for field, micros in costs.items():
        getattr(told, field).CopyFrom(to_money(micros))
    event.completed.image_count = 1
    return [event]


async def ended(folder: Path, estimate: int | None = PRICE, **costs: int) -> ledger_pb2.Request:
    """The record of a request whose one attempt ended so."""
    data = picture_bytes()
    async with ledger(
        folder,
        lambda asked: [
            started(asked.request_id, cost=estimate),
            [*accepted(asked.request_id), *picture(asked.request_id, data)],
            ending(asked.request_id, **costs),
        ],
    ) as room:
        events = await room.run(ask())
        asked = ledger_pb2.GetRequestRequest(request_id=events[0].admitted.request_id)
        return (await call(room.jobs.GetRequest, asked)).request


async def test_estimated_computed_and_reported_cost_are_kept_apart(tmp_path: Path) -> None:
    """The record has all three, and the list that they were computed by."""
    record = await ended(tmp_path, cost=60_000, reported_cost=60_000, computed_cost=40_000, estimated_cost=39_000)
    (attempt,) = record.attempts
    assert to_micros(attempt.cost) == to_micros(record.cost) == 60_000
    assert to_micros(attempt.reported_cost) == 60_000
    assert to_micros(attempt.computed_cost) == 40_000
    assert to_micros(attempt.estimated_cost) == 39_000
    assert attempt.price_version == "fal 2026-11-22"
    assert to_micros(record.reserved) == 0


async def test_u46_a_purchase_of_unknown_price_stays_reserved_and_is_not_0(tmp_path: Path) -> None:
    """The estimate goes on to count against the budget; the record says what was not believed."""
    record = await ended(tmp_path)
    (attempt,) = record.attempts
    assert record.state == ledger_pb2.REQUEST_STATE_SUCCEEDED
    assert (to_micros(record.cost), to_micros(record.reserved)) == (0, PRICE)
    assert to_micros(attempt.cost) == PRICE
    assert attempt.billed == event_pb2.BILLED_YES
    assert attempt.cost_doubt


async def test_u46_without_an_estimate_the_default_stays_reserved(tmp_path: Path) -> None:
    """ledger.unknown_estimate_usd, 5 cents."""
    record = await ended(tmp_path, estimate=None)
    assert to_micros(record.reserved) == 50_000
    assert not record.attempts[0].HasField("estimated_cost")


async def test_a_purchase_for_nothing_costs_nothing(tmp_path: Path) -> None:
    """0 that was told is a price."""
    record = await ended(tmp_path, cost=0)
    assert (to_micros(record.cost), to_micros(record.reserved)) == (0, 0)


async def test_attempts_that_failed_and_were_charged_are_part_of_the_cost(tmp_path: Path) -> None:
    """What a blacked-out picture cost is paid as well, whether somebody else delivers afterwards or not."""
    blocked = MeshError(reasons.ERROR_REASON_CONTENT_BLOCKED, "The picture was blacked out; change the prompt.")
    charged = {"outcome": event_pb2.OUTCOME_ACCEPTED, "billed": event_pb2.BILLED_YES}
    data = picture_bytes()

    def script(asked: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = asked.request_id
        lost = [started(name), failed(name, blocked, cost=20_000, more=True, **charged)]
        if asked.image.prompt == "nobody":
            return [*lost, blocked]
        second = attempt(name, 2)
        return [*lost, started(name, 2), picture(name, data, ordinal=2), completed(name, attempt(name, 1), second)]

    async with ledger(tmp_path, script) as room:
        await room.run(ask())
        with pytest.raises(MeshError):
            await room.run(ask("nobody"))
        costs = {row["state"]: row["cost_micros"] for row in await room.rows("requests")}
    assert costs == {ledger_pb2.REQUEST_STATE_SUCCEEDED: 20_000 + PRICE, ledger_pb2.REQUEST_STATE_FAILED: 20_000}
