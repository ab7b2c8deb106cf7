"""Rate limits: how long a target is left alone, and what happens to requests meanwhile. In virtual time."""

import asyncio
import random

import pytest

from heliostat.chassis.clock import FakeClock
from heliostat.router.pauses import Pause
from heliostat.router.record import State
from heliostat.router.settings import HealthSettings
from tests.support.router_room import route
from tests.support.scripted_adapter import ScriptedAdapter, accepted, delivers, stalls
from tests.support.virtual_room import DOWN, limited, noting, now, taking, virtual, virtually


@virtually
async def test_u08_a_short_pause_is_waited_for_on_the_same_tier() -> None:
    """Retry-After: 1 on the first target while a second one stands: the first one answers, a second later."""
    first, second = ScriptedAdapter("a", [limited(1.0), delivers()]), ScriptedAdapter("b")
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "a/model"]
    assert answer.took_s == pytest.approx(1.0)
    (waiting,) = answer.of("waiting")
    assert waiting.queue_position == 0
    assert waiting.until_time.ToSeconds() == 1_800_000_001
    assert second.requests == []


@pytest.mark.parametrize("where", ["request", "route", "router"])
@virtually
async def test_u08_max_wait_0_asks_the_second_one_at_once(where: str) -> None:
    """Whether the caller, the route or the router says so."""
    first, second = ScriptedAdapter("a", [limited(1.0)]), ScriptedAdapter("b")
    own = {"max_wait_s": 0} if where == "route" else {}
    settings = {"max_wait_s": 0} if where == "router" else {}
    async with virtual([first, second], route("a/model", "b/model", **own), **settings) as room:
        routing = {"max_wait": {"seconds": 0}} if where == "request" else {}
        answer = await room.ask(routing=routing)
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == 0.0


@virtually
async def test_u08_a_longer_pause_is_not_waited_for_while_somebody_else_stands() -> None:
    """Three seconds: the second target answers at once, and the first gets no call until then."""
    calls: list[float] = []
    first = ScriptedAdapter("a", [noting(calls, limited(3.0)), noting(calls, delivers())])
    second = ScriptedAdapter("b")
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
        await room.ask_at(10.0, 5.0)
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == 0.0
    # From its last two seconds on the pause is short enough to be waited for.
    assert calls[0] == 0.0
    assert calls[1] >= 3.0


@virtually
async def test_u08_within_a_priority_nobody_waits() -> None:
    """Another target of the same priority is as good as the first one."""
    first, second = ScriptedAdapter("a", [limited(1.0)]), ScriptedAdapter("b")
    targets = [{"target": "a/model", "weight": 1e9}, {"target": "b/model", "weight": 1e-9}]
    async with virtual([first, second], route(*targets)) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == 0.0


@virtually
async def test_u08_the_only_target_is_waited_for() -> None:
    """Retry-After: 2 and nobody else: answered after 2 to 3 seconds, no error, no call in between."""
    calls: list[float] = []
    only = ScriptedAdapter("a", [noting(calls, limited(2.0)), noting(calls, delivers())])
    async with virtual([only], route("a/model")) as room:
        first = asyncio.create_task(room.ask())
        await asyncio.sleep(0.5)
        others = await room.ask_all(5)
        answers = [await first, *others]
    assert all(answer.error is None for answer in answers)
    assert 2.0 <= answers[0].took_s <= 3.0
    assert calls[0] == 0.0
    assert min(calls[1:]) >= 2.0


@virtually
async def test_u08_a_target_that_stays_limited_gives_way() -> None:
    """A short pause is waited for once; then the next target is asked."""
    first, second = ScriptedAdapter("a", [limited(0.5)]), ScriptedAdapter("b")
    async with virtual([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "a/model", "b/model"]
    assert answer.error is None
    assert answer.took_s == pytest.approx(0.5)


@virtually
async def test_u08_the_wait_ends_with_rate_limited_and_retry_after() -> None:
    """A pause beyond the longest wait is not waited for at all; the caller is told when it ends."""
    only = ScriptedAdapter("a", [limited(45.0)])
    async with virtual([only], route("a/model")) as room:
        answer = await room.ask()
        later = await room.ask()
    for each in (answer, later):
        assert each.reason == "rate_limited"
        assert each.took_s == 0.0
        assert each.error is not None
        assert each.error.retry_after_s == pytest.approx(45.0)
    assert len(only.requests) == 1


@virtually
async def test_u13_no_pause_is_longer_than_a_minute() -> None:
    """Whatever the provider asks for."""
    only = ScriptedAdapter("a", [limited(86400.0)])
    async with virtual([only], route("a/model")) as room:
        await room.ask()
        assert room.router.health.standing("a/model", now()).until == 60.0


def test_u11_without_a_header_pauses_grow_with_full_jitter() -> None:
    """Up to 1, 2, 4, 8, 16, 30, 30 … seconds, anything below being as likely; refusals of one storm count once."""
    clock, dice = FakeClock(), random.Random(5)
    longest = [0.0] * 8
    for _ in range(400):
        pause = Pause(HealthSettings())
        for place in range(8):
            began = clock.monotonic()
            until = pause.ask(began, None, began, dice)
            longest[place] = max(longest[place], until - began)
            for _ in range(20):
                assert pause.ask(began, None, began - 1.0, dice) == until
            clock.advance(until - began)
    for seen, ceiling in zip(longest, (1, 2, 4, 8, 16, 30, 30, 30), strict=True):
        assert 0.95 * ceiling < seen <= ceiling


@virtually
async def test_u11_one_probe_at_a_time_after_each_pause() -> None:
    """Twenty refusals in a row, with requests at 20 per second: calls come one by one, ever further apart."""
    under_way = [0]
    most = [0]
    calls: list[float] = []
    refusals = iter(range(100))

    async def step(adapter: ScriptedAdapter, request: object):  # type: ignore[no-untyped-def]
        calls.append(now())
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        try:
            await asyncio.sleep(0.1)
            then = limited(None) if next(refusals, None) is not None else delivers()
            async for events in then(adapter, request):  # type: ignore[arg-type]
                yield events
        finally:
            under_way[0] -= 1

    only = ScriptedAdapter("a", [step])
    async with virtual([only], route("a/model"), health={"ramp_s": 0.0}, queue_size=10) as room:
        await room.ask()
        most[0] = 0
        while len(calls) < 20:
            await room.ask_all(3)
            assert most[0] <= 1
            await asyncio.sleep(0.5)
    assert calls[-1] - calls[0] > 30.0


@virtually
async def test_a_pause_ends_when_the_provider_takes_work() -> None:
    """That it accepted is enough; nobody waits until its picture is done."""
    only = ScriptedAdapter("a", [limited(1.0), stalls(accepted("job"))])
    async with virtual([only], route("a/model"), request_timeout_s=60.0) as room:
        asking = asyncio.create_task(room.ask())
        await asyncio.sleep(1.5)
        assert room.state("a/model") is State.HEALTHY
        asking.cancel()


@virtually
async def test_a_pause_does_not_hide_a_failure() -> None:
    """A probe that fails is counted, and another request is the next probe."""
    only = ScriptedAdapter("a", [limited(1.0), DOWN, delivers()])
    async with virtual([only], route("a/model")) as room:
        first = await room.ask()
        second = await room.ask()
    assert first.reason == "provider_unavailable"
    assert second.error is None


@virtually
async def test_waiting_is_told_apart_from_work() -> None:
    """The result says how long the request waited for a target."""
    only = ScriptedAdapter("a", [taking(0.2, delivers())])
    async with virtual([only], route("a/model")) as room:
        room.router.health.pause("a/model", 4.0, "asked to slow down")
        answer = await room.ask()
    assert answer.result.timing.queue.ToMilliseconds() == 4000
    assert answer.asked == ["a/model"]
