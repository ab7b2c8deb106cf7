"""`python -m benchmarks.routing_failover`: what a request pays for a first target that cannot be reached.

A gateway of its own has three models: one that the mock adapter serves alone, one whose first target refuses every
connection, and one whose first target never takes nor refuses any. Each first target has the mock adapter behind it.
Told is how much longer the other two take than the first one; for the black hole beyond the connect time-out.
"""

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.ports import free_port
from benchmarks.routing_reload import gateway, picture, put

CONNECT_S = 0.5
GOAL_S = 0.05
RUNS = 30


@contextmanager
def black_hole() -> Iterator[int]:
    """A port at which connections are neither taken nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
                fillers.append(filler)
            yield int(listener.getsockname()[1])
        finally:
            for filler in fillers:
                filler.close()


def text(folder: Path, port: int, hole: int) -> str:
    """The configuration. Nobody is ever put out: every request meets the target that cannot be reached."""
    return f"""\
state_dir: {folder}/state
sandbox: true
edge: {{port: {port}}}
ledger: {{open: true}}
adapters:
  mock: {{}}
  refusing: {{kind: openai, base_url: "http://127.0.0.1:{free_port()}/v1", api_key: env:BENCHMARK_KEY}}
  hole:
    kind: openai
    base_url: http://127.0.0.1:{hole}/v1
    api_key: env:BENCHMARK_KEY
    connect_timeout_s: {CONNECT_S}
router:
  health: {{consecutive_failures: 1000000, many_calls: 1000000, some_calls: 1000000}}
  routes:
  - {{model: alone, targets: [{{target: mock/mock-image}}]}}
  - {{model: refused, targets: [{{target: refusing/gpt-image-1}}, {{target: mock/mock-image, priority: 1}}]}}
  - {{model: black-hole, targets: [{{target: hole/gpt-image-1}}, {{target: mock/mock-image, priority: 1}}]}}
"""


async def median_s(client: httpx.AsyncClient, model: str) -> float:
    """How long a picture of a model takes in seconds."""
    durations = []
    for _ in range(RUNS):
        began = time.perf_counter()
        status = await picture(client, model)
        durations.append(time.perf_counter() - began)
        if status != 200:
            raise RuntimeError(f"model {model} was answered with {status}")
    return sorted(durations)[RUNS // 2]


def tell(what: str, seconds: float) -> None:
    """One line."""
    met = "met" if seconds <= GOAL_S else "MISSED"
    print(f"{what:<58} median {seconds * 1e3:>8.1f} ms   goal {GOAL_S * 1e3:.0f} {met}")


async def main() -> None:
    """Prints two lines."""
    os.environ["BENCHMARK_KEY"] = "no key at all"
    with tempfile.TemporaryDirectory() as name, black_hole() as hole:
        folder, port = Path(name), free_port()
        put(folder / "heliostat.yaml", text(folder, port, hole))
        url = f"http://127.0.0.1:{port}"
        async with gateway(folder / "heliostat.yaml", url), httpx.AsyncClient(base_url=url, timeout=30) as client:
            await median_s(client, "alone")
            alone = await median_s(client, "alone")
            tell("failover from a refused connection", await median_s(client, "refused") - alone)
            tell(
                f"failover from a black hole, beyond {CONNECT_S:g} s to connect",
                await median_s(client, "black-hole") - alone - CONNECT_S,
            )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
