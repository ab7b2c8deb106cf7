"""What the attempt loop promises, seen from the router's own stream."""

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from tests.support.router_room import route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails, per_image


async def test_one_target_one_picture() -> None:
    """The attempt is told alone and first; the result lists it with cost and outcome."""
    painter = ScriptedAdapter("a", models=[capability(prices=[per_image(4000)])])
    async with running_router([painter], route("a/model")) as room:
        answer = await room.ask()
    assert answer.error is None
    kinds = [[event.WhichOneof("event") for event in message.events] for message in answer.messages]
    assert kinds == [
        ["attempt_started"],
        ["provider_accepted"],
        ["media_started", "media_chunk", "media_ended", "completed"],
    ]
    assert {event.attempt_id for event in answer.events} == {"req_test/0/1"}
    (started,) = answer.of("attempt_started")
    assert (started.target, started.provider, started.provider_model) == ("a/model", "a", "model")
    assert started.estimated_cost.nanos == 4_000_000
    assert started.image_count == 1
    assert [candidate.target for candidate in started.decision.candidates] == ["a/model"]
    (attempt,) = answer.result.attempts
    assert attempt.outcome == event_pb2.OUTCOME_DELIVERED
    assert attempt.billed == event_pb2.BILLED_YES
    assert attempt.provider_job_id == "job-1"
    assert attempt.image_count == answer.result.image_count == 1
    assert answer.result.cost.amount.nanos == 4_000_000
    assert answer.result.missing_image_count == 0


async def test_a_target_that_is_down_is_followed_by_the_next() -> None:
    """The failed attempt is told before the next one begins, and both stand in the answer."""
    down = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    up = ScriptedAdapter("b", [delivers()])
    async with running_router([down, up], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.error is None
    assert answer.asked == ["a/model", "b/model"]
    (failed,) = answer.of("attempt_failed")
    assert failed.failing_over
    assert failed.attempt.outcome == event_pb2.OUTCOME_REFUSED
    assert failed.attempt.billed == event_pb2.BILLED_NO
    assert [attempt.target for attempt in answer.result.attempts] == ["a/model", "b/model"]
    assert answer.result.provider == "b"
