"""More pictures than one call gives: branches, their order, their failures, and what the joint result says."""

import asyncio
from contextlib import aclosing

import pytest

from heliostat.api.image.v1 import capability_pb2, event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.money import to_micros
from heliostat.router.branches import split
from tests.support.router_room import Answer, picture_of, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, Step, accepted, capability, delivers, fails, picture, stalls


@pytest.mark.parametrize(
    ("image_count", "most", "shares"),
    [
        (1, None, [1]),
        (10, None, [10]),
        (1, 4, [1]),
        (4, 4, [4]),
        (5, 4, [3, 2]),
        (10, 4, [4, 3, 3]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_split(image_count: int, most: int | None, shares: list[int]) -> None:
    """Branches are as even as can be and cover every picture once."""
    branches = split(image_count, most)
    assert [branch.image_count for branch in branches] == shares
    assert [branch.first_index for branch in branches] == [sum(shares[:place]) for place in range(len(shares))]


TWO = picture_of(image_count=2)


def singles(*script: Step, name: str = "a") -> ScriptedAdapter:
    """An adapter that makes one picture a call."""
    return ScriptedAdapter(name, list(script), models=[capability(max_image_count=1)])


def indices(answer: Answer) -> list[int]:
    """Places of the whole pictures among the request's, in order."""
    return sorted(ended.image_index for ended in answer.of("media_ended"))


async def test_a_large_request_is_split_and_joined() -> None:
    """Every picture once, one result, costs and usage summed, one attempt for each branch."""
    adapter = singles(delivers())
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(image_count=3, seed=40)
    assert answer.error is None
    assert indices(answer) == [0, 1, 2]
    assert sorted(request.attempt_id for request in adapter.requests) == [
        "req_test/0/1",
        "req_test/1/1",
        "req_test/2/1",
    ]
    assert {request.image.image_count for request in adapter.requests} == {1}
    assert sorted(request.image.seed for request in adapter.requests) == [40, 41, 42]
    result = answer.result
    assert (result.image_count, result.missing_image_count) == (3, 0)
    assert to_micros(result.cost.amount) == 12_000
    assert result.cost.source == event_pb2.COST_SOURCE_REPORTED
    assert result.usage.billed_units == 3
    assert result.timing.provider.ToMilliseconds() == 40
    assert len(result.attempts) == 3
    assert answer.events[-1].HasField("completed")


async def test_attempt_started_is_alone_and_first_in_every_branch() -> None:
    """Branches interleave; within one, the attempt is told before anything of it."""
    async with running_router([singles(delivers())], route("a/model")) as room:
        answer = await room.ask(image_count=4)
    seen: set[str] = set()
    for message in answer.messages:
        for event in message.events:
            if event.HasField("attempt_started"):
                assert len(message.events) == 1
                seen.add(event.attempt_id)
            assert event.attempt_id in seen


async def test_a_branch_sends_nothing_before_its_attempt_was_taken_note_of() -> None:
    """With one attempt told and read, no branch has been sent; each is when the reader asks for more."""
    adapter = singles(delivers())
    async with running_router([adapter], route("a/model")) as room, aclosing(room.events(TWO, 20)) as messages:
        await anext(messages)
        for _ in range(50):
            await asyncio.sleep(0)
        assert adapter.requests == []
        await anext(messages)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(adapter.requests) == 1


async def test_a_missing_picture_comes_from_another_provider() -> None:
    """A branch that fails goes to the next target on its own."""
    first = singles(delivers(), fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE))
    second = singles(delivers(micros=9000), name="b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask(image_count=2)
    assert indices(answer) == [0, 1]
    assert len(first.requests) == 2
    (request,) = second.requests
    assert request.attempt_id.endswith("/2")
    assert to_micros(answer.result.cost.amount) == 13_000
    assert len(answer.result.attempts) == 3


async def test_partial_failure_gives_what_succeeded() -> None:
    """The answer is a success with the true count, the true cost and the number that is missing."""
    adapter = singles(delivers(), fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE), delivers())
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(image_count=3)
    assert answer.error is None
    assert len(indices(answer)) == 2
    assert (answer.result.image_count, answer.result.missing_image_count) == (2, 1)
    assert to_micros(answer.result.cost.amount) == 8000
    assert len(answer.of("attempt_failed")) == 1


async def test_all_branches_failed_is_an_error() -> None:
    """With nothing delivered there is nothing to answer with."""
    adapter = singles(fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE))
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(image_count=3)
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    assert answer.of("completed") == []
    assert len(answer.of("attempt_failed")) == 3


async def test_a_refused_request_is_not_tried_by_further_branches() -> None:
    """A bad request stays bad: branches that have not begun do not begin."""
    adapter = singles(fails(reasons.ERROR_REASON_INVALID_FIELD))
    async with running_router([adapter], route("a/model"), max_branches=1) as room:
        answer = await room.ask(image_count=8)
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_INVALID_FIELD
    assert len(adapter.requests) == 1


async def test_branches_at_once_are_bounded() -> None:
    """No more than max_branches calls are open at any time."""
    adapter = singles(stalls(accepted()))
    async with running_router([adapter], route("a/model"), max_branches=2, attempt_timeout_s=0.3) as room:
        answer = await room.ask(image_count=6)
    open_now = most = 0
    for event in answer.events:
        open_now += event.HasField("attempt_started") - event.HasField("attempt_failed")
        most = max(most, open_now)
    assert (most, open_now) == (2, 0)
    assert len(adapter.requests) == 6


async def test_a_caller_who_leaves_cancels_every_branch() -> None:
    """Closing the stream closes all of the adapter's streams."""
    adapter = singles(stalls(accepted()))
    async with running_router([adapter], route("a/model")) as room:
        async with aclosing(room.events(picture_of(image_count=3), 20)) as messages:
            for _ in range(6):
                await anext(messages)
        await asyncio.wait_for(adapter.left.wait(), 30)
        for _ in range(50):
            await asyncio.sleep(0)
    assert sorted(adapter.closed) == ["req_test/0/1", "req_test/1/1", "req_test/2/1"]


async def test_fewer_pictures_than_asked_are_completed_elsewhere() -> None:
    """The next target is asked for the rest, at the right place among the pictures."""
    short, second = ScriptedAdapter("a", [delivers(2)]), ScriptedAdapter("b", [delivers()])
    async with running_router([short, second], route("a/model", "b/model")) as room:
        answer = await room.ask(image_count=4)
    assert indices(answer) == [0, 1, 2, 3]
    (request,) = second.requests
    assert (request.attempt_id, request.image.image_count) == ("req_test/0/2", 2)
    assert (answer.result.image_count, answer.result.missing_image_count) == (4, 0)
    assert [attempt.image_count for attempt in answer.result.attempts] == [2, 2]
    assert len(answer.of("completed")) == 1


async def test_fewer_pictures_than_asked_and_nobody_else() -> None:
    """A partial answer with the true count; the same target is not asked again."""
    short = ScriptedAdapter("a", [delivers(3)])
    async with running_router([short], route("a/model")) as room:
        answer = await room.ask(image_count=4)
    assert len(short.requests) == 1
    assert (answer.result.image_count, answer.result.missing_image_count) == (3, 1)


async def test_a_smaller_target_is_asked_as_often_as_it_takes() -> None:
    """A fallback that makes one picture a call makes all of them, one after the other."""
    first = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    second = singles(delivers(), name="b")
    async with running_router([first, second], route("a/model", "b/model"), max_attempts=2) as room:
        answer = await room.ask(image_count=3)
    assert indices(answer) == [0, 1, 2]
    assert [request.attempt_id for request in second.requests] == ["req_test/0/2", "req_test/0/3", "req_test/0/4"]
    assert to_micros(answer.result.cost.amount) == 12_000


async def test_pictures_before_a_failure_are_kept() -> None:
    """A call that broke after its first whole picture gives that one; the rest is missing."""
    broken = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, None, before=picture(0))
    adapter = ScriptedAdapter("a", [broken])
    async with running_router([adapter, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        answer = await room.ask(image_count=2)
    assert answer.error is None
    result = answer.result
    assert (result.provider, result.image_count, result.missing_image_count) == ("a", 1, 1)
    assert answer.asked == ["a/model"]
    assert result.attempts[0].billed == event_pb2.BILLED_UNKNOWN


@pytest.mark.parametrize("found", [0, 1, 5])
async def test_a_segmentation_answers_what_it_finds(found: int) -> None:
    """The number of masks is the provider's, not the request's: none is an answer, and nothing is missing."""
    models = [capability(operations=[capability_pb2.OPERATION_SEGMENT], max_image_count=1)]
    adapter = ScriptedAdapter("a", [delivers(found)], models=models)
    async with running_router([adapter, ScriptedAdapter("b")], route("a/model")) as room:
        answer = await room.ask(segment=request_pb2.Segment())
    assert answer.error is None
    assert len(adapter.requests) == 1
    assert (answer.result.image_count, answer.result.missing_image_count) == (found, 0)
