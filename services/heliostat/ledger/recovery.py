"""What an earlier process left open is finished: resumed by the provider's job id, or closed as unknown.

Each process holds a lease in the database and owns the requests that it opened. A SQLite file has one process, so at
its start everything open is orphaned; in PostgreSQL a request is orphaned when its owner's lease has ended.
The same task sweeps away what has expired.
"""

import asyncio
from collections.abc import Sequence

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.callers import Caller
from heliostat.ledger.desk import Desk
from heliostat.ledger.ending import ending
from heliostat.ledger.idempotency import Runs
from heliostat.ledger.journal import FAILED, OPEN, Stored
from heliostat.ledger.normal_form import NormalForm
from heliostat.ledger.order import Order
from heliostat.ledger.picture import media_key

_LEASE_S = 30
_RENEW_S = 10.0
_SWEPT_AT_ONCE = 500

log = get_logger(__name__)


class Recovery:
    """Holds this process's lease, finishes what is orphaned, sweeps what has expired."""

    def __init__(self, desk: Desk, runs: Runs, *, shared: bool) -> None:
        self._desk = desk
        self._runs = runs
        self._shared = shared
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes the lease, finishes orphans, and goes on in the background."""
        await self._renew(alone=not self._shared)
        await self.recover()
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends the background work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def recover(self) -> None:
        """Finishes every request whose owner is gone: what can be resumed goes on as a run, the rest is closed."""
        now_us = self._desk.now_us()
        orphans = await self._desk.journal.take_orphans(self._desk.owner, now_us)
        if orphans and not self._shared:
            await self._drop_unknown_pictures()
        for stored in orphans:
            await self._finish(stored)

    async def close_lost(self) -> None:
        """Closes requests of this process whose run is over but whose end could not be written."""
        settings = self._desk.settings
        before_us = self._desk.now_us() - int(2 * settings.request_deadline_s * 1e6)
        for stored in await self._desk.journal.open_since(self._desk.owner, before_us):
            if self._runs.get(stored.request["request_id"]) is None:
                await self._close(stored, [RunningAttempt.of_row(row) for row in stored.attempts])

    async def sweep(self) -> int:
        """Removes pictures and inputs whose time is over, and payloads past their retention; gives how many files."""
        desk, count = self._desk, 0
        now_us = desk.now_us()
        while True:
            media, inputs = await desk.journal.expired(now_us, _SWEPT_AT_ONCE)
            if not media and not inputs:
                break
            for key in (*map(media_key, media), *inputs):
                await desk.blobs.delete(key)
            await desk.journal.forget_blobs(media, inputs, now_us)
            count += len(media) + len(inputs)
        await desk.journal.clear_payloads(now_us - desk.settings.payload_retention_s * 1_000_000)
        return count

    async def _go_on(self) -> None:
        clock = self._desk.clock
        swept = clock.monotonic()
        while True:
            await asyncio.sleep(min(_RENEW_S, self._desk.settings.sweep_interval_s))
            try:
                await self._renew(alone=False)
                if self._shared:
                    await self.recover()
                if clock.monotonic() - swept >= self._desk.settings.sweep_interval_s:
                    swept = clock.monotonic()
                    await self.close_lost()
                    await self.sweep()
            except Exception as error:  # the next round tries again
                log.unforeseen("a round of recovery failed", error)

    async def _renew(self, *, alone: bool) -> None:
        lease_time_us = self._desk.now_us() + _LEASE_S * 1_000_000
        await self._desk.journal.renew_lease(self._desk.owner, lease_time_us, alone=alone)

    async def _drop_unknown_pictures(self) -> None:
        """Deletes pictures that were stored by a process that died before it wrote them down."""
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
        end = ending(request_id, FAILED, self._desk.now_us(), attempts, error=error, client_gone=True)
        await self._desk.journal.end(end)
        log.info("a request was closed", request_id=request_id)
