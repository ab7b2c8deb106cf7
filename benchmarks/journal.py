"""What the ledger costs: CPU of the journal's durable steps, and of a whole request through a ledger in process.

    python -m benchmarks.journal [--requests 2000]

Prints CPU milliseconds per request of this process, alone and with 16 in flight. The router behind the ledger is a
script in the same process, so its cost and that of two in-process hops are part of the second figure; the line
"hops alone" tells them.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2_grpc
from heliostat.chassis.calls import stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.chassis.local import LocalServer
from heliostat.chassis.settings import MeshSettings
from heliostat.ledger import journal as states
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.budgets import WINDOWS, Budgets, granted
from heliostat.ledger.callers import Caller
from heliostat.ledger.ending import ending
from heliostat.ledger.grip import Grip
from heliostat.ledger.journal import Ending, Journal
from heliostat.ledger.module import MIGRATIONS
from heliostat.ledger.normal_form import NormalForm
from heliostat.ledger.order import Order
from tests.support.ledger_room import PRICE, ScriptedRouter, ask, completed, happy, ledger, picture_bytes, started

Work = Callable[[int], Awaitable[object]]


def cpu_s() -> float:
    """CPU seconds of this process so far."""
    times = os.times()
    return times.user + times.system


async def measure(name: str, work: Work, count: int, waits: list[float] | None = None) -> None:
    """Prints CPU and wall milliseconds per call of `work`, alone and 16 at once, and how long commits took."""
    for width in (1, 16):
        await asyncio.gather(*(work(-each - 1 - width) for each in range(width)))
        numbers = iter(range(width * 1_000_000, width * 1_000_000 + count))

        async def worker(numbers: Iterator[int] = numbers) -> None:
            for number in numbers:
                await work(number)

        if waits is not None:
            waits.clear()
        cpu, wall = cpu_s(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(width)))
        cpu, wall = cpu_s() - cpu, time.perf_counter() - wall
        line = f"{name:44} c={width:<3} CPU {cpu / count * 1e3:7.3f} ms   wall {wall / count * 1e3:7.3f} ms per request"
        if waits:
            p50, p99 = (sorted(waits)[int(len(waits) * share)] * 1e3 for share in (0.5, 0.99))
            line += f"   commit p50 {p50:.2f} ms, p99 {p99:.2f} ms"
        print(line)


async def journal_steps(folder: Path, synchronous: str, count: int, *, budgets: bool = False) -> None:
    """The durable steps of one request: the opening with the intent, the job id, the end with one picture.

    `budgets`: its key is bound by a day's, a month's and a total budget, and all keys by a cap.
    """
    database = Database(f"sqlite:///{folder}/{synchronous}-{budgets}.db", synchronous=synchronous)
    await database.start([MIGRATIONS])
    journal = Journal(database)
    limits = Budgets(database, Clock(), 10**15 if budgets else None)
    await limits.start()
    for window in WINDOWS if budgets else ():
        await limits.set("k", window, 10**15)

    waits: list[float] = []

    async def work(number: int) -> None:
        name, attempt = f"req_{number}", _attempt(f"req_{number}")
        began = time.perf_counter()
        await granted(journal.open(_order(name).opening("o"), attempt.intent(name, None), limits.guard("k", PRICE, 1)))
        waits.append(time.perf_counter() - began)
        accepted = journal.accept(f"{name}/0/1", "job", 1, Grip(name, "o"))
        end = _ending(name, attempt)
        began = time.perf_counter()
        await journal.end(end)
        waits.append(time.perf_counter() - began)
        await accepted

    what = ", four budgets" if budgets else ""
    await measure(f"journal, SQLite {synchronous}{what}", work, count, waits)
    await database.stop()


def _order(name: str) -> Order:
    image = ask("a sunset over mountains").image
    form = NormalForm(image.SerializeToString(), f"1:{name}")
    return Order(name, Caller("k"), image, form, traceparent=f"00-{0:032}-{0:016}-01", create_time_us=1)


def _attempt(name: str) -> RunningAttempt:
    event = started(name)[0]
    return RunningAttempt(f"{name}/0/1", event.attempt_started, PRICE, 1)


def _ending(name: str, attempt: RunningAttempt) -> Ending:
    event = completed(name)[0]
    attempt.end_with_result(event.completed)
    media = {
        "media_id": f"{name}.png", "request_id": name, "attempt_id": f"{name}/0/1", "image_index": 0, "size_bytes": 9,
        "sha256": b"s" * 32, "create_time_us": 1, "expire_time_us": 2, "purged": 0, "started": b"m" * 60,
        "ended": b"e" * 80,
    }  # fmt: skip
    return ending(Grip(name, "o"), states.SUCCEEDED, 2, [attempt], result=event.completed, media=[media])


async def hops_alone(count: int) -> None:
    """The scripted router itself, without a ledger before it."""
    router, server, channels = ScriptedRouter(happy(picture_bytes(100))), LocalServer(), Channels(MeshSettings())
    router_pb2_grpc.add_RouterServiceServicer_to_server(router, server)
    channels.offer("router", server)
    stub = router_pb2_grpc.RouterServiceStub(channels.channel("local:router"))

    async def work(number: int) -> None:
        request = ask(f"prompt {number}", request_id=f"req_{abs(number):024d}")
        async with stream(stub.Generate, request) as responses:
            async for _ in responses:
                pass

    await measure("scripted router and one hop, no ledger", work, count)
    await channels.close()


async def whole_requests(folder: Path, size: int, delivery: request_pb2.Delivery, name: str, count: int) -> None:
    """A request through the ledger, its picture kept."""
    async with ledger(folder, happy(picture_bytes(size))) as room:

        async def work(number: int) -> None:
            room.router.asked.clear()
            await room.run(ask(f"prompt {number}", delivery=delivery))

        await measure(f"whole request, {name}", work, count)


async def main(count: int) -> None:
    """Prints all figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for synchronous in ("NORMAL", "FULL"):
            await journal_steps(folder, synchronous, count)
        await journal_steps(folder, "FULL", count, budgets=True)
        await hops_alone(count)
        for size, delivery, what in (
            (0, request_pb2.DELIVERY_PROVIDER_URI, "no bytes at all"),
            (100, request_pb2.DELIVERY_BYTES, "100 bytes, as bytes"),
            (1_500_000, request_pb2.DELIVERY_BYTES, "1.5 MB, as bytes"),
            (1_500_000, request_pb2.DELIVERY_STORED, "1.5 MB, stored"),
        ):
            sub = folder / f"{size}-{delivery}"
            sub.mkdir()
            await whole_requests(sub, size, delivery, what, count if size < 1000 else max(64, count // 10))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    uvloop.run(main(parser.parse_args().requests))
