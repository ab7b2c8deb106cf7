"""The one GPU of the emulated web UI: it does one request at a time, can be looked at and interrupted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from heliostat.emulators.automatic1111.catalogue import CHECKPOINTS

STEPS = 20


@dataclass
class Gpu:
    """What the server has loaded and does."""

    seconds: float
    loaded: str = next(iter(CHECKPOINTS))
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    job: str = ""
    began: float = 0.0

    @asynccontextmanager
    async def turn(self, job: str) -> AsyncIterator[None]:
        """Wait for the GPU and keep it for the time that a job takes, or until it is interrupted."""
        async with self.busy:
            self.job, self.began = job, time.monotonic()
            self.stop.clear()
            try:
                if self.seconds:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.stop.wait(), self.seconds)
                yield
            finally:
                self.job = ""

    def interrupt(self) -> None:
        """Stop whatever runs; it is answered as it is."""
        if self.job:
            self.stop.set()

    def progress(self) -> dict[str, Any]:
        """Tell how far it is, as /progress does."""
        done = min(0.99, (time.monotonic() - self.began) / self.seconds) if self.job and self.seconds else 0.0
        state = {
            "skipped": False,
            "interrupted": self.stop.is_set(),
            "stopping_generation": False,
            "job": self.job,
            "job_count": 1 if self.job else 0,
            "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.gmtime()),
            "job_no": 0,
            "sampling_step": round(done * STEPS),
            "sampling_steps": STEPS if self.job else 0,
        }
        left = (1 - done) * self.seconds if self.job else 0.0
        return {"progress": done, "eta_relative": left, "state": state, "current_image": None, "textinfo": None}
