"""Outages as traffic sees them, in virtual time: who is put out, who is asked instead, and how fast all comes back."""

import asyncio
import random
from collections import Counter

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, from_status, reason_name, to_status
from heliostat.router.record import State
from heliostat.router.selection import replay
from tests.support.router_room import route
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails
from tests.support.virtual_room import DOWN, at_random, between, limited, noting, now, taking, virtual, virtually

_QUICK = taking(0.2, delivers())


def even(*targets: str) -> dict[str, object]:
    """A route whose targets have one priority."""
    return route(*({"target": target} for target in targets))


@virtually
async def test_u42_one_of_two_is_down_for_a_minute() -> None:
    """At 20 requests per second: no error, out after at most 5 failures, back at most 10 s after it recovers."""
    calls: list[float] = []
    first = ScriptedAdapter("a", [between(30.0, 90.0, noting(calls, DOWN), _QUICK)])
    second = ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], even("a/model", "b/model")) as room:
        answers = await room.ask_at(20.0, 120.0)
        out = next(time for time, change in room.changes if change.kind == "ejected")
        back = next(time for time, change in room.changes if change.kind == "returned")
    assert [answer.reason for answer in answers if answer.error] == []
    assert sum(time <= out for time in calls) <= 5
    assert len(calls) <= 5 + 7  # and one probe each 10 seconds
    assert back - 90.0 <= 10.0
    assert sum(len(answer.asked) for answer in answers) <= 1.2 * len(answers) + 3


@virtually
async def test_u42_shares_are_kept_after_a_return() -> None:
    """A target that was out and has come back gets its share again."""
    first = ScriptedAdapter("a", [between(0.0, 5.0, DOWN, _QUICK)])
    second = ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], even("a/model", "b/model")) as room:
        await room.ask_at(20.0, 40.0)
        answers = await room.ask_at(40.0, 60.0)
    share = Counter(answer.asked[0] for answer in answers)["a/model"] / len(answers)
    assert 0.46 < share < 0.54


@virtually
async def test_u44_a_third_of_the_answers_are_errors() -> None:
    """30 % random errors on the first provider, a healthy second: 99.9 % succeed, attempts stay within 120 % + 3."""
    dice = random.Random(11)
    first = ScriptedAdapter("a", [at_random(dice, 0.3, DOWN, _QUICK)])
    second = ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answers = await room.ask_at(20.0, 100.0)
    good = sum(answer.error is None for answer in answers)
    assert good >= 0.999 * len(answers)
    assert sum(len(answer.asked) for answer in answers) <= 1.2 * len(answers) + 3


@virtually
async def test_u43_everybody_is_out() -> None:
    """Nobody is asked more than one probe at a time; who asks in between is told at once when to come back."""
    stuck = taking(2.0, DOWN)
    adapters = [ScriptedAdapter(name, [stuck]) for name in "ab"]
    async with virtual(adapters, even("a/model", "b/model")) as room:
        for name in "ab":
            room.router.health.eject(f"{name}/model", "failed 5 times in a row")
        answers = await room.ask_all(50)
    tried = [answer for answer in answers if answer.asked]
    turned_away = [answer for answer in answers if not answer.asked]
    assert len(tried) == 2
    assert sum(len(adapter.requests) for adapter in adapters) == sum(len(answer.asked) for answer in tried) <= 4
    assert {answer.took_s for answer in turned_away} == {0.0}
    assert {answer.reason for answer in turned_away} == {"no_target"}
    assert all(8.9 <= (answer.error.retry_after_s or 0.0) <= 10.0 for answer in turned_away if answer.error)
    assert room.kinds("m") == ["all_targets_down"]


@virtually
async def test_u43_the_one_that_returns_first_is_tried_first() -> None:
    """The last resort asks in the order of return, and one success heals."""
    first, second = ScriptedAdapter("a", [DOWN]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], even("a/model", "b/model")) as room:
        room.router.health.eject("a/model", "failed 5 times in a row")
        await asyncio.sleep(2.0)
        room.router.health.eject("b/model", "failed 5 times in a row")
        answer = await room.ask()
        assert room.state("a/model") is State.EJECTED
        assert room.state("b/model") is State.HEALTHY
    assert answer.asked == ["a/model", "b/model"]
    assert answer.error is None


@virtually
async def test_u41_a_slow_provider_loses_its_place_before_it_fails() -> None:
    """Answers at five times their usual pace: the next priority takes over though nothing was an error."""
    first = ScriptedAdapter("a", [between(100.0, 200.0, taking(10.0, delivers()), taking(2.0, delivers()))])
    second = ScriptedAdapter("b", [taking(2.0, delivers())])
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answers = await room.ask_at(2.0, 180.0)
    late = [answer for answer in answers if answer.began > 125.0]
    assert all(answer.error is None for answer in answers)
    assert "ejected" in room.kinds("a/model")
    share = sum(answer.asked == ["b/model"] for answer in late) / len(late)
    assert share > 0.8


@virtually
async def test_f09_a_lone_deployment_is_asked_whatever_happens() -> None:
    """A route's only target is never put out by count, nor held back where another route put it out."""
    only = ScriptedAdapter("a", [between(0.0, 20.0, DOWN, _QUICK)], models=[capability("model")])
    other = ScriptedAdapter("b", [_QUICK])
    lone = route("a/model", model="lone")
    async with virtual([only, other], lone, even("a/model", "b/model")) as room:
        failed = [await room.ask(model="lone") for _ in range(20)]
        assert room.state("a/model") is State.HEALTHY
        await room.ask_at(10.0, 3.0)
        assert room.state("a/model") is State.EJECTED
        held = await room.ask_all(3, model="lone")
    assert {answer.reason for answer in (*failed, *held)} == {"provider_unavailable"}
    assert all(answer.asked == ["a/model"] for answer in held)


@virtually
async def test_f06_a_failing_fallback_is_put_out_too() -> None:
    """Not only the first target: each is judged by its own calls."""
    adapters = [ScriptedAdapter("a", [DOWN]), ScriptedAdapter("b", [DOWN]), ScriptedAdapter("c", [_QUICK])]
    async with virtual(adapters, route("a/model", "b/model", "c/model")) as room:
        answers = [await room.ask() for _ in range(12)]
        states = [room.state(f"{name}/model") for name in "abc"]
    assert states == [State.EJECTED, State.EJECTED, State.HEALTHY]
    assert all(answer.error is None for answer in answers)


@virtually
async def test_f03_f08_refused_connections_put_a_target_out_after_five() -> None:
    """Failures to connect count, once each, and cost the budget nothing, as nothing was sent."""
    refused = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, event_pb2.OUTCOME_NOT_SENT, phase="connect")
    first, second = ScriptedAdapter("a", [refused]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model"), budget={"least": 0, "share": 0.0}) as room:
        answers = [await room.ask() for _ in range(9)]
        standing = room.router.health.standing("a/model", now())
    assert [len(answer.asked) for answer in answers] == [2] * 5 + [1] * 4
    assert all(answer.error is None for answer in answers)
    assert "could not be reached 5 times in a row" in standing.why


def test_f02_a_rate_limit_in_a_wrapper_is_still_a_rate_limit() -> None:
    """What an adapter says crosses two hops of the mesh and still reads as a pause, with its seconds."""
    told = MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down.", retry_after_s=7.0)
    heard = from_status(to_status(from_status(to_status(told))))
    assert (reason_name(heard.reason), heard.retry_after_s) == ("rate_limited", 7.0)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("RATE_LIMITED", State.PAUSED),
        ("PROVIDER_AUTH_FAILED", State.EJECTED),
        ("QUOTA_EXHAUSTED", State.EJECTED),
        ("PROVIDER_MODEL_GONE", State.EJECTED),
        ("INVALID_FIELD", State.HEALTHY),
        ("CONTENT_BLOCKED", State.HEALTHY),
        ("INPUT_UNREADABLE", State.HEALTHY),
        ("UNSUPPORTED", State.HEALTHY),
    ],
)
@virtually
async def test_f04_u15_what_cools_and_what_does_not(reason: str, state: State) -> None:
    """401, 402, 404, 429 take a target out at once; 100 bad requests in a row do not."""
    step = fails(reasons.ErrorReason.Value(f"ERROR_REASON_{reason}"), retry_after_s=30.0)
    first, second = ScriptedAdapter("a", [step]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model"), budget={"least": 1000}) as room:
        for _ in range(1 if state is not State.HEALTHY else 100):
            await room.ask()
        assert room.state("a/model") is state


@virtually
async def test_f04_a_408_counts_like_any_time_out() -> None:
    """Five of them put the target out."""
    slow = fails(reasons.ERROR_REASON_PROVIDER_TIMEOUT)
    first, second = ScriptedAdapter("a", [slow]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model"), budget={"least": 10}) as room:
        for _ in range(5):
            await room.ask()
        assert room.state("a/model") is State.EJECTED


@pytest.mark.parametrize(
    ("reason", "kind", "neighbour"),
    [
        ("PROVIDER_AUTH_FAILED", "key_refused", State.EJECTED),
        ("QUOTA_EXHAUSTED", "credit_exhausted", State.EJECTED),
        ("PROVIDER_MODEL_GONE", "model_gone", State.HEALTHY),
    ],
)
@virtually
async def test_u12_u17_u18_f17_facts_put_targets_out_for_ten_minutes(reason: str, kind: str, neighbour: State) -> None:
    """At once, with an operator event and no retry; a key or its credit concerns all models, a gone model itself."""
    calls: list[float] = []
    step = noting(calls, fails(reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")))
    models = [capability("model"), capability("other")]
    first, second = ScriptedAdapter("a", [step], models=models), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model"), route("a/other", model="n")) as room:
        one = await room.ask()
        rest = await room.ask_at(1.0, 530.0)
        assert room.state("a/other") is neighbour
        others = await room.ask_at(1.0, 60.0)
    assert one.reason == ("provider_auth_failed" if kind == "key_refused" else "")
    assert all(answer.asked == ["b/model"] for answer in rest)
    assert len(calls) == 1
    assert room.changes[0][1].kind == kind
    assert all(answer.error is None for answer in (*rest, *others))


@virtually
async def test_u17_a_403_for_one_model_is_not_the_keys_fault() -> None:
    """A model that the account may not use is out alone."""
    step = fails(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, provider_status="403")
    models = [capability("model"), capability("other")]
    first = ScriptedAdapter("a", [step], models=models)
    async with virtual([first], route("a/model"), route("a/other", model="n")) as room:
        await room.ask()
        assert room.state("a/model") is State.EJECTED
        assert room.state("a/other") is State.HEALTHY


@virtually
async def test_u18_names_that_callers_make_up_put_nobody_out() -> None:
    """A model that is not there, asked for by name, says nothing of those that are."""
    gone = fails(reasons.ERROR_REASON_PROVIDER_MODEL_GONE)
    first = ScriptedAdapter("a", [gone], models=[capability("*")])
    async with virtual([first]) as room:
        answers = [await room.ask(model=f"a/made-up-{number}") for number in range(10)]
    assert {answer.reason for answer in answers} == {"provider_model_gone"}
    assert len(first.requests) == 10


@virtually
async def test_f10_fallbacks_in_a_circle_end() -> None:
    """Models that name each other as fallbacks: each target is asked once."""
    adapters = [ScriptedAdapter(name, [DOWN]) for name in "ab"]
    async with virtual(adapters, route("a/model"), route("b/model", model="n"), max_attempts=10) as room:
        answer = await room.ask(routing={"fallback_models": ["n", "m", "n"]})
    assert answer.asked == ["a/model", "b/model"]
    assert answer.reason == "provider_unavailable"


@virtually
async def test_f11_a_fallback_stays_within_what_the_request_allows() -> None:
    """Neither failing over nor waiting nor a last resort leads to a provider that was ruled out."""
    adapters = [ScriptedAdapter("a", [DOWN]), ScriptedAdapter("b", [_QUICK]), ScriptedAdapter("c", [_QUICK])]
    async with virtual(adapters, route("a/model", "b/model", "c/model")) as room:
        room.router.health.pause("b/model", 5.0, "asked to slow down")
        room.router.health.eject("c/model", "failed")
        answer = await room.ask(routing={"only": ["a"]})
    assert answer.asked == ["a/model"]
    assert answer.took_s == 0.0


@virtually
async def test_f12_nothing_is_begun_when_the_time_is_gone() -> None:
    """The deadline is one over all attempts and waits."""
    slow = taking(3.0, DOWN)
    adapters = [ScriptedAdapter(name, [slow]) for name in "abc"]
    async with virtual(adapters, route("a/model", "b/model", "c/model"), request_timeout_s=5.0) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.reason == "deadline_exceeded"
    assert answer.took_s == pytest.approx(5.0)


@virtually
async def test_a_callers_short_deadline_is_not_the_targets_fault() -> None:
    """Requests that give a target a second do not put it out; silence for its whole time does."""
    first, second = ScriptedAdapter("a", [taking(60.0, delivers())]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], even("a/model", "b/model"), request_timeout_s=1.0) as room:
        await room.ask_at(2.0, 20.0)
        assert room.state("a/model") is State.HEALTHY
    targets = [{"target": "a/model", "timeout_s": 2.0}, {"target": "b/model"}]
    async with virtual([first, second], route(*targets)) as room:
        await room.ask_at(2.0, 20.0)
        assert "ejected" in room.kinds("a/model")


@virtually
async def test_u01_u16_the_decision_tells_who_is_out_and_until_when() -> None:
    """Every attempt's decision names the targets that are kept back, why, and when they return."""
    adapters = [ScriptedAdapter(name, [_QUICK]) for name in "abc"]
    async with virtual(adapters, even("a/model", "b/model", "c/model"), health={"out_jitter": 0.0}) as room:
        room.router.health.pause("a/model", 7.0, "asked to slow down")
        room.router.health.eject("b/model", "failed 5 times in a row")
        answer = await room.ask()
    (started,) = answer.of("attempt_started")
    told = {candidate.target: candidate.excluded_because for candidate in started.decision.candidates}
    assert told == {
        "a/model": "asked to slow down; back in 7.0 s",
        "b/model": "failed 5 times in a row; back in 10.0 s",
        "c/model": "",
    }


@virtually
async def test_u16_content_failover_goes_to_listed_targets_only() -> None:
    """What one moderation refused is asked where the route says so, and nowhere else; health does not change."""
    blocked = fails(reasons.ERROR_REASON_CONTENT_BLOCKED)
    names = ["a/model", "b/model", "c/model"]
    for listed, asked in ((False, ["a/model"]), (["c/model"], ["a/model", "c/model"]), (True, ["a/model", "b/model"])):
        adapters = [ScriptedAdapter("a", [blocked]), ScriptedAdapter("b", [_QUICK]), ScriptedAdapter("c", [_QUICK])]
        async with virtual(adapters, route(*names, content_failover=listed)) as room:
            answer = await room.ask()
            assert room.state("a/model") is State.HEALTHY
        assert answer.asked == asked


@virtually
async def test_u14_a_503_that_says_when_is_a_pause() -> None:
    """It is waited for like a rate limit, and does not count as a failure."""
    busy = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, retry_after_s=2.0)
    only = ScriptedAdapter("a", [busy, delivers()])
    async with virtual([only], route("a/model")) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "a/model"]
    assert 2.0 <= answer.took_s <= 3.0
    assert room.kinds("a/model") == ["paused", "changed"]


@virtually
async def test_f01_a_rate_limited_target_is_passed_over() -> None:
    """Cooled at once, and the next request goes elsewhere without trying it."""
    first, second = ScriptedAdapter("a", [limited(20.0)]), ScriptedAdapter("b", [_QUICK])
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answers = [await room.ask() for _ in range(4)]
    assert [answer.asked for answer in answers] == [["a/model", "b/model"], *[["b/model"]] * 3]


@virtually
async def test_u43_an_outage_of_a_whole_priority_moves_on_at_once() -> None:
    """Five targets of one priority are down: the last try of each request goes to the next priority, and succeeds."""
    adapters = [*(ScriptedAdapter(name, [DOWN]) for name in "abcde"), ScriptedAdapter("f", [_QUICK])]
    first = [{"target": f"{name}/model"} for name in "abcde"]
    async with virtual(adapters, route(*first, {"target": "f/model", "priority": 1})) as room:
        answers = [await room.ask() for _ in range(30)]
    assert all(answer.error is None for answer in answers)
    assert answers[0].asked[-1] == "f/model"
    assert len(answers[0].asked) == 3
    assert answers[-1].asked == ["f/model"]
    last = answers[0].of("attempt_started")[-1]
    assert replay(last.decision)[0] == "f/model"
