"""What an earlier process left open is finished: resumed by the provider's job id, or closed as unknown.

Each process holds a lease (lease.py) and owns the requests that it opened. What a process leaves open that is gone is
taken over with a higher fence (grip.py). The same task sweeps away what has expired.
"""

import asyncio
from collections.abc import Sequence

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.callers import Caller
from heliostat.ledger.desk import Desk
from heliostat.ledger.ending import ending
from heliostat.ledger.grip import Grip, LostRequest
from heliostat.ledger.idempotency import Runs
from heliostat.ledger.journal import FAILED, OPEN, Stored
from heliostat.ledger.lookups import can_be_looked_up
from heliostat.ledger.normal_form import NormalForm
from heliostat.ledger.order import Order
from heliostat.ledger.retention import Retention

log = get_logger(__name__)


class Recovery:
    """Holds this process's lease, finishes what is orphaned, sweeps what has expired."""

    def __init__(self, desk: Desk, runs: Runs) -> None:
        self._desk = desk
        self._runs = runs
        self.retention = Retention(desk)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes the lease, finishes orphans, and goes on in the background."""
        await self._desk.lease.renew()
        await self.recover()
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends the background work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def let_go(self) -> None:
        """Gives the lease up: what could not be ended here is another process's at once."""
        try:
            await self._desk.lease.release()
        except MeshError as error:
            log.warning("the lease was not given up; it ends by itself", reason=reason_name(error.reason))

    async def recover(self) -> None:
        """Finishes every request whose owner is gone: what can be resumed goes on as a run, the rest is closed."""
        orphans = await self._desk.lease.take_orphans()
        if orphans and not self._desk.lease.is_shared:
            await self._drop_unknown_pictures()
        for stored in orphans:
            await self._finish(stored)

    async def close_lost(self) -> None:
        """Closes requests of this process whose run is over but whose end could not be written."""
        settings = self._desk.settings
        before_us = self._desk.now_us() - int(2 * settings.request_deadline_s * 1e6)
        for stored in await self._desk.lease.open_ones(before_us):
            if self._runs.get(stored.request["request_id"]) is None:
                await self._close(stored, [RunningAttempt.of_row(row) for row in stored.attempts])

    async def sweep(self) -> int:
        """Removes what is kept no longer; gives how many files."""
        return await self.retention.sweep()

    async def _go_on(self) -> None:
        clock, lease = self._desk.clock, self._desk.lease
        swept = clock.monotonic()
        while True:
            await asyncio.sleep(min(lease.renew_after_s, self._desk.settings.sweep_interval_s))
            try:
                if not await lease.renew():
                    await self._lose_what_was_taken()
                if lease.is_shared:
                    await self.recover()
                if clock.monotonic() - swept >= self._desk.settings.sweep_interval_s:
                    swept = clock.monotonic()
                    await self.close_lost()
                    await self.sweep()
            except Exception as error:  # the next round tries again
                log.unforeseen("a round of recovery failed", error)

    async def _lose_what_was_taken(self) -> None:
        """Ends the runs of requests that others took over while this process stood still."""
        log.warning("this process stood still for longer than its lease")
        lease_s = self._desk.settings.lease_s
        mine = {(each.request["request_id"], each.request["fence"]) for each in await self._desk.lease.open_ones()}
        for run in self._runs.all():
            if run.age_s > lease_s and (run.request_id, run.order.fence) not in mine:
                run.lose()

    async def _drop_unknown_pictures(self) -> None:
        """Deletes pictures that were stored by a process that died before it wrote them down, whole or not."""
        await self._desk.blobs.drop_unfinished()
        keys = {key.rpartition("/")[2]: key async for key in self._desk.blobs.list("media")}
        for media_id in await self._desk.journal.unknown_media(list(keys)):
            await self._desk.blobs.delete(keys[media_id])

    async def _finish(self, stored: Stored) -> None:
        attempts = [RunningAttempt.of_row(row) for row in stored.attempts]
        row = stored.request
        if row["payload"] is None or not any(each.resumable for each in attempts):
            await self._close(stored, attempts)
            return
        log.info("a request is resumed", request_id=row["request_id"])
        order = Order(
            request_id=row["request_id"],
            caller=Caller(row["key_id"]),
            image=request_pb2.ImageRequest.FromString(row["payload"]),
            form=NormalForm(row["payload"], row["request_hash"]),
            traceparent=f"00-{row['trace_id']}-{row['trace_id'][:16]}-01",
            create_time_us=row["create_time_us"],
            idempotency_key=row["idempotency_key"] or "",
            earlier=attempts,
            fence=row["fence"],
        )
        # Nobody is there to subscribe: it goes on to its end as a detached run does.
        self._runs.start(order, opened=True).events.detached = True

    async def _close(self, stored: Stored, attempts: Sequence[RunningAttempt]) -> None:
        request_id = stored.request["request_id"]
        error = MeshError(
            reasons.ERROR_REASON_MESH_UNAVAILABLE,
            "The gateway stopped while the request was under way; ask again.",
            request_id=request_id,
        )
        for attempt in attempts:
            if attempt.state == OPEN:
                attempt.end_with_error(error)
        row = stored.request
        grip = Grip(request_id, row["owner"], row["fence"])
        is_needed = any(can_be_looked_up(each.ending(0)) for each in attempts)
        payload = row["payload"] if is_needed else None
        now_us = self._desk.now_us()
        end = ending(grip, FAILED, now_us, attempts, error=error, client_gone=True, payload=payload)
        try:
            await self._desk.journal.end(end)
        except LostRequest:
            return
        log.info("a request was closed", request_id=request_id)
