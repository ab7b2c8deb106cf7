"""`python -m benchmarks.routing_reload`: a reload of ten thousand routes as a user sees it.

A gateway of its own runs with 10,000 routes in its file. The file is replaced by another one of 10,000 routes, the
process is told (SIGHUP), and the time counts until a model that only the new file has makes a picture over HTTP: to
read, to check, to build and to take up are all in it. Alone first, then under 20 requests per second, of which none may
fail.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from benchmarks.ports import free_port
from benchmarks.proc import cpu_seconds

ROUTES = 10_000
RELOADS = 5
RATE = 20.0
GOAL_S = 0.5
_READY_S = 60.0
_LOOK_S = 0.02
_STEADY = "model-0"


def text(folder: Path, port: int, generation: int) -> str:
    """A configuration of 10,000 routes; each generation has other weights, and a model that no other one has."""
    lines = [
        f"state_dir: {folder}/state",
        "sandbox: true",
        f"edge: {{port: {port}}}",
        "ledger: {open: true}",
        "adapters: {mock: {}}",
        "router:",
        "  auto_routes: false",
        "  routes:",
        f"  - model: generation-{generation}",
        "    targets:",
        "    - target: mock/mock-image",
    ]
    for number in range(ROUTES - 1):
        lines += [
            f"  - model: model-{number}",
            f"    aliases: [model-{number}-latest]",
            "    targets:",
            "    - target: mock/mock-image",
            f"      weight: {1 + generation}",
        ]
    return "\n".join(lines) + "\n"


def put(file: Path, content: str) -> None:
    """Replaces the file as a whole."""
    new = file.with_suffix(".new")
    new.write_text(content, encoding="utf-8")
    new.replace(file)


@asynccontextmanager
async def gateway(file: Path, url: str) -> AsyncIterator[int]:
    """A gateway by this file; gives its process id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "heliostat.launch", "serve", "--config", str(file)),
        env={**os.environ, "HELIOSTAT_READY_LINE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the gateway has no output")
        line = await asyncio.wait_for(process.stdout.readline(), _READY_S)
        if line.strip() != b"ready":
            raise RuntimeError(f"the gateway did not start at {url}")
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def picture(client: httpx.AsyncClient, model: str) -> int:
    """The status of one request for a picture."""
    answer = await client.post("/v1/images/generations", json={"model": model, "prompt": "a boat", "size": "64x64"})
    return answer.status_code


async def reload(client: httpx.AsyncClient, pid: int, file: Path, content: str, generation: int) -> float:
    """Seconds from the new file to the first picture of its own model."""
    put(file, content)
    began = time.perf_counter()
    os.kill(pid, signal.SIGHUP)
    while await picture(client, f"generation-{generation}") != 200:  # noqa: ASYNC110 - a user has no other way
        await asyncio.sleep(_LOOK_S)
    return time.perf_counter() - began


async def steady(client: httpx.AsyncClient, over: asyncio.Event) -> tuple[list[int], list[float]]:
    """Statuses and durations of requests at an even rate, until it is over."""
    statuses: list[int] = []
    durations: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        statuses.append(await picture(client, _STEADY))
        durations.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        while not over.is_set():
            group.create_task(one())
            await asyncio.sleep(1 / RATE)
    return statuses, durations


def tell(what: str, seconds: list[float]) -> None:
    """One line."""
    ordered = sorted(seconds)
    met = "met" if ordered[len(ordered) // 2] <= GOAL_S else "MISSED"
    print(
        f"{what:<58} median {ordered[len(ordered) // 2] * 1e3:>8,.0f} ms   longest {ordered[-1] * 1e3:>8,.0f} ms"
        f"   goal {GOAL_S * 1e3:,.0f} {met}"
    )


async def main() -> int:
    """Gives the exit code: 1 where a request failed."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        file = folder / "heliostat.yaml"
        texts = [text(folder, port, generation) for generation in range(2 * RELOADS + 1)]
        put(file, texts[0])
        url = f"http://127.0.0.1:{port}"
        async with gateway(file, url) as pid, httpx.AsyncClient(base_url=url, timeout=30) as client:
            before_s = cpu_seconds([pid])
            alone = [await reload(client, pid, file, texts[each], each) for each in range(1, RELOADS + 1)]
            cpu_s = (cpu_seconds([pid]) - before_s) / RELOADS
            over = asyncio.Event()
            load = asyncio.create_task(steady(client, over))
            busy = []
            for each in range(RELOADS + 1, 2 * RELOADS + 1):
                await asyncio.sleep(1.0)
                busy.append(await reload(client, pid, file, texts[each], each))
            over.set()
            statuses, durations = await load
    failed = sum(status != 200 for status in statuses)
    tell(f"{ROUTES:,} routes, new file to first picture, alone", alone)
    print(f"{'of which the gateway computed, the looks included':<58} mean   {cpu_s * 1e3:>8,.0f} ms")
    tell(f"the same under {RATE:g} requests per second", busy)
    print(
        f"{'requests meanwhile':<58} {len(statuses)}, failed {failed}, longest {max(durations) * 1e3:,.0f} ms   goal 0 "
        f"{'met' if not failed else 'MISSED'}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
