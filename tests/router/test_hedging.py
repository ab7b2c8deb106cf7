"""A second target beside a slow first one, for routes that ask for it. In virtual time."""

import asyncio

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.chassis.money import to_micros
from heliostat.router.record import State
from tests.support.router_room import route
from tests.support.scripted_adapter import ScriptedAdapter, accepted, capability, delivers, fails, per_image, stalls
from tests.support.virtual_room import DOWN, limited, taking, virtual, virtually

_HEDGED = {"hedge": True, "hedge_after_s": 2.0}


@virtually
async def test_a_quick_first_target_stays_alone() -> None:
    """Nobody else is asked, and nobody else charges."""
    first, second = ScriptedAdapter("a", [taking(1.9, delivers())]), ScriptedAdapter("b")
    async with virtual([first, second], route("a/model", "b/model", **_HEDGED)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model"]
    assert second.requests == []


@virtually
async def test_the_quicker_one_answers_and_the_other_is_cancelled() -> None:
    """Both stand in the answer; what the loser costs is told as unknown, with its estimate."""
    first = ScriptedAdapter("a", [stalls(accepted("job-9"))], models=[capability(prices=[per_image(9000)])])
    second = ScriptedAdapter("b", [taking(1.0, delivers(micros=4000))])
    async with virtual([first, second], route("a/model", "b/model", **_HEDGED)) as room:
        answer = await room.ask()
        await asyncio.wait_for(first.cancelled.wait(), 30)
        assert room.state("a/model") is State.HEALTHY
    assert answer.error is None
    assert answer.took_s == pytest.approx(3.0)
    lost, won = answer.result.attempts
    assert (lost.target, won.target) == ("a/model", "b/model")
    assert reason_name(from_status(lost.status).reason) == "cancelled"
    assert (lost.billed, to_micros(lost.cost)) == (event_pb2.BILLED_UNKNOWN, 9000)
    assert won.billed == event_pb2.BILLED_YES
    assert to_micros(answer.result.cost.amount) == 4000
    assert first.closed == ["req_sim/0/1"]
    assert first.cancels[0].provider_job_id == "job-9"
    assert answer.result.image_count == 1
    kinds = [event.WhichOneof("event") for event in answer.events]
    assert kinds.count("media_ended") == 1
    assert kinds[-1] == "completed"


@virtually
async def test_the_first_one_may_still_win() -> None:
    """It was slow, and quicker than the other."""
    first, second = ScriptedAdapter("a", [taking(2.5, delivers())]), ScriptedAdapter("b", [taking(5.0, delivers())])
    async with virtual([first, second], route("a/model", "b/model", **_HEDGED)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == pytest.approx(2.5)
    assert answer.result.provider == "a"
    assert answer.result.attempts[0].outcome == event_pb2.OUTCOME_DELIVERED
    assert second.closed == ["req_sim/0/2"]
    media = [event for event in answer.events if event.HasField("media_ended")]
    assert len(media) == 1


@virtually
async def test_a_first_one_that_fails_meanwhile_leaves_the_other_alone() -> None:
    """No third one is asked while the second one works."""
    first, second = ScriptedAdapter("a", [taking(3.0, DOWN)]), ScriptedAdapter("b", [taking(4.0, delivers())])
    third = ScriptedAdapter("c")
    async with virtual([first, second, third], route("a/model", "b/model", "c/model", **_HEDGED)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == pytest.approx(6.0)
    (failed,) = answer.of("attempt_failed")
    assert failed.failing_over
    assert answer.result.provider == "b"


@virtually
async def test_when_both_fail_the_next_one_is_asked() -> None:
    """As after any failure."""
    adapters = [
        ScriptedAdapter("a", [taking(3.0, DOWN)]),
        ScriptedAdapter("b", [taking(4.0, DOWN)]),
        ScriptedAdapter("c"),
    ]
    async with virtual(adapters, route("a/model", "b/model", "c/model", **_HEDGED)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model", "c/model"]
    assert answer.error is None


@virtually
async def test_a_refusal_of_the_request_ends_both() -> None:
    """A bad request is bad everywhere: what the second one may still bring is taken, else the reason is told."""
    refused = fails(3, message="The provider said: seed is too large.")
    adapters = [ScriptedAdapter("a", [taking(3.0, refused)]), ScriptedAdapter("b", [taking(4.0, refused)])]
    async with virtual(adapters, route("a/model", "b/model", **_HEDGED)) as room:
        answer = await room.ask()
    assert answer.error is not None
    assert len(answer.of("attempt_failed")) == 2


@virtually
async def test_without_a_figure_the_95th_percentile_decides() -> None:
    """Once twenty answers are known."""
    first, second = ScriptedAdapter("a", [taking(1.0, delivers())]), ScriptedAdapter("b")
    async with virtual([first, second], route("a/model", "b/model", hedge=True)) as room:
        for _ in range(20):
            await room.ask()
        first.script = [taking(1.9, delivers())]
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == pytest.approx(1.0)


@virtually
async def test_hedges_stay_within_the_budget_and_the_request() -> None:
    """They are attempts beyond the first; a request without fallbacks has none."""
    first, second = ScriptedAdapter("a", [taking(3.0, delivers())]), ScriptedAdapter("b", [taking(3.0, delivers())])
    async with virtual([first, second], route("a/model", "b/model", **_HEDGED)) as room:
        answers = await room.ask_all(10)
        assert sum(len(answer.asked) for answer in answers) == 13
        alone = await room.ask(routing={"allow_fallbacks": False})
    assert alone.asked == ["a/model"]


@virtually
async def test_a_caller_who_leaves_cancels_both() -> None:
    """Neither goes on for nobody."""
    adapters = [ScriptedAdapter(name, [stalls(accepted())]) for name in "ab"]
    async with virtual(adapters, route("a/model", "b/model", **_HEDGED)) as room:
        asking = asyncio.create_task(room.ask())
        await asyncio.sleep(3.0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.wait_for(asyncio.gather(*(adapter.left.wait() for adapter in adapters)), 30)
        in_flight = [room.router.health.record(f"{name}/model").in_flight for name in "ab"]
    assert in_flight == [0, 0]


@virtually
async def test_a_hedge_does_not_wait_for_a_paused_target() -> None:
    """Only who stands is asked beside the first one."""
    first, second = ScriptedAdapter("a", [taking(5.0, delivers())]), ScriptedAdapter("b", [limited(1.0)])
    async with virtual([first, second], route("a/model", "b/model", **_HEDGED)) as room:
        room.router.health.pause("b/model", 30.0, "asked to slow down")
        answer = await room.ask()
    assert answer.asked == ["a/model"]
