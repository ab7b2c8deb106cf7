"""What a request may ask of the choice: the cheapest, the fastest, one side for one cohort, other models."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.money import to_money
from heliostat.router.selection import replay
from tests.support.router_room import route, running_router
from tests.support.scripted_adapter import Events, ScriptedAdapter, Step, capability, delivers, fails

PRICE = request_pb2.Routing(sort=request_pb2.SORT_PRICE)
LATENCY = request_pb2.Routing(sort=request_pb2.SORT_LATENCY)


class Priced(ScriptedAdapter):
    """Counts how often it is asked for a price."""

    asked = 0

    async def Estimate(self, request: adapter_pb2.EstimateRequest, context: Any) -> adapter_pb2.EstimateResponse:
        """A price for each picture."""
        self.asked += 1
        answer = await super().Estimate(request, context)
        if answer.HasField("cost"):
            answer.cost.amount.CopyFrom(
                to_money(self.estimates[request.provider_model] * max(1, request.image.image_count))
            )
        return answer


def priced(provider: str = "a") -> Priced:
    """Four models: three with a price, one without."""
    models = [capability(name) for name in ("dear", "cheap", "middle", "unpriced")]
    return Priced(provider, models=models, estimates={"dear": 50_000, "cheap": 4_000, "middle": 9_000})


async def test_the_cheapest_is_asked_first() -> None:
    """Whatever the priorities say; what has no price is asked last."""
    adapter = priced()
    adapter.script = [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]
    routes = route("a/unpriced", "a/dear", "a/middle", "a/cheap")
    async with running_router([adapter], routes, max_attempts=10) as room:
        answer = await room.ask(routing=PRICE, image_count=2)
    assert answer.asked == ["a/cheap", "a/middle", "a/dear", "a/unpriced"]
    decision = answer.of("attempt_started")[0].decision
    assert [candidate.measure for candidate in decision.candidates[1:]] == [0.1, 0.018, 0.008]
    assert not decision.candidates[0].HasField("measure")
    assert replay(decision) == tuple(answer.asked)


async def test_prices_are_remembered_for_a_while() -> None:
    """Requests of the same shape ask once in ten seconds, whatever their words; another shape or time asks anew."""
    clock = FakeClock()
    adapter = priced()
    async with running_router([adapter], route("a/dear", "a/cheap"), clock=clock) as room:
        for prompt, count, passes, expected in (
            ("a boat", 1, 0, 2),
            ("two boats", 1, 9, 2),
            ("a boat", 2, 0, 4),
            ("a boat", 1, 2, 6),
        ):
            clock.advance(passes)
            answer = await room.ask(prompt=prompt, image_count=count, routing=PRICE)
            assert (answer.asked, adapter.asked) == (["a/cheap"], expected)


async def test_pictures_of_a_request_are_priced_each_time() -> None:
    """Nobody keeps pictures in memory to remember a price."""
    adapter = priced()
    adapter.models = [capability("dear", max_reference_count=1), capability("cheap", max_reference_count=1)]
    async with running_router([adapter], route("a/dear", "a/cheap")) as room:
        for _ in range(2):
            answer = await room.ask(references=[request_pb2.Reference()], routing=PRICE)
    assert (answer.asked, adapter.asked) == (["a/cheap"], 4)


def takes(clock: FakeClock, seconds: float) -> Step:
    """Delivers after `seconds` of a clock that is moved by hand."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        clock.advance(seconds)
        async for events in delivers()(adapter, request):
            yield events

    return step


async def test_f14_the_fastest_is_asked_first() -> None:
    """By the median of what was seen; a target without a sample comes last, one that took no time at all first."""
    clock = FakeClock()
    adapters = [ScriptedAdapter(name, [takes(clock, s)]) for name, s in (("slow", 9), ("none", 1), ("fast", 0))]
    routes = route("none/model", "slow/model", "fast/model")
    async with running_router(adapters, routes, clock=clock) as room:
        cold = await room.ask(routing=LATENCY)
        for name in ("slow", "fast"):
            await room.ask(model=f"{name}/model")
        for adapter in adapters:
            adapter.script = [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]
        warm = await room.ask(routing=LATENCY)
    assert cold.asked == ["none/model"]
    assert warm.asked == ["fast/model", "none/model", "slow/model"]


async def test_f14_no_sample_at_all_leaves_the_order() -> None:
    """Nothing is divided by nothing: the route's own order stands."""
    broken = [ScriptedAdapter(name, [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]) for name in "ab"]
    async with running_router(broken, route("b/model", "a/model")) as room:
        for _ in range(2):
            answer = await room.ask(routing=LATENCY)
            assert answer.asked == ["b/model", "a/model"]


async def test_a_cohort_is_drawn_once_for_all() -> None:
    """The same key, the same target, on every router; the decision says so, and cohorts share as the weights say."""
    models = [capability("old"), capability("new")]
    split = [{"target": "a/old", "weight": 3}, {"target": "a/new", "weight": 1}]
    sides: dict[str, set[str]] = {}
    for _ in range(2):
        async with running_router([ScriptedAdapter("a", models=models)], route(*split)) as room:
            for number in range(60):
                answer = await room.ask(routing=request_pb2.Routing(cohort=f"user-{number}"))
                sides.setdefault(f"user-{number}", set()).update(answer.asked)
                assert answer.of("attempt_started")[0].decision.sticky
    assert all(len(side) == 1 for side in sides.values())
    assert 5 <= sum(side == {"a/new"} for side in sides.values()) <= 27


async def test_fallback_models_are_replayed_too() -> None:
    """One decision tells the candidates of all models of the request, each with its own draw."""
    broken = [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]
    adapter = ScriptedAdapter("a", broken, models=[capability(name) for name in "wxyz"])
    split = [[{"target": f"a/{name}"} for name in pair] for pair in ("wx", "yz")]
    never = {"consecutive_failures": 1000, "many_calls": 1000, "some_calls": 1000}
    routes = (route(*split[0]), route(*split[1], model="n"))
    async with running_router([adapter], *routes, max_attempts=10, health=never) as room:
        for _ in range(20):
            answer = await room.ask(routing=request_pb2.Routing(fallback_models=["n", "m"]))
            decision = answer.of("attempt_started")[0].decision
            assert replay(decision) == tuple(answer.asked)
            assert len(set(answer.asked)) == 4
    assert [(part.route, part.candidate_count) for part in decision.parts] == [("m", 2), ("n", 2), ("m", 2)]


async def test_f10_models_that_fall_back_on_each_other_end() -> None:
    """Each target is asked once, however often its model is named."""
    adapter = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    adapter.models = [capability("x"), capability("y")]
    async with running_router([adapter], route("a/x"), route("a/y", model="n"), max_attempts=10) as room:
        answer = await room.ask(routing=request_pb2.Routing(fallback_models=["n", "m", "n", "m"]))
    assert answer.asked == ["a/x", "a/y"]
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("flux-schnell", "a/schnell-2"),
        ("flux-schnell-latest", "a/schnell-2"),
        ("flux-schnell-2", "a/schnell-2"),
        ("flux-schnell-1", "a/schnell-1"),
        ("flux-other", "a/flux-other"),
        ("imagen-4", "b/imagen-4"),
        ("Flux-Schnell", "b/Flux-Schnell"),
        ("a/schnell-1", "a/schnell-1"),
        ("anything", "b/anything"),
    ],
)
async def test_f15_names_lead_to_targets(name: str, asked: str) -> None:
    """Latest and versioned ids, aliases, globs, `*`, a forced target: exact before glob before `*`; case counts."""
    routes = [
        route("a/schnell-2", model="flux-schnell", aliases=["flux-schnell-latest", "flux-schnell-2"]),
        route("a/schnell-1", model="flux-schnell-1"),
        route("a/*", model="flux-*"),
        route("b/*", model="*"),
    ]
    adapters = [ScriptedAdapter(name, models=[capability("*")]) for name in "ab"]
    async with running_router(adapters, *routes) as room:
        answer = await room.ask(model=name)
    assert answer.asked == [asked]


async def test_an_adapter_that_does_not_tell_its_price_does_not_hold_a_request_up() -> None:
    """It is taken not to know, and the request goes on."""

    class Silent(ScriptedAdapter):
        async def Estimate(self, request: adapter_pb2.EstimateRequest, context: Any) -> adapter_pb2.EstimateResponse:
            """Never answers."""
            await asyncio.Event().wait()
            raise AssertionError

    async with running_router([Silent("s"), priced()], route("s/model", "a/dear")) as room:
        answer = await room.ask(routing=PRICE)
        again = await room.ask(routing=PRICE)
    assert answer.asked == again.asked == ["a/dear"]


async def test_every_attempt_is_replayed_from_its_decision() -> None:
    """Through failures, pauses, ejections and returns: the first name that a decision leads to is the one asked."""
    clock = FakeClock()
    dice = random.Random(20_261_104)

    async def moody(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        clock.advance(dice.random() * 3)
        reason = dice.choice(
            (None, None, None, reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, reasons.ERROR_REASON_RATE_LIMITED)
        )
        if adapter.provider == "c":
            reason = None
        step = delivers() if reason is None else fails(reason, retry_after_s=4)
        async for events in step(adapter, request):
            yield events

    adapters = [ScriptedAdapter(name, [moody]) for name in "abcd"]
    targets = [
        {"target": "a/model", "weight": 5},
        {"target": "b/model", "weight": 3},
        {"target": "c/model", "priority": 1},
        {"target": "d/model", "priority": 1, "weight": 2},
    ]
    excluded = attempts = 0
    async with running_router(adapters, route(*targets), clock=clock, max_wait_s=0, short_wait_s=0) as room:
        for number in range(300):
            cohort = "" if number % 3 else f"user-{number % 9}"
            answer = await room.ask(routing=request_pb2.Routing(max_wait={}, cohort=cohort))
            for started in answer.of("attempt_started"):
                assert replay(started.decision)[0] == started.target
                attempts += 1
                excluded += any("back in" in each.excluded_because for each in started.decision.candidates)
    assert attempts > 330
    assert excluded > 10
