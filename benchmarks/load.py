"""The load client: N keep-alive connections in a closed loop, or N requests at once.

A worker process of its own (see `worker_pipe`): each message is a `Job`, each answer the job's result.
"""

import asyncio
import base64
import gc
import hashlib
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, cast

import uvloop

from benchmarks.answer_reader import AnswerReader
from benchmarks.bodies import Expectation
from benchmarks.worker_pipe import messages, say

CHECKED_ANSWERS = 2
CONNECT_AT_ONCE = 64
RECEIVE_BYTES = 512 * 1024


@dataclass(frozen=True)
class Job:
    """What to send, how often, and what must come back.

    `request` is a whole HTTP/1.1 request (latin-1); every connection sends it, waits for the answer and sends it again
    until `seconds` are over. With `seconds` 0 each connection sends exactly one, all at the same moment. What is then
    still unanswered is waited for, up to `limit_s` seconds from the start.
    """

    port: int
    request: str
    connections: int
    seconds: float
    limit_s: float
    expected: Expectation

    def message(self) -> dict[str, Any]:
        """The job as JSON data."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Job":
        """The job back from `message()`."""
        return cls(**{**message, "expected": Expectation(**message["expected"])})


class Tally:
    """The shared count of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()
        self.kept: list[bytes] = []
        self.to_keep = CHECKED_ANSWERS
        self.deadline = 0.0
        self.last_answer = 0.0
        self.busy = 0
        self.done = asyncio.get_running_loop().create_future()

    def claim_check(self) -> bool:
        """True for the first few answers: these are kept and compared in full."""
        self.to_keep -= 1
        return self.to_keep >= 0

    def leave(self) -> None:
        """A connection has had its last answer."""
        self.busy -= 1
        if self.busy == 0 and not self.done.done():
            self.done.set_result(None)


class Caller(asyncio.BufferedProtocol):
    """One keep-alive connection that asks again and again."""

    shared = memoryview(bytearray(RECEIVE_BYTES))

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._request = tally.job.request.encode("latin-1")
        self._least = tally.job.expected.size
        self._reader = AnswerReader()
        self._keeps = False
        self._waiting = False
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports do not inherit from asyncio's

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.shared

    def ask(self) -> None:
        """Send the request."""
        self._keeps = self._tally.claim_check()
        self._reader.start(keep=self._keeps)
        self._waiting = True
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def buffer_updated(self, nbytes: int) -> None:
        if not self._waiting:
            self._transport.abort()
            return
        try:
            whole = self._reader.feed(self.shared[:nbytes])
        except ValueError as error:
            self._fail(str(error))
            return
        if whole:
            self._count(time.perf_counter())

    def _count(self, now: float) -> None:
        tally, reader = self._tally, self._reader
        self._waiting = False
        tally.last_answer = now
        if reader.status != 200:
            tally.errors[f"status {reader.status}"] += 1
        elif reader.size < self._least:
            tally.errors["short body"] += 1
        else:
            tally.latencies.append(now - self._sent)
        if self._keeps and reader.status == 200:
            tally.kept.append(bytes(reader.body))
        if now < tally.deadline:
            self.ask()
        else:
            tally.leave()

    def _fail(self, reason: str) -> None:
        self._waiting = False
        self._tally.errors[reason] += 1
        self._tally.leave()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._fail("connection lost")

    def close(self) -> None:
        """End the connection; an answer still awaited counts as an error."""
        if self._waiting:
            self._waiting = False
            self._tally.errors["unanswered"] += 1
        self._transport.abort()


def differences(body: bytes, expected: Expectation) -> str:
    """How a gateway's answer differs from what the provider gave; empty when it does not."""
    try:
        data = json.loads(body)["data"]
        values = [entry[expected.form] for entry in data]
        if expected.form == "b64_json":
            values = [hashlib.sha256(base64.b64decode(value, validate=True)).hexdigest() for value in values]
    except (ValueError, KeyError, TypeError):
        return "not the expected JSON"
    return "" if values == expected.values else "not the provider's pictures"


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` (0..1) of an ordered list lies; 0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def result(tally: Tally, started: float, cpu_s: float) -> dict[str, Any]:
    """The job's result: times in milliseconds, `seconds` from the first request to the last answer."""
    ordered = sorted(tally.latencies)
    seconds = max(tally.last_answer - started, 1e-9)
    problems = Counter(difference for body in tally.kept if (difference := differences(body, tally.job.expected)))
    return {
        "requests": len(ordered),
        "errors": dict(tally.errors + problems),
        "checked": len(tally.kept),
        "seconds": seconds,
        "rps": len(ordered) / seconds,
        "p50_ms": quantile(ordered, 0.50) * 1000,
        "p99_ms": quantile(ordered, 0.99) * 1000,
        "mean_ms": sum(ordered) / len(ordered) * 1000 if ordered else 0.0,
        "client_cpu_s": cpu_s,
    }


async def connect(tally: Tally) -> list[Caller]:
    """Open the job's connections, some at a time so that no listening queue overflows."""
    loop = asyncio.get_running_loop()
    callers: list[Caller] = []
    for start in range(0, tally.job.connections, CONNECT_AT_ONCE):
        count = min(CONNECT_AT_ONCE, tally.job.connections - start)
        pairs = await asyncio.gather(
            *(loop.create_connection(lambda: Caller(tally), "127.0.0.1", tally.job.port) for _ in range(count))
        )
        callers.extend(caller for _, caller in pairs)
    return callers


async def run(job: Job) -> dict[str, Any]:
    """Carry out one job; errors are counted, never raised, once the connections stand."""
    tally = Tally(job)
    try:
        callers = await connect(tally)
    except OSError as error:
        tally.errors[f"no connection: {error.strerror}"] += job.connections
        return result(tally, time.perf_counter(), 0.0)
    cpu_before = time.process_time()
    started = time.perf_counter()
    tally.deadline = started + job.seconds
    tally.busy = len(callers)
    for caller in callers:
        caller.ask()
    await asyncio.wait([tally.done], timeout=job.limit_s)
    cpu_s = time.process_time() - cpu_before
    for caller in callers:
        caller.close()
    await asyncio.sleep(0)
    return result(tally, started, cpu_s)


async def serve() -> None:
    """Carry out jobs until the benchmark closes the pipe."""
    gc.freeze()
    say({"ready": True})
    async for message in messages():
        say(await run(Job.from_message(message)))


if __name__ == "__main__":
    uvloop.run(serve())
