"""Attempts that ended unknown are looked up at their provider until it is known what became of them.

Nothing is bought, waited for or cancelled by a look. A picture that did arrive is fetched and kept with its request,
and its cost takes the place of what was reserved; a job that turns out to be free gives its reservation back. What
nobody can tell within the configured time stays unknown and reserved, with a note of what the last look found.
"""

import asyncio
from contextlib import suppress

from google.rpc import status_pb2

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, from_status, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.ledger import meters
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.desk import Desk
from heliostat.ledger.event_log import EventLog
from heliostat.ledger.journal import OPEN, Row, Stored
from heliostat.ledger.keeper import Keeper
from heliostat.ledger.late_truth import reconciled
from heliostat.ledger.lookups import BILLED, UNKNOWN, Lookup, wait_s
from heliostat.ledger.picture import Chunk, media_key

_EVERY_S = 2.0
_AT_ONCE = 4
_MOST = 100
# One look, its downloads included; a process that dies over it lets another one look after that time.
_LOOK_S = 60.0
_CLAIMED_S = 90.0

log = get_logger(__name__)


class Reconciliation:
    """Looks up what is due, in the background."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, unless the settings say never."""
        if self._desk.settings.reconcile_s > 0:
            self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends looks under way; they are made again after the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _go_on(self) -> None:
        while True:
            try:
                await self.round()
            except MeshError as error:
                log.warning("unknown attempts could not be looked up", reason=reason_name(error.reason))
            except Exception as error:  # the next round tries again
                log.unforeseen("a round of reconciliation failed", error)
            await asyncio.sleep(min(_EVERY_S, self._desk.settings.sweep_interval_s))

    async def round(self) -> int:
        """Looks up everything that is due; gives how many attempts are known now."""
        due = await self._desk.lookups.due(self._desk.now_us(), _MOST)
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(self._look(each)) for each in due]
        return sum(look.result() for look in looks)

    async def _look(self, lookup: Lookup) -> bool:
        async with self._slots:
            desk = self._desk
            if not await desk.lookups.claim(lookup, desk.now_us() + round(_CLAIMED_S * 1e6)):
                return False
            stored = await desk.journal.find(lookup.request_id)
            row = _unknown_row(stored, lookup.attempt_id)
            if stored is None or row is None:
                await desk.lookups.forget(lookup.attempt_id)
                return False
            if stored.request["payload"] is None:
                await desk.lookups.note(lookup.attempt_id, "the request was purged", None)
                return False
            look = Look(desk, stored, row)
            note = await look.run()
            if note is None:
                return await look.settle()
            await self._again(lookup, row, note)
            return False

    async def _again(self, lookup: Lookup, row: Row, note: str) -> None:
        """Notes what the look found; the next one comes later, or never where the time for looks is over."""
        desk = self._desk
        next_us = desk.now_us() + round(wait_s(lookup.look_count + 1) * 1e6)
        over = next_us > row["end_time_us"] + round(desk.settings.reconcile_s * 1e6)
        await desk.lookups.note(lookup.attempt_id, note, None if over else next_us)
        if over:
            telemetry.OPERATOR_EVENTS.labels("attempt_stays_unknown").inc()
            log.warning("an attempt stays unknown", attempt_id=lookup.attempt_id, looks=lookup.look_count + 1, why=note)


class Look:
    """One look at one unknown attempt."""

    def __init__(self, desk: Desk, stored: Stored, row: Row) -> None:
        self._desk = desk
        self._stored = stored
        self._request_id: str = stored.request["request_id"]
        self._attempt = RunningAttempt.of_row(row)
        self._image = request_pb2.ImageRequest.FromString(stored.request["payload"])
        settings, is_keyed = desk.settings, bool(stored.request["idempotency_key"])
        kept_s = settings.keyed_media_retention_s if is_keyed else settings.media_retention_s
        log_of_events = EventLog(self._request_id, desk.blobs)
        # From now on: the picture came late.
        self._keeper = Keeper(log_of_events, request_pb2.DELIVERY_STORED, desk.now_us() + kept_s * 1_000_000)
        self._ended: Row | None = None

    async def run(self) -> str | None:
        """Asks for the job; None where it is known now what became of it, else a note of what was found.

        To be run in a task of its own: it goes on with the request's trace.
        """
        trace_id = self._stored.request["trace_id"]
        telemetry.continue_trace(f"00-{trace_id}-{trace_id[:16]}-01")
        note = await self._follow()
        self._ended = reconciled(self._attempt, self._desk.now_us())
        if self._ended is not None:
            lost = await self._keeper.stored()
            if lost is None:
                return None
            note = "its picture could not be stored"
        await self._drop()
        return note or "the provider does not tell what became of it"

    async def settle(self) -> bool:
        """Writes down what the look told. False where another process was faster."""
        attempt, desk = self._attempt, self._desk
        ended = self._ended
        media = self._keeper.rows(desk.now_us())
        if ended is None or not await desk.lookups.settle(attempt.attempt_id, ended, media):
            await self._drop()
            return False
        if attempt.cost:
            meters.cost(attempt.provider, self._image.model).inc(attempt.cost)
        log.info(
            "an unknown attempt is known",
            attempt_id=attempt.attempt_id,
            billed=ended["state"] == BILLED,
            cost_micros=attempt.cost,
            images=len(media),
        )
        return True

    async def _drop(self) -> None:
        for row in self._keeper.rows(0):
            await self._desk.blobs.delete(media_key(row["media_id"]))

    async def _follow(self) -> str:
        attempt = self._attempt
        resumed = router_pb2.ResumeAttempt(
            attempt_id=attempt.attempt_id,
            target=attempt.target,
            provider_job_id=attempt.job_id,
            account=attempt.account,
            look_only=True,
        )
        asked = router_pb2.GenerateRequest(image=self._image, request_id=self._request_id, resume=[resumed])
        # Ended or not, the journal knows it as unknown: what is told now is the first that is known.
        attempt.state = OPEN
        try:
            async with stream(self._desk.router.Generate, asked, timeout_s=_LOOK_S) as responses:
                async for response in responses:
                    for event in response.events:
                        self._take(event)
                    del response
        except MeshError as error:
            if attempt.state == OPEN:
                attempt.state = UNKNOWN
                return reason_name(error.reason)
        return self._told()

    def _take(self, event: event_pb2.ImageEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "media_chunk":
            self._keeper.chunk(Chunk.of_event(event))
            return
        own = event_pb2.ImageEvent()
        own.CopyFrom(event)
        if kind == "media_started":
            self._keeper.begin(own)
        elif kind == "media_ended":
            self._keeper.end(own)
        elif kind == "attempt_failed":
            self._attempt.end_as(own.attempt_failed.attempt)
        elif kind == "completed":
            told = [each for each in own.completed.attempts if each.attempt_id == self._attempt.attempt_id]
            if told:
                self._attempt.end_as(told[0])
            else:
                self._attempt.end_with_result(own.completed)

    def _told(self) -> str:
        """What the attempt's status says, in a word."""
        if self._attempt.status is None:
            return ""
        return reason_name(from_status(status_pb2.Status.FromString(self._attempt.status)).reason)


def _unknown_row(stored: Stored | None, attempt_id: str) -> Row | None:
    """The row of an attempt that is unknown."""
    rows = stored.attempts if stored is not None else ()
    return next((row for row in rows if row["attempt_id"] == attempt_id and row["state"] == UNKNOWN), None)
