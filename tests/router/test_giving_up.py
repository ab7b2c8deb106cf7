"""What is given up is ended at its provider, once, and ends as honestly as the provider tells."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from tests.support.router_room import REQUEST_ID, RouterRoom, route, running_router
from tests.support.scripted_adapter import (
    Events,
    ScriptedAdapter,
    Step,
    accepted,
    capability,
    delivers,
    fails,
    per_image,
    stalls,
)
from tests.support.virtual_room import taking, virtual, virtually

_NEXT = [{"target": "a/model", "timeout_s": 0.5}, {"target": "b/model", "priority": 1}]


def until_cancelled(billed: int) -> Step:
    """Works until a cancel comes, and says then what it costs."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        yield [accepted("job-9")]
        adapter.stalled.set()
        await adapter.cancelled.wait()
        failure = event_pb2.AttemptFailure(billed=billed, provider_job_id="job-9")  # type: ignore[arg-type]
        raise MeshError(reasons.ERROR_REASON_CANCELLED, "Cancelled.", failure=failure)

    return step


async def give_up(room: RouterRoom, *, only_free: bool = True) -> router_pb2.GiveUpResponse:
    """Gives the room's one request up."""
    answer: router_pb2.GiveUpResponse = await room.stub.GiveUp(
        router_pb2.GiveUpRequest(request_id=REQUEST_ID, only_free=only_free)
    )
    return answer


async def test_what_is_free_to_end_is_ended() -> None:
    """The adapter is asked to cancel only where that is free; nobody else is asked; the attempt costs nothing."""
    slow, second = ScriptedAdapter("a", [until_cancelled(event_pb2.BILLED_NO)]), ScriptedAdapter("b")
    slow.cancel_is_free = True
    async with running_router([slow, second], route("a/model", "b/model")) as room:
        asking = asyncio.create_task(room.ask())
        await slow.stalled.wait()
        told = await give_up(room)
        answer = await asking
    assert (told.attempt_count, told.free) == (1, True)
    assert [(each.only_free, each.provider_job_id) for each in slow.cancels] == [(True, "job-9")]
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_CANCELLED
    assert [each.attempt.billed for each in answer.of("attempt_failed")] == [event_pb2.BILLED_NO]
    assert second.requests == []


async def test_what_costs_goes_on() -> None:
    """Where the provider charges, the work is not ended, and its picture comes."""
    go_on = asyncio.Event()

    async def working(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        yield [accepted("job-9")]
        adapter.stalled.set()
        await go_on.wait()
        async for events in delivers()(adapter, request):
            yield events

    slow = ScriptedAdapter("a", [working])
    async with running_router([slow], route("a/model")) as room:
        asking = asyncio.create_task(room.ask())
        await slow.stalled.wait()
        told = await give_up(room)
        go_on.set()
        answer = await asking
    assert (told.attempt_count, told.free) == (1, False)
    assert answer.error is None


async def test_nothing_is_found_of_a_request_that_is_over() -> None:
    """Nor of one that never was."""
    async with running_router([ScriptedAdapter("a")], route("a/model")) as room:
        await room.ask()
        told = await give_up(room)
    assert (told.attempt_count, told.free) == (0, True)


@pytest.mark.parametrize(("is_free", "billed"), [(True, event_pb2.BILLED_NO), (False, event_pb2.BILLED_UNKNOWN)])
async def test_an_abandoned_job_is_cancelled_before_the_next_target_is_asked(is_free: bool, billed: int) -> None:
    """With `next`: one cancel by job id; what the provider confirms as free is told as free, the rest as unknown."""
    slow = ScriptedAdapter(
        "a", [stalls(accepted("job-9"))], cancel_is_free=is_free, models=[capability(prices=[per_image(9000)])]
    )
    second = ScriptedAdapter("b")
    async with running_router([slow, second], route(*_NEXT)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert [each.provider_job_id for each in slow.cancels] == ["job-9"]
    assert answer.result.attempts[0].billed == billed
    assert len(slow.requests) == 1


@virtually
async def test_the_loser_of_a_race_that_cost_nothing_is_told_so() -> None:
    """A hedge whose loser the provider took back for free lists it as not billed, at no cost."""
    first = ScriptedAdapter("a", [stalls(accepted("job-9"))], models=[capability(prices=[per_image(9000)])])
    first.cancel_is_free = True
    second = ScriptedAdapter("b", [taking(1.0, delivers(micros=4000))])
    async with virtual([first, second], route("a/model", "b/model", hedge=True, hedge_after_s=2.0)) as room:
        answer = await room.ask()
    lost, won = answer.result.attempts
    assert (lost.target, lost.billed, lost.HasField("cost")) == ("a/model", event_pb2.BILLED_NO, False)
    assert won.billed == event_pb2.BILLED_YES
    assert len(first.cancels) == 1


@pytest.mark.parametrize("billed", [event_pb2.BILLED_UNSPECIFIED, event_pb2.BILLED_UNKNOWN])
async def test_on_unknown_wait_looks_up_what_failed_without_an_end(billed: int) -> None:
    """A poll that broke says nothing of the job: it is looked up by its id, and never bought again."""
    broken = fails(
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
        event_pb2.OUTCOME_ACCEPTED,
        billed=billed,
        before=[accepted("job-9")],
    )
    adapter, second = ScriptedAdapter("a", [broken, broken, delivers()]), ScriptedAdapter("b")
    async with running_router([adapter, second], route("a/model", "b/model", on_unknown="wait")) as room:
        answer = await room.ask()
    assert answer.error is None
    assert [each.resume_provider_job_id for each in adapter.requests] == ["", "job-9", "job-9"]
    assert second.requests == []


async def test_on_unknown_wait_without_a_job_id_fails_and_buys_nothing() -> None:
    """A synchronous provider that broke off has nothing to look up: the error is told, the attempt is unknown."""
    broken = fails(reasons.ERROR_REASON_PROVIDER_TIMEOUT, None)
    adapter, second = ScriptedAdapter("a", [broken]), ScriptedAdapter("b")
    async with running_router([adapter, second], route("a/model", "b/model")) as room:
        answer = await room.ask(routing=request_pb2.Routing(on_unknown=request_pb2.ON_UNKNOWN_WAIT))
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
    assert [each.attempt.billed for each in answer.of("attempt_failed")] == [event_pb2.BILLED_UNKNOWN]
    assert (len(adapter.requests), second.requests) == (1, [])
