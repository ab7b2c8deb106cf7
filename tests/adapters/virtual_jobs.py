"""Jobs in virtual time, waited for by the kit's own `poll`: how late each end is found, and after how many looks."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from benchmarks.routing_sim.virtual_time import VirtualClock
from heliostat.adapters.sdk import Answer, Call, Model, polling
from heliostat.adapters.sdk.pace import STEP_S, Durations
from heliostat.api.image.v1 import request_pb2

RUNNING = Answer(202, {}, b"{}")
DONE = Answer(200, {}, b"{}")


@dataclass
class Bench:
    """What calls of one adapter share."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    durations: Durations = field(default_factory=Durations)

    def call(self, time_s: float = 600.0, **fields: Any) -> Call:
        """A call whose job was taken."""
        call = Call(cast(Any, self), Model("m"), request_pb2.ImageRequest(**fields), time_s=time_s)
        call.submitted = True
        call.accepted_job_id = "job-1"
        return call


@dataclass(frozen=True)
class Found:
    """One job: seconds from its end to the look that found it, and looks in all."""

    late_s: float
    looks: int


async def follow(
    bench: Bench,
    takes_s: float,
    *,
    answering_s: float = 0.0,
    percent: Callable[[float], float] | None = None,
    webhook: bool = False,
    before: Callable[[float], Awaitable[None]] | None = None,
    **fields: Any,
) -> Found:
    """Waits for a job that takes so long, as an adapter does, and learns from it as the kit does.

    `answering_s` is how long an answer takes, there and back; `percent` is what the provider tells after so many
    seconds; `before` is awaited with the time of the job before each answer and may raise.
    """
    call = bench.call(**fields)
    began = bench.clock.monotonic()
    looks = 0

    async def ask() -> Answer:
        nonlocal looks
        looks += 1
        await asyncio.sleep(answering_s / 2)
        now = bench.clock.monotonic() - began
        if before is not None:
            await before(now)
        if percent is not None:
            call.progress.told(percent(now), bench.clock.monotonic())
        await asyncio.sleep(answering_s / 2)
        return DONE if now >= takes_s else RUNNING

    callback = asyncio.get_running_loop().call_later(takes_s, call.wake.set) if webhook else None
    async for answer in polling.poll(call, ask):
        if answer is DONE:
            break
    if callback is not None:
        callback.cancel()
    assert call.looked_s is not None
    call.durations.learn(call.kind, *call.looked_s)
    return Found(bench.clock.monotonic() - began - takes_s, looks)


def share(values: Sequence[float], part: float) -> float:
    """The value that `part` of all stay within."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def minimum(durations: Sequence[float]) -> float:
    """Looks per job of somebody who knows how long such jobs take, as pace.py defines it."""
    first = share(durations, 0.01)
    return sum(1 + max(0.0, takes_s - first) / STEP_S for takes_s in durations) / len(durations)
