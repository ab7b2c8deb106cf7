"""Jobs of an emulated provider that takes work and does it later: they wait, run, end, and can be taken back.

How a job looks from outside is the provider's own: it reads the fields of `Job`. What a job comes to is a `Reply`, good
or bad; a script's steps for "job" put another in its place.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from heliostat.emulators.exchange import Reply, Room, Work, worked
from heliostat.emulators.journal import Entry
from heliostat.emulators.script import Step

KEPT_JOBS = 10_000
QUEUE_SHARE = 1 / 3
"""The part of a job's time that it waits."""


@dataclass
class Job:
    """One piece of work. Times are Unix times in seconds, 0 until they are known."""

    id: str
    entry: Entry
    address: str
    """The provider's base URL as the client saw it that gave the job."""
    facts: Any = None
    """What the provider's own dialect keeps of the job."""
    created: float = field(default_factory=time.time)
    began: float = 0.0
    ended: float = 0.0
    result: Reply | None = None
    taken_back: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the job has ended, whichever way."""
    task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Leave the queue."""
        self.began = time.time()

    def finish(self, result: Reply | None) -> None:
        """End with this result; None for a job that was taken back."""
        self.result = result
        self.taken_back = result is None
        self.ended = time.time()
        self.over.set()


class Jobs:
    """All jobs of the room; the oldest are forgotten when there are more than `KEPT_JOBS`."""

    def __init__(self, room: Room, seconds: float) -> None:
        """`seconds` is how long a job takes beside its painting."""
        self._room = room
        self._seconds = seconds
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Job]:
        """The newest job first."""
        return reversed(self._jobs.values())

    def find(self, job_id: str) -> Job | None:
        """Find a job by its id."""
        return self._jobs.get(job_id)

    def unfinished(self) -> int:
        """Count the jobs that wait or run."""
        return len(self._tasks)

    def start(
        self,
        job: Job,
        work: Work,
        *,
        limit_s: float | None = None,
        ended: Callable[[Job], Awaitable[None]] | None = None,
    ) -> None:
        """Queue a job; it is taken back after `limit_s`, and `ended` is awaited when it has its result."""
        self._jobs[job.id] = job
        if len(self._jobs) > KEPT_JOBS:
            self._jobs.popitem(last=False)
        job.task = self._spawn(self._run(job, work, limit_s, ended))

    def cancel(self, job: Job) -> bool:
        """Take a job back, waiting or running; False where it had ended before."""
        if job.over.is_set():
            return False
        if job.task is not None:
            job.task.cancel()
        job.finish(None)
        return True

    async def aclose(self) -> None:
        """Stop all jobs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self,
        job: Job,
        work: Work,
        limit_s: float | None,
        ended: Callable[[Job], Awaitable[None]] | None,
    ) -> None:
        step = self._room.script.take("job", job.entry.model, job.entry.prompt)
        try:
            async with asyncio.timeout(limit_s):
                if self._seconds:
                    await asyncio.sleep(self._seconds * QUEUE_SHARE)
                job.begin()
                await asyncio.sleep(self._seconds * (1 - QUEUE_SHARE) + step.delay_s)
                result = await self._result(job.entry, work, step)
        except TimeoutError:
            job.finish(None)
        else:
            job.finish(result)
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
