"""Jobs whose caller is gone: cancelled once, and not while somebody may still go on with them."""

import asyncio
from typing import Any, cast

from heliostat.adapters.sdk import Call, Cancelled, Model
from heliostat.adapters.sdk.partings import Partings
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.clock import Clock

LONG_S = 3600.0


class Bench:
    """What a call needs where nothing is fetched."""

    clock = Clock()
    dice = None


class Provider:
    """Counts cancels; they are free."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    async def cancel(self, call: Call) -> Cancelled:
        """One cancel."""
        self.cancelled.append(call.job_id)
        return Cancelled(found=True, free=True)


def left(name: str = "req/0/1", job_id: str = "job-1") -> Call:
    """An attempt whose job was accepted."""
    call = Call(cast(Any, Bench()), Model("m"), request_pb2.ImageRequest(), attempt_id=name)
    call.submitted, call.accepted_job_id = True, job_id
    return call


async def test_a_job_that_somebody_goes_on_with_is_not_cancelled() -> None:
    """Its core was killed, and the next one resumed it."""
    provider = Provider()
    partings = Partings(provider.cancel)
    partings.remember(left(), cancels=True, after_s=LONG_S)
    partings.keep("another-job")
    partings.keep("job-1")
    await partings.settle(1)
    assert provider.cancelled == []
    assert await partings.look_up("req/0/1") is None


async def test_a_job_that_nobody_goes_on_with_is_cancelled_once() -> None:
    """After its time; whoever asks then hears what the cancel came to."""
    provider = Provider()
    partings = Partings(provider.cancel)
    partings.remember(left(), cancels=True, after_s=0.01)
    partings.remember(left(), cancels=True)
    async with asyncio.timeout(30):
        while not provider.cancelled:
            await asyncio.sleep(0.005)
    partings.keep("job-1")
    assert await partings.look_up("req/0/1") == Cancelled(found=True, free=True)
    assert provider.cancelled == ["job-1"]


async def test_who_asks_for_a_cancel_does_not_wait() -> None:
    """A router that gives an attempt up says so: its job is left alone no longer."""
    provider = Provider()
    partings = Partings(provider.cancel)
    partings.remember(left(), cancels=True, after_s=LONG_S)
    async with asyncio.timeout(30):
        assert await partings.look_up("req/0/1") == Cancelled(found=True, free=True)
    assert provider.cancelled == ["job-1"]


async def test_what_is_left_alone_when_the_adapter_stops_stays_so() -> None:
    """Whoever comes next may go on with it; cancels under way are waited for."""
    provider = Provider()
    partings = Partings(provider.cancel)
    partings.remember(left(), cancels=True, after_s=LONG_S)
    partings.remember(left("req/0/2", "job-2"), cancels=True)
    async with asyncio.timeout(30):
        await partings.settle(4)
    assert provider.cancelled == ["job-2"]
