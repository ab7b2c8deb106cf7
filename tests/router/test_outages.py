"""Outages of many targets at once, in virtual time: requests leave a failing priority, and few of them try it again."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from benchmarks.routing_sim.provider import Trouble
from benchmarks.routing_sim.simulation import Line, Outcome, Scenario, simulate
from heliostat.router.record import State
from heliostat.router.selection import replay
from tests.support.router_room import route
from tests.support.scripted_adapter import ScriptedAdapter, delivers
from tests.support.virtual_room import DOWN, between, noting, taking, virtual, virtually

_QUICK = taking(0.2, delivers())
_NAMES = "abcdef"


def tiers(first: str, second: str) -> dict[str, Any]:
    """A route whose targets named in `second` come after those named in `first`."""
    later = ({"target": f"{name}/model", "priority": 1} for name in second)
    return route(*({"target": f"{name}/model"} for name in first), *later)


@virtually
async def test_f06_a_priority_that_fails_as_a_whole_is_out_after_five_requests() -> None:
    """Five requests in a row go wrong, whomever of six they ask first: all six are out, those nobody asked as well."""
    calls: list[float] = []
    adapters = [*(ScriptedAdapter(name, [noting(calls, DOWN)]) for name in _NAMES), ScriptedAdapter("z", [_QUICK])]
    async with virtual(adapters, tiers(_NAMES, "z")) as room:
        answers = [await room.ask() for _ in range(6)]
        states = {room.state(f"{name}/model") for name in _NAMES}
    assert [answer.reason for answer in answers] == [""] * 6
    assert states == {State.EJECTED}
    assert len(calls) <= 2 + 5  # the first request asks two of them, then none asks more than one
    assert answers[-1].asked == ["z/model"]


@virtually
async def test_f06_two_requests_in_a_row_are_enough_to_ask_the_next_priority_sooner() -> None:
    """The second try of the second request leaves the priority, and its decision can be replayed."""
    adapters = [*(ScriptedAdapter(name, [DOWN]) for name in _NAMES), ScriptedAdapter("z", [_QUICK])]
    async with virtual(adapters, tiers(_NAMES, "z")) as room:
        first, second = [await room.ask() for _ in range(2)]
    assert [len(first.asked), len(second.asked)] == [3, 2]
    assert second.asked[-1] == "z/model"
    assert replay(second.of("attempt_started")[-1].decision)[0] == "z/model"


@virtually
async def test_a_failing_target_takes_no_healthy_one_of_its_priority_along() -> None:
    """Two of three are dead, and the third answers: it stays."""
    adapters = [
        ScriptedAdapter("a", [DOWN]),
        ScriptedAdapter("b", [DOWN]),
        ScriptedAdapter("c", [_QUICK]),
        ScriptedAdapter("z", [_QUICK]),
    ]
    async with virtual(adapters, tiers("abc", "z")) as room:
        answers = [await room.ask() for _ in range(40)]
    assert not any(answer.error for answer in answers)
    assert room.kinds("c/model") == []
    assert Counter(answer.asked[-1] for answer in answers)["c/model"] > 30


@virtually
async def test_a_lone_priority_is_judged_target_by_target() -> None:
    """Where nobody else could serve, nobody is put out for what the others did."""
    adapters = [ScriptedAdapter(name, [DOWN]) for name in "abc"]
    async with virtual(adapters, tiers("abc", "")) as room:
        for _ in range(2):
            await room.ask()
        states = {room.state(f"{name}/model") for name in "abc"}
    assert states == {State.HEALTHY}


@virtually
async def test_one_request_that_everybody_fails_says_little() -> None:
    """Three attempts of each of four requests fail: only first attempts count towards the outage of a priority."""
    adapters = [ScriptedAdapter(name, [DOWN]) for name in "abcz"]
    async with virtual(adapters, tiers("abc", "z")) as room:
        for _ in range(4):
            await room.ask()
        kinds = [kind for name in "abc" for kind in room.kinds(f"{name}/model")]
    assert kinds == []


@virtually
async def test_calls_from_before_the_outage_do_not_hide_it() -> None:
    """Four slow answers come in while all else fails; no target fails five times alone, and yet some are put out."""
    adapters = [*(ScriptedAdapter(name, [between(0.0, 1.0, taking(4.0, delivers()), DOWN)]) for name in "abc")]
    async with virtual([*adapters, ScriptedAdapter("z", [_QUICK])], tiers("abc", "z")) as room:
        slow = asyncio.create_task(room.ask_all(4))
        await asyncio.sleep(2.0)
        for _ in range(4):
            await room.ask()
        await slow
        await room.ask()
        kinds = [kind for name in "abc" for kind in room.kinds(f"{name}/model")]
    assert "ejected" in kinds


@pytest.mark.parametrize("seed", range(6))
@virtually
async def test_a_second_try_does_not_go_to_who_was_put_out(seed: int) -> None:
    """Two were put out and may be tried again: whoever is asked first, no request tries both."""
    adapters = [ScriptedAdapter(name, [DOWN]) for name in "abc"] + [ScriptedAdapter("z", [_QUICK])]
    async with virtual(adapters, tiers("abc", "z"), seed=seed) as room:
        for name in "bc":
            room.router.health.eject(f"{name}/model", "failed 5 times in a row")
        await asyncio.sleep(10.0)
        answer = await room.ask()
    assert answer.error is None
    assert len({"b/model", "c/model"} & set(answer.asked)) <= 1
    assert answer.asked[-1] == "z/model"


@virtually
async def test_few_requests_try_who_was_put_out() -> None:
    """Six targets may be tried at once, and one request a second comes: one in ten seconds has to try, not each."""
    calls: list[float] = []
    adapters = [*(ScriptedAdapter(name, [noting(calls, DOWN)]) for name in _NAMES), ScriptedAdapter("z", [_QUICK])]
    async with virtual(adapters, tiers(_NAMES, "z")) as room:
        for name in _NAMES:
            room.router.health.eject(f"{name}/model", "failed 5 times in a row")
        await asyncio.sleep(10.0)
        answers = await room.ask_at(1.0, 60.0)
    assert not any(answer.error for answer in answers)
    assert 6 <= len(calls) <= 7


def herd(rate: float) -> Outcome:
    """Four replicas; twelve of twenty targets, the whole first priority, are dead from 60 s to 200 s."""
    outage = (Trouble("outage", 60.0, 200.0),)
    lines = [Line(f"p{number:02}", 0, 1.0 + number % 4, 2.0, outage) for number in range(12)]
    lines += [Line(f"p{number:02}", 1, 1.0, 2.0) for number in range(12, 20)]
    return simulate(Scenario(tuple(lines), replicas=4, rate=rate, seconds=260.0, seed=5))


@pytest.mark.parametrize("rate", [4.0, 20.0])
def test_u43_twelve_of_twenty_die_at_once_and_the_budget_holds(rate: float) -> None:
    """At 1 and 5 requests per second and replica: 98.5 % succeed while it lasts, all after 20 seconds, and retries do
    not pile up.
    """
    outcome = herd(rate)
    assert outcome.error_rate(60.0, 200.0) <= 0.015
    assert outcome.error_rate(80.0, 260.0) <= 0.001
    assert outcome.extra_attempts() <= 1.5
    assert outcome.extra_attempts(after=80.0) <= 0.5
