"""fal's queue: jobs that wait, run and end, and can be watched and cancelled (queue pages of fal.ai/docs, 2026)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from heliostat.emulators.exchange import Reply, Room, Work, worked
from heliostat.emulators.journal import Entry
from heliostat.emulators.script import Step

State = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
KEPT_JOBS = 10_000
QUEUE_SHARE = 1 / 3
"""The part of a job's time that it waits."""


@dataclass
class Job:
    """One request in the queue."""

    request_id: str
    app: str
    address: str
    """The job's own URL; status and cancel are below it."""
    entry: Entry
    state: State = "IN_QUEUE"
    result: Reply | None = None
    began: float = 0.0
    inference_s: float = 0.0
    logs: list[dict[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, whenever the state changes."""
    task: asyncio.Task[None] | None = None

    def move(self, state: State, words: str) -> None:
        """Change the state, with a line in the log."""
        self.state = state
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.logs.append({"message": words, "level": "INFO", "source": "USER", "timestamp": now})
        self.changed.set()
        self.changed = asyncio.Event()

    def finish(self, result: Reply) -> None:
        """End with this result, good or bad."""
        self.result = result
        self.inference_s = time.perf_counter() - self.began if self.began else 0.0
        self.move("COMPLETED", "Finished.")

    def submitted_json(self) -> dict[str, Any]:
        """Show the job as the submit call answers it."""
        return {"status": "IN_QUEUE", "request_id": self.request_id, **self._addresses(), "queue_position": 0}

    def status_json(self, *, logs: bool) -> dict[str, Any]:
        """Show the job as the status call answers it."""
        shown: dict[str, Any] = {"status": self.state, "request_id": self.request_id, **self._addresses()}
        if self.state == "IN_QUEUE":
            return shown | {"queue_position": 0}
        # The field is always there: fal's own client reads it even where it did not ask for lines.
        shown["logs"] = self.logs if logs else None
        if self.result is None:
            return shown
        shown["metrics"] = {"inference_time": round(self.inference_s, 3)}
        return shown | self.error_json() if self.result.status >= 400 else shown

    def error_json(self) -> dict[str, Any]:
        """Show why the job failed."""
        result = self.result
        status = 0 if result is None else result.status
        kind = "" if result is None else result.headers.get("x-fal-error-type", "")
        return {"error": f"Unexpected status code: {status}", "error_type": kind or "internal_error"}

    def _addresses(self) -> dict[str, str]:
        return {
            "response_url": self.address,
            "status_url": f"{self.address}/status",
            "cancel_url": f"{self.address}/cancel",
        }


class Jobs:
    """All jobs of the room; the oldest are forgotten when there are more than `KEPT_JOBS`."""

    def __init__(self, room: Room, seconds: float) -> None:
        """`seconds` is how long a job waits and runs, beside its painting."""
        self._room = room
        self._seconds = seconds
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, app: str, request_id: str) -> Job | None:
        """Find a job under the app that it was given to."""
        job = self._jobs.get(request_id)
        return job if job is not None and job.app == app else None

    def start(
        self,
        job: Job,
        work: Work,
        *,
        slow_s: float = 0.0,
        ended: Callable[[Job], Awaitable[None]] | None = None,
    ) -> None:
        """Queue a job; `slow_s` makes it run longer, `ended` is awaited when it has its result."""
        self._jobs[job.request_id] = job
        if len(self._jobs) > KEPT_JOBS:
            self._jobs.popitem(last=False)
        job.task = self.spawn(self._run(job, work, slow_s, ended))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the requests, until `aclose` at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run_now(self, entry: Entry, work: Work, slow_s: float) -> Reply:
        """Do a job's work at once, for the synchronous host."""
        step = self._room.script.take("job", entry.model, entry.prompt)
        await asyncio.sleep(self._seconds + slow_s + step.delay_s)
        return await self._result(entry, work, step)

    def cancel(self, job: Job) -> Literal["OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"]:
        """Take a waiting job out of the queue. One that runs is not stopped: it ends, and is billed."""
        if job.state == "COMPLETED":
            return "ALREADY_COMPLETED"
        if job.state == "IN_PROGRESS":
            return "CANCELLATION_REQUESTED"
        if job.task is not None:
            job.task.cancel()
        job.finish(self._room.dialect.error(499))
        return "OK"

    async def watch(self, job: Job, *, logs: bool) -> AsyncIterator[bytes]:
        """Send the status as server-sent events, now and at each change, to the end."""
        while True:
            changed = job.changed
            yield b"data: " + orjson.dumps(job.status_json(logs=logs)) + b"\n\n"
            if job.state == "COMPLETED":
                return
            await changed.wait()

    async def aclose(self) -> None:
        """Stop all jobs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self,
        job: Job,
        work: Work,
        slow_s: float,
        ended: Callable[[Job], Awaitable[None]] | None,
    ) -> None:
        step = self._room.script.take("job", job.entry.model, job.entry.prompt)
        if self._seconds:
            await asyncio.sleep(self._seconds * QUEUE_SHARE)
        job.began = time.perf_counter()
        job.move("IN_PROGRESS", "Running.")
        await asyncio.sleep(self._seconds * (1 - QUEUE_SHARE) + slow_s + step.delay_s)
        job.finish(await self._result(job.entry, work, step))
        if ended is not None:
            await ended(job)

    async def _result(self, entry: Entry, work: Work, step: Step) -> Reply:
        entry.free = entry.free or step.bill is False
        real: Reply | None = None
        if not step.replaces or step.good or step.bill:
            real = await worked(work, entry)
        if real is not None and not step.replaces:
            return real
        if step.has_body:
            return Reply(step.status or 200, step.body_bytes(), headers=step.dress({}))
        return self._room.dialect.error(step.status or 500)
