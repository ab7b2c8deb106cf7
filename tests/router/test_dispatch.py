"""What the attempt loop promises, seen from the router's own stream."""

import asyncio
from contextlib import aclosing

import pytest
from google.protobuf.json_format import MessageToDict

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2, router_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.chassis.money import to_micros, to_money
from tests.support.router_room import picture_of, route, running_router
from tests.support.scripted_adapter import (
    ScriptedAdapter,
    accepted,
    capability,
    delivers,
    fails,
    per_image,
    picture,
    says,
    stalls,
)


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


_ASKED_NOWHERE_ELSE = {
    reasons.ERROR_REASON_INVALID_FIELD,
    reasons.ERROR_REASON_INPUT_UNREADABLE,
    reasons.ERROR_REASON_CONTENT_BLOCKED,
    reasons.ERROR_REASON_MODEL_NOT_FOUND,
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
    reasons.ERROR_REASON_NO_TARGET,
    reasons.ERROR_REASON_BUDGET_EXHAUSTED,
    reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT,
    reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
    reasons.ERROR_REASON_RESOURCE_GONE,
    reasons.ERROR_REASON_CANCELLED,
}
_FREE = (event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED)
_OUTCOMES = (None, event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED, event_pb2.OUTCOME_ACCEPTED)
_OF_THE_PUBLIC_DOOR = {reasons.ERROR_REASON_CALLER_UNKNOWN, reasons.ERROR_REASON_CALLER_FORBIDDEN}
_REASONS = sorted(set(reasons.ErrorReason.values()) - {reasons.ERROR_REASON_UNSPECIFIED} - _OF_THE_PUBLIC_DOOR)


@pytest.mark.parametrize("on_unknown", ["next", "fail"])
@pytest.mark.parametrize("outcome", _OUTCOMES)
async def test_failover_matrix(outcome: int | None, on_unknown: str) -> None:
    """For every reason: a free failure goes on, an unknown one by the route's rule, some never; the attempt says so."""
    for reason in _REASONS:
        first = ScriptedAdapter("a", [fails(reason, outcome)])
        second = ScriptedAdapter("b")
        targets = route("a/model", "b/model", on_unknown=on_unknown)
        async with running_router([first, second], targets, max_wait_s=0) as room:
            answer = await room.ask()
        goes_on = reason not in _ASKED_NOWHERE_ELSE and (outcome in _FREE or on_unknown == "next")
        assert (len(first.requests), len(second.requests)) == (1, int(goes_on)), reasons.ErrorReason.Name(reason)
        (failed,) = answer.of("attempt_failed")
        assert failed.failing_over is goes_on
        assert failed.attempt.outcome == (outcome or event_pb2.OUTCOME_UNSPECIFIED)
        assert failed.attempt.billed == (event_pb2.BILLED_NO if outcome in _FREE else event_pb2.BILLED_UNKNOWN)
        assert (answer.error is None) is goes_on


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (reasons.ERROR_REASON_INVALID_FIELD, "The provider said: seed is too large."),
        (reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, "Set OPENAI_API_KEY."),
    ],
)
async def test_a_400_or_401_reaches_the_caller_as_it_is(reason: int, message: str) -> None:
    """Reason and sentence of the adapter are kept; no second provider is asked."""
    first = ScriptedAdapter("a", [fails(reason, message=message)])
    second = ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert second.requests == []
    assert answer.error is not None
    assert (answer.error.reason, answer.error.message) == (reason, message)
    assert answer.error.metadata["target"] == "a/model"


@pytest.mark.parametrize("reason", sorted(_OF_THE_PUBLIC_DOOR))
async def test_an_adapter_that_refuses_the_router_is_not_the_callers_fault(reason: int) -> None:
    """A wrong mesh token must not reach the caller as a wrong API key; nothing was sent, so the next one is asked."""
    closed = ScriptedAdapter("a", [fails(reason, None)])
    async with running_router([closed], route("a/model")) as room:
        alone = await room.ask()
    async with running_router([closed, ScriptedAdapter("b")], route("a/model", "b/model", on_unknown="fail")) as room:
        answer = await room.ask()
    assert alone.error is not None
    assert alone.error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert "mesh.token" in alone.error.message
    assert answer.result.provider == "b"


async def test_content_failover_is_the_routes_choice() -> None:
    """A route that says so asks elsewhere what one provider's moderation refused."""
    first = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_CONTENT_BLOCKED)])
    second = ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model", content_failover=True)) as room:
        answer = await room.ask()
    assert answer.result.provider == "b"


async def test_a_timed_out_target_is_abandoned_and_the_next_one_answers() -> None:
    """The attempts tell of the purchase that may have happened: unknown, its estimate reserved and not summed."""
    slow = ScriptedAdapter("a", [stalls(accepted("job-9"))], models=[capability(prices=[per_image(9000)])])
    quick = ScriptedAdapter("b", [delivers(micros=4000)])
    targets = [{"target": "a/model", "timeout_s": 0.5}, {"target": "b/model", "priority": 1}]
    async with running_router([slow, quick], route(*targets)) as room:
        answer = await room.ask()
        await asyncio.wait_for(slow.cancelled.wait(), 30)
    assert answer.error is None
    abandoned, delivered = answer.result.attempts
    assert abandoned.outcome == event_pb2.OUTCOME_UNSPECIFIED
    assert abandoned.billed == event_pb2.BILLED_UNKNOWN
    assert abandoned.provider_job_id == "job-9"
    assert abandoned.HasField("accept_time")
    assert from_status(abandoned.status).reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
    assert to_micros(abandoned.cost) == 9000
    assert delivered.target == "b/model"
    assert to_micros(answer.result.cost.amount) == 4000
    assert slow.closed == ["req_test/0/1"]
    (cancel,) = slow.cancels
    assert (cancel.attempt_id, cancel.provider_job_id) == ("req_test/0/1", "job-9")


async def test_on_unknown_fail_gives_the_job_id() -> None:
    """Nobody else is asked; the error tells which job to look for."""
    slow = ScriptedAdapter("a", [stalls(accepted("job-9"))])
    second = ScriptedAdapter("b")
    targets = [{"target": "a/model", "timeout_s": 0.5}, {"target": "b/model", "priority": 1}]
    async with running_router([slow, second], route(*targets, on_unknown="fail")) as room:
        answer = await room.ask()
    assert second.requests == []
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
    assert answer.error.metadata["provider_job_id"] == "job-9"


async def test_a_cancel_that_is_confirmed_free_lets_a_careful_route_go_on() -> None:
    """With `fail` the cancel is waited for; where it spares the money, the next target may be asked."""
    slow = ScriptedAdapter("a", [stalls(accepted("job-9"))], cancel_is_free=True)
    second = ScriptedAdapter("b")
    targets = [{"target": "a/model", "timeout_s": 0.5}, {"target": "b/model", "priority": 1}]
    async with running_router([slow, second], route(*targets, on_unknown="fail")) as room:
        answer = await room.ask()
    assert answer.error is None
    assert [attempt.billed for attempt in answer.result.attempts] == [event_pb2.BILLED_NO, event_pb2.BILLED_YES]


async def test_on_unknown_wait_outlives_the_targets_time() -> None:
    """The same attempt is waited for up to the request's own deadline, which then is what ran out."""
    slow = ScriptedAdapter("a", [stalls(accepted("job-9"))])
    second = ScriptedAdapter("b")
    targets = [{"target": "a/model", "timeout_s": 0.01}, {"target": "b/model", "priority": 1}]
    async with running_router([slow, second], route(*targets)) as room:
        routing = request_pb2.Routing(on_unknown=request_pb2.ON_UNKNOWN_WAIT)
        answer = await room.ask(routing=routing, timeout_s=2)
    assert second.requests == []
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED
    (failed,) = answer.of("attempt_failed")
    assert failed.attempt.duration.ToMilliseconds() > 100


async def test_on_unknown_wait_looks_a_lost_job_up_again() -> None:
    """An adapter that went away is asked for the same job by its id; nothing is submitted anew."""
    lost = fails(reasons.ERROR_REASON_MESH_UNAVAILABLE, None, before=[accepted("job-9")])
    adapter = ScriptedAdapter("a", [lost, delivers()])
    async with running_router([adapter], route("a/model", on_unknown="wait")) as room:
        answer = await room.ask()
    assert answer.error is None
    assert [request.resume_provider_job_id for request in adapter.requests] == ["", "job-9"]
    assert {request.attempt_id for request in adapter.requests} == {"req_test/0/1"}
    assert len(answer.result.attempts) == 1


async def test_a_job_that_cannot_be_looked_up_stays_unknown() -> None:
    """That the adapter cannot be reached for a resume does not make the job free: nobody else is asked."""
    unreachable = fails(reasons.ERROR_REASON_MESH_UNAVAILABLE, event_pb2.OUTCOME_NOT_SENT)
    adapter = ScriptedAdapter("a", [unreachable])
    attempt = router_pb2.ResumeAttempt(attempt_id="req_test/0/1", target="a/model", provider_job_id="job-9")
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(resume=[attempt])
    (failed,) = answer.of("attempt_failed")
    assert (failed.attempt.outcome, failed.attempt.billed) == (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_UNKNOWN)


async def test_the_deadline_is_one_for_all_attempts() -> None:
    """Targets get what is left of the request's time, and the router has the last word before the caller gives up."""
    adapters = [ScriptedAdapter(name, [stalls()]) for name in "abc"]
    async with running_router(adapters, route("a/model", "b/model", "c/model"), attempt_timeout_s=1.5) as room:
        answer = await room.ask(timeout_s=2.6)
    assert answer.asked == ["a/model", "b/model"]
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED


@pytest.mark.parametrize(("max_attempts", "asked"), [(1, 1), (3, 3), (10, 5)])
async def test_attempts_are_limited_and_targets_distinct(max_attempts: int, asked: int) -> None:
    """Never more than max_attempts, never one target twice."""
    adapters = [ScriptedAdapter(name, [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]) for name in "abcde"]
    targets = [f"{adapter.provider}/model" for adapter in adapters]
    async with running_router(adapters, route(*targets), max_attempts=max_attempts) as room:
        answer = await room.ask()
    assert answer.asked == targets[:asked]
    assert [failed.failing_over for failed in answer.of("attempt_failed")] == [True] * (asked - 1) + [False]


async def test_no_failover_once_a_final_picture_has_begun() -> None:
    """Bytes of a final picture are on their way: a second picture would be another one."""
    broken = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, before=picture(0)[:2])
    first, second = ScriptedAdapter("a", [broken]), ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert second.requests == []
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE


async def test_previews_do_not_stop_a_failover() -> None:
    """A preview is replaced by later pictures, whoever makes them."""
    broken = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, before=picture(0, partial=True))
    first, second = ScriptedAdapter("a", [broken]), ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.result.provider == "b"
    assert answer.result.image_count == 1


async def test_rate_limited_everywhere_tells_the_shortest_pause() -> None:
    """The caller may come back when the first of the targets does."""
    adapters = [
        ScriptedAdapter(name, [fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=pause)])
        for name, pause in (("a", 7.0), ("b", 3.0), ("c", 20.0))
    ]
    async with running_router(adapters, route("a/model", "b/model", "c/model")) as room:
        answer = await room.ask()
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_RATE_LIMITED
    assert answer.error.retry_after_s is not None
    assert 2.0 < answer.error.retry_after_s <= 3.0


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("PROVIDER_UNAVAILABLE", "UNSUPPORTED", "PROVIDER_UNAVAILABLE"),
        ("PROVIDER_UNAVAILABLE", "MESH_UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
        ("UNSUPPORTED", "UNSUPPORTED", "UNSUPPORTED"),
        ("RATE_LIMITED", "PROVIDER_TIMEOUT", "PROVIDER_TIMEOUT"),
        ("PROVIDER_UNAVAILABLE", "INVALID_FIELD", "INVALID_FIELD"),
    ],
)
async def test_the_last_meaningful_reason_is_told(first: str, second: str, told: str) -> None:
    """A target that is only unreachable or unfit does not hide why a fit one failed."""
    scripts = [fails(reasons.ErrorReason.Value(f"ERROR_REASON_{name}")) for name in (first, second)]
    adapters = [ScriptedAdapter(name, [step]) for name, step in zip("ab", scripts, strict=True)]
    async with running_router(adapters, route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.error is not None
    assert reason_name(answer.error.reason) == told.lower()


async def test_a_caller_who_leaves_cancels_the_adapter() -> None:
    """Closing the router's stream closes the adapter's."""
    adapter = ScriptedAdapter("a", [stalls(accepted())])
    async with running_router([adapter], route("a/model")) as room:
        caller = asyncio.create_task(room.ask())
        await asyncio.wait_for(adapter.stalled.wait(), 30)
        assert adapter.closed == []
        caller.cancel()
        await asyncio.wait_for(adapter.left.wait(), 30)
        targets = await room.admin.ListTargets(admin_pb2.ListTargetsRequest())
    assert adapter.closed == ["req_test/0/1"]
    assert [target.in_flight_count for target in targets.targets] == [0]


async def test_nothing_is_sent_before_the_attempt_was_taken_note_of() -> None:
    """The adapter is asked when the reader asks for the message after attempt_started, not before."""
    adapter = ScriptedAdapter("a")
    async with running_router([adapter], route("a/model")) as room, aclosing(room.events(picture_of(), 20)) as messages:
        started = await anext(messages)
        for _ in range(50):
            await asyncio.sleep(0)
        assert [event.WhichOneof("event") for event in started.events] == ["attempt_started"]
        assert adapter.requests == []
        await anext(messages)
        assert len(adapter.requests) == 1


@pytest.mark.parametrize("micros", [0, 4000, None])
async def test_done_without_a_picture_is_a_failure(micros: int | None) -> None:
    """`images: []` with 200 is no success; what it cost is counted."""
    empty = ScriptedAdapter("a", [says([completed_without_pictures(micros)])])
    second = ScriptedAdapter("b", [delivers(micros=1000)])
    async with running_router([empty, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    billed = {0: event_pb2.BILLED_NO, 4000: event_pb2.BILLED_YES, None: event_pb2.BILLED_UNKNOWN}[micros]
    first, _ = answer.result.attempts
    assert from_status(first.status).reason == reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID
    assert first.billed == billed
    assert to_micros(answer.result.cost.amount) == 1000 + (micros or 0)


def completed_without_pictures(micros: int | None) -> event_pb2.ImageEvent:
    """An adapter's `completed` of nothing."""
    result = event_pb2.ImageResult(provider="a")
    if micros is not None:
        result.cost.amount.CopyFrom(to_money(micros))
    return event_pb2.ImageEvent(completed=result)


async def test_a_stream_without_a_result_is_the_adapters_fault() -> None:
    """It ended well and said nothing: INTERNAL, and nobody knows whether it was bought."""
    adapter = ScriptedAdapter("a", [says([accepted("job-9")])])
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask()
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_INTERNAL
    (failed,) = answer.of("attempt_failed")
    assert failed.attempt.billed == event_pb2.BILLED_UNKNOWN


async def test_a_failure_after_the_result_changes_nothing() -> None:
    """What was delivered is delivered."""
    done = [*picture(0), event_pb2.ImageEvent(completed=event_pb2.ImageResult(provider="a"))]
    adapter = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_INTERNAL, before=done)])
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask()
    assert answer.error is None
    assert answer.result.image_count == 1


async def test_unknown_fields_are_offered_to_the_first_target_only() -> None:
    """On failover they are dropped, and the answer says so."""
    first = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    second = ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask(extra_fields={"loras": "x"})
    assert dict(first.requests[0].image.extra_fields) == {"loras": "x"}
    assert not second.requests[0].image.HasField("extra_fields")
    (adjustment,) = answer.result.adjustments
    assert (adjustment.parameter, adjustment.mode) == ("loras", event_pb2.ADJUSTMENT_MODE_DROPPED)


async def test_strict_requests_with_unknown_fields_stay_with_the_first_target() -> None:
    """What may not be adjusted may not be dropped on the way to another target."""
    first = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    second = ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask(extra_fields={"loras": "x"}, strict=request_pb2.STRICT_REFUSE)
    assert answer.error is not None
    assert second.requests == []


async def test_a_targets_options_are_defaults() -> None:
    """They reach the adapter under its own name; what the caller sets stays."""
    adapter = ScriptedAdapter("a")
    options = {"steps": 4, "style": {"tone": ["warm"]}}
    async with running_router([adapter], route({"target": "a/model", "options": options})) as room:
        image = picture_of()
        image.provider_options["a"].update({"steps": 8})
        image.provider_options["b"].update({"x": True})
        await room.ask(image)
    sent = {name: MessageToDict(own) for name, own in adapter.requests[0].image.provider_options.items()}
    assert sent == {"a": {"steps": 8.0, "style": {"tone": ["warm"]}}, "b": {"x": True}}


async def test_a_known_job_is_gone_on_with() -> None:
    """A resume asks the same target for the same attempt and job, and nobody else."""
    first = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE), delivers()])
    second = ScriptedAdapter("b")
    attempt = router_pb2.ResumeAttempt(
        attempt_id="req_test/0/2", target="b/model", provider_job_id="job-9", account="x"
    )
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask(resume=[attempt])
        gone = await room.ask(resume=[router_pb2.ResumeAttempt(attempt_id="req_test/0/1", target="z/model")])
        wrong = await room.ask(resume=[router_pb2.ResumeAttempt(attempt_id="nothing", target="a/model")])
    assert first.requests == []
    (request,) = second.requests
    assert (request.attempt_id, request.resume_provider_job_id, request.account) == ("req_test/0/2", "job-9", "x")
    assert answer.result.image_count == 1
    assert gone.error is not None
    assert gone.error.reason == reasons.ERROR_REASON_NO_TARGET
    assert wrong.error is not None
    assert wrong.error.reason == reasons.ERROR_REASON_INVALID_FIELD


async def test_f13_requests_follow_the_weights() -> None:
    """Chi squared over 2,000 requests stays below 16.3 (0.1 % for 3 degrees of freedom); a weight of 0 gets none."""
    weights = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 0.0}
    adapters = [ScriptedAdapter(name) for name in weights]
    targets = [{"target": f"{name}/model", "weight": weight} for name, weight in weights.items()]
    async with running_router(adapters, route(*targets)) as room:
        for _ in range(2000):
            await room.ask()
    counts = {adapter.provider: len(adapter.requests) for adapter in adapters}
    expected = {name: 2000 * weight / sum(weights.values()) for name, weight in weights.items()}
    assert counts["e"] == 0
    assert sum((counts[name] - expected[name]) ** 2 / expected[name] for name in "abcd") < 16.3
