"""The line between the benchmark and its own worker processes: one JSON object per line, both ways.

A worker says one line when it is ready and ends when its standard input does, so none outlives the benchmark.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

START_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0
LINE_LIMIT = 1 << 20


def say(message: dict[str, Any]) -> None:
    """Worker's side: one message to the benchmark."""
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


async def messages() -> AsyncIterator[dict[str, Any]]:
    """Worker's side: the benchmark's messages until it closes the pipe or dies."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


class Worker:
    """The benchmark's side of one worker process (`python -m benchmarks.<module>`)."""

    def __init__(self, process: asyncio.subprocess.Process, greeting: dict[str, Any]) -> None:
        self._process = process
        self.greeting = greeting

    @classmethod
    async def start(cls, module: str) -> "Worker":
        """Start `benchmarks.<module>` and wait for its greeting; RuntimeError when it dies instead."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"benchmarks.{module}", stdin=pipe, stdout=pipe, limit=LINE_LIMIT
        )
        worker = cls(process, {})
        try:
            worker.greeting = await worker._hear(START_LIMIT_S)
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    async def ask(self, message: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Send one message, wait at most `limit_s` seconds for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()
        return await self._hear(limit_s)

    async def _hear(self, limit_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), limit_s)
        if not line:
            raise RuntimeError(f"a benchmark worker (pid {self.pid}) ended early")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """Close the pipe, which ends the worker; kill it by its pid when it lingers."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
