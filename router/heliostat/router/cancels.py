"""Cancels of attempts that were given up: they go on beside the request, for a while."""

import asyncio

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.router.attempt import Attempt

log = get_logger("heliostat.router.cancels")


class Cancels:
    """Cancels under way."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._tasks: dict[str, asyncio.Task[bool]] = {}

    def begin(self, attempt: Attempt) -> None:
        """Cancels an abandoned attempt, beside the request; `turned_out_free` tells what came of it."""
        name = attempt.record.attempt_id
        task = self._tasks[name] = asyncio.create_task(self.end(attempt))
        task.add_done_callback(lambda _: self._tasks.pop(name, None) if self._tasks.get(name) is task else None)

    async def turned_out_free(self, attempt: Attempt, within_s: float | None = None) -> bool:
        """True where the provider confirms, within that time, that nothing is charged for a cancelled attempt."""
        task = self._tasks.get(attempt.record.attempt_id)
        if task is None:
            return False
        done, _ = await asyncio.wait({task}, timeout=within_s)
        return bool(done) and task.result()

    async def stop(self) -> None:
        """Gives the cancels under way their time, and no more."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._timeout_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def end(self, attempt: Attempt, *, only_free: bool = False) -> bool:
        """Cancels an attempt; with `only_free`, where that costs nothing, else it goes on. True: it costs nothing."""
        record = attempt.record
        request = adapter_pb2.CancelRequest(
            attempt_id=record.attempt_id,
            provider_job_id=record.provider_job_id,
            provider_model=record.provider_model,
            account=record.account,
            only_free=only_free,
        )
        try:
            answer = await call(attempt.plan.stub.Cancel, request, timeout_s=self._timeout_s)
        except MeshError as error:
            log.warning("an attempt was not cancelled", target=record.target, reason=reason_name(error.reason))
            return False
        log.info("an attempt was cancelled", target=record.target, found=answer.found, free=answer.free)
        return bool(answer.found and answer.free)
