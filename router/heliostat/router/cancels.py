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
        self._tasks: set[asyncio.Task[bool]] = set()

    def begin(self, attempt: Attempt) -> "asyncio.Task[bool]":
        """Cancels an abandoned attempt; True where the provider confirmed that nothing is charged."""
        task = asyncio.create_task(self._cancel(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Gives the cancels under way their time, and no more."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cancel(self, attempt: Attempt) -> bool:
        record = attempt.record
        request = adapter_pb2.CancelRequest(
            attempt_id=record.attempt_id,
            provider_job_id=record.provider_job_id,
            provider_model=record.provider_model,
            account=record.account,
        )
        try:
            answer = await call(attempt.plan.stub.Cancel, request, timeout_s=self._timeout_s)
        except MeshError as error:
            log.warning(
                "an abandoned attempt was not cancelled", target=record.target, reason=reason_name(error.reason)
            )
            return False
        log.info("an abandoned attempt was cancelled", target=record.target, found=answer.found, free=answer.free)
        return bool(answer.free)
