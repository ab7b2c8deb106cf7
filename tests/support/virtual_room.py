"""A router in virtual time over scripted adapters: what waits for seconds is tested in none."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from benchmarks.routing_sim.engine import Engine, engine
from benchmarks.routing_sim.virtual_time import run
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.router.health import Change
from heliostat.router.record import State
from tests.support.router_room import picture_of
from tests.support.scripted_adapter import Events, ScriptedAdapter, Step, fails


def now() -> float:
    """Virtual seconds since the beginning."""
    return asyncio.get_running_loop().time()


@dataclass
class Told:
    """What came back for one request, and when."""

    began: float
    ended: float = 0.0
    events: list[event_pb2.ImageEvent] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    error: MeshError | None = None

    def of(self, kind: str) -> list[Any]:
        """All events of one kind, in order."""
        return [getattr(event, kind) for event in self.events if event.WhichOneof("event") == kind]

    @property
    def asked(self) -> list[str]:
        """Targets in the order in which they were asked."""
        return [started.target for started in self.of("attempt_started")]

    @property
    def took_s(self) -> float:
        """Virtual seconds from the request to its end."""
        return self.ended - self.began

    @property
    def reason(self) -> str:
        """Why it failed, in lower case; empty where it did not."""
        return "" if self.error is None else reason_name(self.error.reason)

    @property
    def result(self) -> event_pb2.ImageResult:
        """What the one `completed` says."""
        (result,) = self.of("completed")
        assert isinstance(result, event_pb2.ImageResult)
        return result


class VirtualRoom:
    """A running router, and what its health tells."""

    def __init__(self, router: Engine) -> None:
        self.router = router
        self.changes: list[tuple[float, Change]] = []
        router.health.listen(lambda change: self.changes.append((now(), change)))

    async def ask(self, **fields: Any) -> Told:
        """One request for a picture, read to its end."""
        told = Told(now())
        try:
            async with aclosing(self.router.events(picture_of(**fields))) as events:  # type: ignore[type-var]
                async for event in events:
                    told.events.append(event)
                    told.times.append(now())
        except MeshError as error:
            told.error = error
        told.ended = now()
        return told

    async def ask_all(self, count: int, **fields: Any) -> list[Told]:
        """That many requests at once."""
        return list(await asyncio.gather(*(self.ask(**fields) for _ in range(count))))

    async def ask_at(self, rate: float, seconds: float, **fields: Any) -> list[Told]:
        """Requests at an even rate per second for so many seconds; gives all answers."""
        tasks = []
        for _ in range(round(rate * seconds)):
            tasks.append(asyncio.create_task(self.ask(**fields)))
            await asyncio.sleep(1 / rate)
        return list(await asyncio.gather(*tasks))

    def state(self, target: str) -> State:
        """Where a target stands now."""
        return self.router.health.standing(target, now()).state

    def kinds(self, target: str) -> list[str]:
        """What was told of a target, in order."""
        return [change.kind for _, change in self.changes if change.target == target]


@asynccontextmanager
async def virtual(
    adapters: Sequence[ScriptedAdapter], *routes: dict[str, Any], **settings: Any
) -> AsyncIterator[VirtualRoom]:
    """A router in virtual time; use it within `run`."""
    async with engine({adapter.provider: adapter for adapter in adapters}, routes, **settings) as router:
        yield VirtualRoom(router)


def virtually(scene: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test whose coroutine runs in virtual time."""

    @wraps(scene)
    def test(*args: Any, **kwargs: Any) -> None:
        run(scene(*args, **kwargs))

    return test


def taking(seconds: float, then: Step) -> Step:
    """As `then`, after so many seconds."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        await asyncio.sleep(seconds)
        async for events in then(adapter, request):
            yield events

    return step


def between(start: float, end: float, then: Step, otherwise: Step) -> Step:
    """`then` from `start` to `end` (virtual seconds), `otherwise` before and after."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        async for events in (then if start <= now() < end else otherwise)(adapter, request):
            yield events

    return step


def noting(calls: list[float], then: Step) -> Step:
    """As `then`; the time of each call is added to `calls`."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        calls.append(now())
        async for events in then(adapter, request):
            yield events

    return step


def at_random(dice: random.Random, share: float, then: Step, otherwise: Step) -> Step:
    """`then` for a share of the calls, by chance; else `otherwise`."""

    async def step(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        async for events in (then if dice.random() < share else otherwise)(adapter, request):
            yield events

    return step


def limited(after_s: float | None) -> Step:
    """429, with or without a time to come back after."""
    return fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=after_s)


DOWN = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)
