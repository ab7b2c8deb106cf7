"""fal's queue: how its jobs are shown, watched and cancelled (queue pages of fal.ai/docs, 2026)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from heliostat.emulators import jobs
from heliostat.emulators.exchange import Reply


@dataclass
class Job(jobs.Job):
    """One request in the queue. `address` is its own URL; status and cancel are below it."""

    app: str = ""
    logs: list[dict[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a new one, whenever the state changes."""

    @property
    def state(self) -> Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]:
        """The word for how it stands."""
        return "COMPLETED" if self.over.is_set() else "IN_PROGRESS" if self.began else "IN_QUEUE"

    def begin(self) -> None:
        """Leave the queue, with a line in the log."""
        super().begin()
        self._tell("Running.")

    def finish(self, result: Reply | None) -> None:
        """End with this result, good or bad."""
        super().finish(result)
        self._tell("Finished.")

    def cancel(self, taken_back: Reply) -> Literal["OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"]:
        """Leave the queue for good, with that answer. One that runs is not stopped: it ends, and is billed."""
        if self.state == "COMPLETED":
            return "ALREADY_COMPLETED"
        if self.state == "IN_PROGRESS":
            return "CANCELLATION_REQUESTED"
        if self.task is not None:
            self.task.cancel()
        self.finish(taken_back)
        return "OK"

    async def watch(self, *, logs: bool) -> AsyncIterator[bytes]:
        """Send the status as server-sent events, now and at each change, to the end."""
        while True:
            changed = self.changed
            yield b"data: " + orjson.dumps(self.status_json(logs=logs)) + b"\n\n"
            if self.state == "COMPLETED":
                return
            await changed.wait()

    def submitted_json(self) -> dict[str, Any]:
        """Show the job as the submit call answers it."""
        return {"status": "IN_QUEUE", "request_id": self.id, **self._addresses(), "queue_position": 0}

    def status_json(self, *, logs: bool) -> dict[str, Any]:
        """Show the job as the status call answers it."""
        shown: dict[str, Any] = {"status": self.state, "request_id": self.id, **self._addresses()}
        if self.state == "IN_QUEUE":
            return shown | {"queue_position": 0}
        # The field is always there: fal's own client reads it even where it did not ask for lines.
        shown["logs"] = self.logs if logs else None
        if self.result is None:
            return shown
        shown["metrics"] = {"inference_time": round(self.ended - self.began, 3) if self.began else 0.0}
        return shown | self.error_json() if self.result.status >= 400 else shown

    def error_json(self) -> dict[str, Any]:
        """Show why the job failed."""
        result = self.result
        status = 0 if result is None else result.status
        kind = "" if result is None else result.headers.get("x-fal-error-type", "")
        return {"error": f"Unexpected status code: {status}", "error_type": kind or "internal_error"}

    def _tell(self, words: str) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.logs.append({"message": words, "level": "INFO", "source": "USER", "timestamp": now})
        self.changed.set()
        self.changed = asyncio.Event()

    def _addresses(self) -> dict[str, str]:
        return {
            "response_url": self.address,
            "status_url": f"{self.address}/status",
            "cancel_url": f"{self.address}/cancel",
        }
