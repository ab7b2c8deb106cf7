"""The queue: first in, first out, bounded, never past the deadline, left by whoever leaves. In virtual time."""

import asyncio
from contextlib import aclosing

import pytest
from prometheus_client import REGISTRY

from tests.support.router_room import picture_of, route
from tests.support.scripted_adapter import ScriptedAdapter, delivers
from tests.support.virtual_room import limited, noting, now, taking, virtual, virtually


def depth() -> float:
    """Requests that wait, by the metric."""
    return REGISTRY.get_sample_value("heliostat_queue_depth") or 0.0


@virtually
async def test_m22_five_hundred_wait_for_a_return() -> None:
    """One probe, then a ramp: 2 calls at once, 4 a second later, 8 … and everybody is served."""
    calls: list[float] = []
    only = ScriptedAdapter("a", [noting(calls, taking(0.5, delivers()))])
    async with virtual([only], route("a/model"), max_wait_s=120.0) as room:
        room.router.health.pause("a/model", 5.0, "asked to slow down")
        asking = asyncio.create_task(room.ask_all(500))
        await asyncio.sleep(4.9)
        assert depth() == 500
        assert calls == []
        answers = await asking
    assert all(answer.error is None for answer in answers)
    probe = calls[0]
    assert sum(time < probe + 0.5 for time in calls) == 1
    assert sum(time < probe + 1.0 for time in calls) <= 1 + 2
    assert sum(time < probe + 1.5 for time in calls) <= 1 + 2 + 4
    assert sum(len(answer.asked) for answer in answers) == 500
    assert depth() == 0


@virtually
async def test_u08_first_in_first_out() -> None:
    """Whoever came first is served first."""
    only = ScriptedAdapter("a", [taking(0.1, delivers())])
    async with virtual([only], route("a/model"), pacing={"a": {"at_once": 1}}) as room:
        tasks = []
        for _ in range(20):
            tasks.append(asyncio.create_task(room.ask()))
            await asyncio.sleep(0.001)
        answers = await asyncio.gather(*tasks)
    ends = [answer.ended for answer in answers]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(2.0, abs=0.1)


@virtually
async def test_the_queue_is_bounded() -> None:
    """Who finds it full is told at once to come back."""
    only = ScriptedAdapter("a")
    async with virtual([only], route("a/model"), queue_size=10) as room:
        room.router.health.pause("a/model", 5.0, "asked to slow down")
        answers = await room.ask_all(15)
    refused = [answer for answer in answers if answer.error]
    assert len(refused) == 5
    assert {(answer.reason, answer.took_s) for answer in refused} == {("rate_limited", 0.0)}
    assert all(answer.error and answer.error.retry_after_s == pytest.approx(5.0) for answer in refused)


@pytest.mark.parametrize(
    ("max_wait_s", "deadline_s", "took_s", "reason"),
    [(3.0, 100.0, 0.0, "rate_limited"), (30.0, 2.0, 0.0, "rate_limited"), (30.0, 100.0, 5.0, "")],
)
@virtually
async def test_nobody_waits_in_vain(max_wait_s: float, deadline_s: float, took_s: float, reason: str) -> None:
    """Where the pause ends later than the request may wait, or than its deadline, it is not waited for at all."""
    only = ScriptedAdapter("a")
    async with virtual([only], route("a/model"), max_wait_s=max_wait_s, request_timeout_s=deadline_s) as room:
        room.router.health.pause("a/model", 5.0, "asked to slow down")
        answer = await room.ask()
    assert answer.took_s == pytest.approx(took_s)
    assert answer.reason == reason


@virtually
async def test_the_wait_for_a_busy_target_ends_in_time() -> None:
    """Nobody knows when a call ends: the request waits as long as it may, then says what to do."""
    only = ScriptedAdapter("a", [taking(100.0, delivers())])
    async with virtual([only], route("a/model"), pacing={"a/model": {"at_once": 1}}, max_wait_s=30.0) as room:
        first = asyncio.create_task(room.ask())
        await asyncio.sleep(1.0)
        answer = await room.ask()
        await first
    assert answer.reason == "rate_limited"
    assert answer.took_s == pytest.approx(30.0)
    assert answer.error is not None
    assert answer.error.retry_after_s is not None


@virtually
async def test_a_caller_who_leaves_leaves_the_queue() -> None:
    """At any moment, also when its turn has just come; nothing is held for it."""
    only = ScriptedAdapter("a", [taking(1.0, delivers())])
    async with virtual([only], route("a/model"), pacing={"a/model": {"at_once": 1}}) as room:
        first = asyncio.create_task(room.ask())
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(room.ask()) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert depth() == 3
        waiting[0].cancel()
        await asyncio.sleep(0.0)
        await asyncio.sleep(0.0)
        assert depth() == 2
        room.router.health.make_room()
        await first
        waiting[1].cancel()
        last = await waiting[2]
        record = room.router.health.seen("a/model")
    assert last.error is None
    assert record is not None
    assert record.in_flight == 0
    assert len(only.requests) <= 3


@virtually
async def test_a_reader_who_stops_gives_its_place_back() -> None:
    """A stream that is closed before the attempt began holds no permit."""
    only = ScriptedAdapter("a")
    async with virtual([only], route("a/model"), pacing={"a/model": {"at_once": 1}}) as room:
        async with aclosing(room.router.events(picture_of())) as events:  # type: ignore[type-var]
            await anext(events)
        answer = await room.ask()
    assert answer.error is None


@virtually
async def test_retries_after_a_storm_stay_within_the_budget() -> None:
    """A hundred are refused at once: they come back one, two, four at a time, not all together."""
    refused = iter(range(100))
    calls: list[float] = []

    async def step(adapter: ScriptedAdapter, request: object):  # type: ignore[no-untyped-def]
        calls.append(now())
        await asyncio.sleep(0.1)
        then = limited(2.0) if next(refused, None) is not None else delivers()
        async for events in then(adapter, request):  # type: ignore[arg-type]
            yield events

    only = ScriptedAdapter("a", [step])
    async with virtual([only], route("a/model"), max_wait_s=60.0) as room:
        answers = await room.ask_all(100)
    assert all(answer.error is None for answer in answers)
    assert len(calls) == 200
    assert min(calls[100:]) >= 2.1
    assert sum(2.1 <= time < 2.2 for time in calls) == 1
    assert sum(2.1 <= time < 3.1 for time in calls) <= 1 + 2 * 10


@virtually
async def test_paced_targets_are_never_given_more() -> None:
    """At most so many at once, and so many in any minute."""
    calls: list[float] = []
    only = ScriptedAdapter("a", [noting(calls, taking(0.5, delivers()))])
    pacing = {"a": {"at_once": 4}, "a/model": {"per_minute": 20}}
    async with virtual([only], route("a/model"), pacing=pacing, max_wait_s=300.0) as room:
        answers = await room.ask_all(60)
    assert all(answer.error is None for answer in answers)
    for start in calls:
        assert sum(start <= time < start + 60.0 for time in calls) <= 20
    assert max(sum(start <= time < start + 0.5 for time in calls) for start in calls) == 4
