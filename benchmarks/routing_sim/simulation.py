"""Traffic over replicas of the router and their shared providers, and what came of it."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

from benchmarks.routing_sim.engine import Engine, engine
from benchmarks.routing_sim.provider import MODEL, Provider, Trouble
from benchmarks.routing_sim.virtual_time import run
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.router.health import Change

_ROUTE = "picture"


@dataclass(frozen=True)
class Line:
    """One target of the route, and its provider's troubles."""

    name: str
    priority: int
    weight: float
    typical_s: float
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """What is simulated: `rate` requests per second in all, by chance, over `replicas` routers."""

    lines: tuple[Line, ...]
    replicas: int
    rate: float
    seconds: float
    seed: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Request:
    """One request as its client saw it."""

    began: float
    took_s: float = 0.0
    reason: str = ""
    attempts: int = 0
    served_by: str = ""


@dataclass
class Outcome:
    """Everything that happened."""

    scenario: Scenario
    requests: list[Request]
    calls: dict[str, list[float]]
    changes: list[tuple[float, int, Change]]

    def errors(self) -> Counter[str]:
        """Failed requests by reason."""
        return Counter(request.reason for request in self.requests if request.reason)

    def error_rate(self, start: float = 0.0, end: float = float("inf")) -> float:
        """Share of the requests from `start` to `end` that failed."""
        asked = [request for request in self.requests if start <= request.began < end]
        return sum(bool(request.reason) for request in asked) / len(asked)

    def amplification(self) -> float:
        """Calls of providers per request."""
        return sum(map(len, self.calls.values())) / len(self.requests)

    def extra_attempts(self, window_s: float = 10.0, *, after: float = 0.0) -> float:
        """The most attempts beyond the first in any window, over a fifth of its requests and 3 for each replica; of
        requests that began `after` some seconds.

        The router holds to a fifth and 3 of what is under way at a time, so quick failures may bring more than 1.
        """
        asked: Counter[int] = Counter()
        extra: Counter[int] = Counter()
        for request in self.requests:
            if request.began < after:
                continue
            slot = int(request.began / window_s)
            asked[slot] += 1
            extra[slot] += max(0, request.attempts - 1)
        allowed = {slot: 0.2 * count + 3 * self.scenario.replicas for slot, count in asked.items()}
        return max((extra[slot] / allowed[slot] for slot in asked), default=0.0)

    def share_error(self, start: float, end: float) -> float:
        """The largest distance, from `start` to `end`, between a first-priority target's share and its weight's."""
        first = [line for line in self.scenario.lines if line.priority == 0]
        counts = {line.name: sum(start <= time < end for time in self.calls[line.name]) for line in first}
        total, weights = sum(counts.values()), sum(line.weight for line in first)
        return max(abs(counts[line.name] / total - line.weight / weights) for line in first)

    def times_to(self, kind: str, target: str, start: float, end: float) -> list[float]:
        """Seconds from `start` until each replica told of `kind` first, where it did before `end`."""
        first: dict[int, float] = {}
        for time, replica, change in self.changes:
            if change.kind == kind and change.target == target and start <= time < end:
                first.setdefault(replica, time - start)
        return sorted(first.values())

    def failed_before_ejection(self, target: str, start: float, end: float) -> float:
        """Calls of a target from the start of an outage until it was out, per replica that put it out."""
        out = self.times_to("ejected", target, start, end)
        if not out:
            return float("nan")
        last = start + out[-1]
        return sum(start <= time <= last for time in self.calls[target.partition("/")[0]]) / len(out)


def simulate(scenario: Scenario) -> Outcome:
    """Runs a scenario; the same one gives the same outcome."""
    return run(_simulate(scenario))


async def _simulate(scenario: Scenario) -> Outcome:
    dice = random.Random(scenario.seed)
    providers = {
        line.name: Provider(line.name, line.typical_s, random.Random(dice.random()), line.troubles)
        for line in scenario.lines
    }
    routes = [
        {
            "model": _ROUTE,
            "targets": [
                {"target": f"{line.name}/{MODEL}", "priority": line.priority, "weight": line.weight}
                for line in scenario.lines
            ],
        }
    ]
    outcome = Outcome(scenario, [], {name: provider.calls for name, provider in providers.items()}, [])
    async with AsyncExitStack() as stack:
        replicas = []
        for number in range(scenario.replicas):
            seed = dice.getrandbits(32)
            made = await stack.enter_async_context(engine(providers, routes, seed=seed, **scenario.settings))
            made.health.listen(_Listener(outcome, number))
            replicas.append(made)
        await _traffic(scenario, replicas, dice, outcome)
    return outcome


class _Listener:
    """Notes what one replica tells of its targets."""

    def __init__(self, outcome: Outcome, replica: int) -> None:
        self._outcome = outcome
        self._replica = replica

    def __call__(self, change: Change) -> None:
        self._outcome.changes.append((asyncio.get_running_loop().time(), self._replica, change))


async def _traffic(scenario: Scenario, replicas: Sequence[Engine], dice: random.Random, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Task[None]] = set()
    while loop.time() < scenario.seconds:
        _raise_unforeseen(under_way)
        request = Request(loop.time())
        outcome.requests.append(request)
        task = asyncio.create_task(_ask(dice.choice(replicas), request))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await asyncio.sleep(dice.expovariate(scenario.rate))
    await asyncio.gather(*under_way)


def _raise_unforeseen(tasks: set[asyncio.Task[None]]) -> None:
    """Ends the run where the router itself failed: that is no outcome, but a fault of ours."""
    for task in tasks:
        if task.done():
            task.result()


_IMAGE = request_pb2.ImageRequest(model=_ROUTE, prompt="a boat")


async def _ask(replica: Engine, request: Request) -> None:
    try:
        async with aclosing(replica.events(_IMAGE)) as events:  # type: ignore[type-var]
            async for event in events:
                if event.HasField("attempt_started"):
                    request.attempts += 1
                elif event.HasField("completed"):
                    request.served_by = event.completed.provider
    except MeshError as error:
        request.reason = reason_name(error.reason)
    request.took_s = asyncio.get_running_loop().time() - request.began
