"""`python -m benchmarks.streams`: what a thousand open streams of events cost a gateway in memory.

A gateway of its own, in one process, with a provider whose work takes half a minute. A thousand callers ask for a
stream at once; the memory is read before they come, and once each of them has got a heartbeat. Then every stream has to
end with its picture.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.ports import free_port
from benchmarks.proc import cpu_seconds, rss_bytes
from benchmarks.routing_reload import gateway

STREAMS = 1_000
WORK_S = 40
GOAL_MIB = 200.0
_MIB = 1024 * 1024
_AT_ONCE = 100
_LIMIT_S = 180.0
_WARM_UP = 20


def configuration(folder: Path, port: int) -> str:
    """One process, a provider that plays what its model's name says, and the defaults."""
    return "\n".join(
        [
            f"state_dir: {folder}/state",
            "sandbox: true",
            f"edge: {{port: {port}}}",
            "ledger: {open: true}",
            "adapters: {mock: {}}",
        ]
    )


class Caller:
    """One open stream: how many heartbeats came, and whether its picture did."""

    def __init__(self) -> None:
        self.heartbeats = 0
        self.status = b""
        self.completed = False
        self.first = asyncio.Event()

    async def follow(self, port: int, work_s: float) -> None:
        """Asks, and reads to the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = orjson.dumps(
            {"model": f"mock/mock-job-{int(work_s * 1000)}", "prompt": "a boat", "size": "64x64", "stream": True}
        )
        head = f"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        try:
            self.status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
            while line := await reader.readline():
                if line == b":\n":
                    self.heartbeats += 1
                    self.first.set()
                elif line == b"event: image_generation.completed\n":
                    self.completed = True
                    return
        finally:
            self.first.set()
            writer.close()


async def crowd(port: int, count: int, work_s: float) -> tuple[list[Caller], list["asyncio.Task[None]"]]:
    """So many callers, who come a hundred at a time."""
    callers = [Caller() for _ in range(count)]
    tasks = []
    for number, caller in enumerate(callers):
        tasks.append(asyncio.create_task(caller.follow(port, work_s)))
        if number % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0.1)
    return callers, tasks


async def main() -> int:
    """Gives the exit code: 1 where the goal is missed or a stream did not end with its picture."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        file = folder / "heliostat.yaml"
        file.write_text(configuration(folder, port), encoding="utf-8")
        async with gateway(file, f"http://127.0.0.1:{port}") as pid, asyncio.timeout(_LIMIT_S):
            _, warming = await crowd(port, _WARM_UP, 0.2)
            await asyncio.gather(*warming)
            before, cpu_before_s, began = rss_bytes([pid]), cpu_seconds([pid]), time.perf_counter()
            callers, tasks = await crowd(port, STREAMS, WORK_S)
            await asyncio.gather(*(caller.first.wait() for caller in callers))
            grown = (rss_bytes([pid]) - before) / _MIB
            await asyncio.gather(*tasks)
            cpu_s, took_s = cpu_seconds([pid]) - cpu_before_s, time.perf_counter() - began
            after = (rss_bytes([pid]) - before) / _MIB
    whole = sum(caller.completed and caller.status == b"200" for caller in callers)
    met = grown <= GOAL_MIB and whole == STREAMS
    print(f"{STREAMS:,} open streams: memory +{grown:,.1f} MiB   goal {GOAL_MIB:g} {'met' if met else 'MISSED'}")
    print(f"before {before / _MIB:,.1f} MiB; once all had their picture +{after:,.1f} MiB")
    print(f"streams that ended with their picture: {whole:,}; fewest heartbeats {min(c.heartbeats for c in callers)}")
    print(f"CPU of the gateway {cpu_s:,.1f} s in {took_s:,.1f} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
