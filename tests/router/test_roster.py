"""How providers fare, as the router tells its callers."""

from typing import Any

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.clock import FakeClock
from tests.support.router_room import RouterRoom, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails

UP, DEGRADED, DOWN = 1, 2, 3


async def providers(room: RouterRoom, name: str = "") -> list[router_pb2.Provider]:
    """What is told."""
    answer = await room.stub.ListProviders(router_pb2.ListProvidersRequest(name=name))
    return list(answer.providers)


async def test_providers_are_told_in_the_order_of_the_configuration() -> None:
    """With the models that lead to each target; one that nobody routes to has none, and is up."""
    adapters = [
        ScriptedAdapter("b", models=[capability("x"), capability("y")]),
        ScriptedAdapter("a"),
        ScriptedAdapter("c"),
    ]
    async with running_router(adapters, route("b/x", "a/model"), route("b/x", "b/y", model="n")) as room:
        told = await providers(room)
        one = await providers(room, "a")
        nobody = await providers(room, "z")
    assert [(each.name, each.provider, each.status) for each in told] == [
        ("b", "b", UP),
        ("a", "a", UP),
        ("c", "c", UP),
    ]
    assert [(target.target, list(target.models)) for target in told[0].targets] == [("b/x", ["m", "n"]), ("b/y", ["n"])]
    assert list(told[2].targets) == []
    assert (one, nobody) == ([told[1]], [])


async def test_calls_are_summed_up() -> None:
    """Share of successes, median and 95th percentile; of a target that was never asked nothing is made up."""
    clock = FakeClock()
    down = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)
    adapter = ScriptedAdapter(
        "a", [down, delivers(), delivers(), delivers()], models=[capability("x"), capability("y")]
    )
    async with running_router([adapter], route("a/x", "a/y"), clock=clock) as room:
        for _ in range(3):
            await room.ask(routing=request_pb2.Routing(only=["a/x"]))
        (told,) = await providers(room)
    asked, idle = told.targets
    assert asked.pulse.call_count == 3
    assert asked.pulse.success_ratio == pytest.approx(2 / 3)
    assert (asked.pulse.p50_seconds, asked.pulse.p95_seconds) == (0, 0)
    assert idle.pulse == router_pb2.Pulse()
    assert told.pulse == asked.pulse


async def test_what_is_out_says_why_and_until_when() -> None:
    """Paused and down come back by themselves, off does not; a provider is degraded while some of it stands."""
    clock = FakeClock()
    limited = fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=30)
    adapters = [
        ScriptedAdapter("a", [limited, delivers()], models=[capability("x"), capability("y")]),
        ScriptedAdapter("keyless", configured=False),
        ScriptedAdapter("b", models=[capability("x")]),
    ]
    targets: list[str | dict[str, Any]] = [
        {"target": "a/x"},
        {"target": "a/y", "priority": 1},
        {"target": "a/unknown", "priority": 2},
        {"target": "keyless/model", "priority": 2},
        {"target": "b/x", "weight": 0},
    ]
    async with running_router(adapters, route(*targets), clock=clock) as room:
        before = await providers(room)
        await room.ask(routing=request_pb2.Routing(max_wait={"seconds": 0}))
        after = await providers(room)
    assert [each.status for each in before] == [UP, DOWN, DOWN]
    assert [each.status for each in after] == [DEGRADED, DOWN, DOWN]
    x, y, unknown = after[0].targets
    assert x.status == router_pb2.TARGET_STATUS_PAUSED
    assert 0 < x.return_time.ToSeconds() - clock.time() <= 31
    assert x.because.endswith(".")
    assert y.status == router_pb2.TARGET_STATUS_UP
    assert (unknown.status, unknown.because) == (router_pb2.TARGET_STATUS_OFF, "Its adapter does not know the model.")
    (keyless,), (unweighted,) = after[1].targets, after[2].targets
    assert (keyless.status, keyless.because) == (router_pb2.TARGET_STATUS_OFF, "Its adapter has no key.")
    assert (unweighted.status, unweighted.because) == (router_pb2.TARGET_STATUS_OFF, "It has a weight of 0.")


async def test_a_provider_that_failed_too_often_is_down() -> None:
    """After five failures in a row, while another provider answers."""
    broken = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    async with running_router([broken, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        for _ in range(6):
            assert (await room.ask()).asked[-1] == "b/model"
        down, up = await providers(room)
    assert (down.status, up.status) == (DOWN, UP)
    assert down.targets[0].status == router_pb2.TARGET_STATUS_DOWN
    assert down.targets[0].HasField("return_time")
    assert down.pulse.success_ratio == 0
    assert not down.pulse.HasField("p50_seconds")


async def test_a_provider_comes_back_after_one_good_call() -> None:
    """Ten seconds later one real request tries it; a failure keeps it down for ten more, a success brings it up."""
    clock = FakeClock()
    down = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)
    broken = ScriptedAdapter("a", [*[down] * 6, delivers()])
    told: list[tuple[int, int]] = []
    async with running_router([broken, ScriptedAdapter("b")], route("a/model", "b/model"), clock=clock) as room:
        for passes in (0, 0, 0, 0, 0, 0, 10, 0, 10, 0):
            clock.advance(passes)
            await room.ask()
            told.append((len(broken.requests), (await providers(room, "a"))[0].targets[0].status))
    up, out = router_pb2.TARGET_STATUS_UP, router_pb2.TARGET_STATUS_DOWN
    assert told[3:] == [(4, up), (5, out), (5, out), (6, out), (6, out), (7, up), (8, up)]
