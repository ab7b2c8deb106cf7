"""`python -m benchmarks.routing`: what a choice costs among many targets, and a reload of many routes.

Prints the median and the 99th percentile of many runs, in one process, with nothing else going on in it.
"""

import asyncio
import gc
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.chassis.clock import Clock
from heliostat.router.appraisal import Appraiser
from heliostat.router.attempt import Attempt, Plan
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.course import Course, Guard
from heliostat.router.directory import Directory
from heliostat.router.health import Health
from heliostat.router.limits import allowance
from heliostat.router.overrides import Overrides
from heliostat.router.selection import Exclusion, Out, choose, replay
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Route, Table

ADAPTERS = tuple(f"adapter{number}" for number in range(10))
TARGETS = 1_000
ROUTES = 10_000
CHOICE_GOAL_US = 200.0
RELOAD_GOAL_MS = 500.0
REQUEST_GOAL_US = 30.0


def large_route(priorities: int = 1) -> dict[str, Any]:
    """A route over a thousand targets of ten adapters."""
    targets = [
        {"target": f"{ADAPTERS[number % 10]}/model-{number}", "weight": 1 + number % 7, "priority": number % priorities}
        for number in range(TARGETS)
    ]
    return {"model": "large", "targets": targets}


def many_routes() -> dict[str, Any]:
    """Ten thousand routes, each with an alias, over two targets."""
    routes = [
        {
            "model": f"model-{number}",
            "aliases": [f"model-{number}-latest"],
            "targets": [
                {"target": f"{ADAPTERS[number % 10]}/m{number}"},
                {"target": f"{ADAPTERS[(number + 1) % 10]}/m{number}", "priority": 1},
            ],
        }
        for number in range(ROUTES)
    ]
    return {"routes": routes}


def table_of(tree: dict[str, Any]) -> Table:
    """A configuration, checked and built as a reload does it."""
    return Table(RouterSettings.model_validate(tree), ADAPTERS)


class Room:
    """A chooser over one route, whose adapters have described themselves; nobody listens anywhere."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.clock = clock = Clock()
        self.health = Health(clock=clock)
        catalog = Catalog(cast(Any, None), 30.0, 5.0)
        for name in ADAPTERS:
            models = [
                capability_pb2.Capability(
                    provider_model=f"model-{number}", operations=[capability_pb2.OPERATION_TEXT_TO_IMAGE]
                )
                for number in range(TARGETS)
            ]
            catalog.take(name, adapter_pb2.DescribeResponse(provider=name, models=models))
        directory = Directory(table_of(tree), catalog, True, Overrides())
        appraiser = Appraiser(cast(Any, None), clock)
        self.chooser = Chooser(directory, catalog, appraiser, health=self.health, dice=random.Random(1), clock=clock)


def quantiles_us(durations: list[float]) -> tuple[float, float]:
    """Median and 99th percentile in micro-seconds."""
    ordered = sorted(durations)
    return ordered[len(ordered) // 2] * 1e6, ordered[int(len(ordered) * 0.99)] * 1e6


def measure(work: Callable[[], object], runs: int) -> list[float]:
    """How long each run took, in seconds."""
    durations = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return durations


async def measure_async(work: Callable[[], Awaitable[object]], runs: int) -> list[float]:
    """How long each run took, in seconds."""
    durations = []
    for _ in range(runs):
        began = time.perf_counter()
        await work()
        durations.append(time.perf_counter() - began)
    return durations


def tell(what: str, durations: list[float], goal_us: float | None = None) -> None:
    """One line."""
    median, most = quantiles_us(durations)
    goal = f"   goal {goal_us:>9,.0f}  {'met' if median <= goal_us else 'MISSED'}" if goal_us else ""
    print(f"{what:<58} {median:>11,.1f} us   p99 {most:>11,.1f} us{goal}")


async def choices() -> None:
    """Choices among a thousand targets."""
    dice = random.Random(7)
    nothing = request_pb2.Routing()
    for priorities in (1, 3):
        route: Route | None = table_of({"routes": [large_route(priorities)]}).configured("large")
        assert route is not None
        away = {target.name: Exclusion(Out.AWAY, "is ejected") for target in route.targets[::10]}
        for what, outs in (("nobody out", {}), ("100 out", away)):
            durations = measure(lambda route=route, outs=outs: choose(route, nothing, outs, dice.random()), 3_000)  # type: ignore[misc]
            tell(f"selection, 1,000 targets, {priorities} priorities, {what}", durations, CHOICE_GOAL_US)
    room = Room({"routes": [large_route()]})
    image = request_pb2.ImageRequest(model="large", prompt="a boat")
    cohort = request_pb2.ImageRequest(model="large", prompt="a boat", routing={"cohort": "user-1"})
    for what, asked in (("", image), (", for a cohort", cohort)):
        durations = await measure_async(lambda asked=asked: room.chooser.choose(asked), 3_000)  # type: ignore[misc]
        tell(f"whole choice, 1,000 targets{what}", durations, CHOICE_GOAL_US)
    choice = await room.chooser.choose(image)
    tell("its decision, told", measure(choice.decision, 1_000))
    decision = choice.decision()
    assert replay(decision)[0] == choice.targets[0].name
    for number in range(0, 50, 10):
        room.health.eject(f"adapter0/model-{number}", "failed 5 times in a row", "ejected")
    durations = await measure_async(lambda: room.chooser.choose(image), 3_000)
    tell("whole choice, 1,000 targets, 5 of them ejected", durations, CHOICE_GOAL_US)
    two = Room({"routes": [{**large_route(), "targets": large_route()["targets"][:2]}]})
    tell("whole choice, 2 targets", await measure_async(lambda: two.chooser.choose(image), 10_000))
    await one_request(two, image)


async def one_request(room: Room, image: request_pb2.ImageRequest) -> None:
    """All that routing does for a request that its first target serves: choice, budget, permit, health, last calls.

    The attempt itself is not routing; one that has succeeded stands in for all of them.
    """
    settings = RouterSettings()
    guard = Guard(settings, room.chooser, room.health, room.clock)
    choice = await room.chooser.choose(image)
    target = choice.targets[0]
    permit = room.health.permit(target.name, 0.0)
    if permit is None:
        raise RuntimeError("the target cannot be asked")
    plan = Plan(
        target=target,
        provider=target.adapter,
        label=target.name,
        only_account=True,
        stub=cast(Any, None),
        request=adapter_pb2.GenerateRequest(image=image),
        first_index=0,
        timeout_s=180.0,
        usual_s=180.0,
        patient=False,
        exact=True,
        estimate_micros=None,
    )
    attempt = Attempt(plan, permit, room.health, room.clock)
    attempt.duration_s = 1.0
    permit.release()

    async def once() -> None:
        chosen = await room.chooser.choose(image)
        chosen.decision()
        course = Course(guard, chosen, allowance(room.clock, None, 300.0, 180.0, 3), None)
        step = course.step()
        if step is None:
            raise RuntimeError("nobody can be asked")
        taken = await course.take(step)
        if taken is None:
            raise RuntimeError("there is no permit")
        attempt.permit = taken[1]
        attempt.permit.release()
        course.ended(attempt, asked_for_all=True)
        course.close()

    tell("all of routing for one request, 2 targets", await measure_async(once, 20_000), REQUEST_GOAL_US)


def reloads() -> None:
    """Reloads of ten thousand routes."""
    tree = many_routes()
    settings = RouterSettings.model_validate(tree)
    tell("10,000 routes: checked", measure(lambda: RouterSettings.model_validate(tree), 5))
    tell("10,000 routes: built", measure(lambda: Table(settings, ADAPTERS), 5))
    tell("10,000 routes: checked and built", measure(lambda: table_of(tree), 9), RELOAD_GOAL_MS * 1e3)


if __name__ == "__main__":
    # As a running process has it (launch/process.py).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    asyncio.run(choices())
    reloads()
