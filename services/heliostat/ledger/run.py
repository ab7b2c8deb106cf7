"""A request is a run: a task with its own deadline and context, which streams subscribe to.

The run asks the router, commits each attempt's intent before it lets the router go on, keeps the pictures, and lets
`completed` pass after everything is stored and committed. It ends by itself; a caller who leaves ends it only where
no money is at stake.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.calls import stream
from heliostat.chassis.context import Incoming, serving
from heliostat.chassis.database import in_doubt
from heliostat.chassis.errors import MeshError, internal, reason_name, to_duration
from heliostat.chassis.failpoints import reach
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import MICROS_PER_USD, to_micros
from heliostat.ledger import journal as states
from heliostat.ledger import meters
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.budgets import granted
from heliostat.ledger.decisions import DecisionLog
from heliostat.ledger.desk import Desk
from heliostat.ledger.ending import Closing, end_attempts, end_state, ending
from heliostat.ledger.event_log import EventLog
from heliostat.ledger.grip import Grip, LostRequest
from heliostat.ledger.journal import Row, id_taken, unwatched
from heliostat.ledger.keeper import Keeper
from heliostat.ledger.late_truth import taken_over, tell_late
from heliostat.ledger.leaving import Leaving
from heliostat.ledger.lookups import can_be_looked_up
from heliostat.ledger.normal_form import operation
from heliostat.ledger.order import Order
from heliostat.ledger.picture import Chunk
from heliostat.ledger.subscription import Subscription

# Every commit point of a run, in order: where a test may stop the process (chassis/failpoints.py).
COMMIT_POINTS = (
    "ledger.admitted",
    "ledger.intent_committed",
    "ledger.accepted_committed",
    "ledger.media_stored",
    "ledger.before_terminal",
    "ledger.after_terminal",
)
_OUTCOME_WORD = {
    states.SUCCEEDED: "succeeded",
    states.FAILED: "failed",
    states.CANCELLED: "cancelled",
    states.EXPIRED: "expired",
}

log = get_logger(__name__)


class Run:
    """One request under way."""

    def __init__(self, desk: Desk, order: Order, on_end: Callable[["Run"], None], *, opened: bool = False) -> None:
        self.request_id = order.request_id
        self.order = order
        self.events = EventLog(order.request_id, desk.blobs)
        self.client_gone = False
        self.state = states.RUNNING
        self._desk = desk
        self._on_end = on_end
        self._opened = opened
        self._is_foreign = False
        self._is_lost = False
        self._grip = Grip(order.request_id, desk.owner, order.fence)
        self._finishing = False
        self._given_up: MeshError | None = None
        self._attempts = {each.attempt_id: each for each in order.earlier}
        self._decisions = DecisionLog()
        self._completed: event_pb2.ImageEvent | None = None
        grace_s = desk.settings.comeback_s if order.may_come_back else desk.settings.gone_s
        self._leaving = Leaving(self, desk, grace_s)
        self._began = desk.clock.monotonic()
        self._keeper = Keeper(self.events, order.image.output.delivery, order.expire_time_us(desk.settings))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, in a task and a context of its own."""
        self._task = asyncio.create_task(self._drive(), context=contextvars.Context())

    # Readers

    @property
    def reader_count(self) -> int:
        """How many readers it has."""
        return len(self.events.readers)

    def subscribe(self, *, progressive: bool) -> Subscription:
        """A new reader, who gets everything from the start."""
        subscription = Subscription(self.events, progressive=progressive)
        self.events.readers.append(subscription)
        self._leaving.forget()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """A reader goes. When the last one left before the end, and none comes back, the run may be given up."""
        subscription.close()
        self.events.readers.remove(subscription)
        if not (self.events.readers or self.events.ended or self.events.detached):
            self._leaving.begin()

    @property
    def age_s(self) -> float:
        """Seconds since it began."""
        return self._desk.clock.monotonic() - self._began

    @property
    def at_stake(self) -> bool:
        """True where money may be lost if the run is given up now."""
        return any(attempt.at_stake for attempt in self._attempts.values())

    def cancel(self, sentence: str) -> None:
        """Ends the run; what may have been bought is journaled as unknown. No effect near the end."""
        self._give_up(MeshError(reasons.ERROR_REASON_CANCELLED, sentence))

    def stop(self) -> None:
        """Ends the run because its process ends."""
        sentence = "The gateway is being restarted; ask again."
        self._give_up(MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, sentence, retry_after_s=2))

    def lose(self) -> None:
        """Its request is another process's by now: it writes nothing of it any more.

        What a target was asked for is not given up: the new owner may wait for the same job, which would be cancelled.
        """
        self._is_lost = True
        if not self.at_stake:
            self._give_up(taken_over(self.request_id))

    def _give_up(self, error: MeshError) -> None:
        if self._finishing or self._given_up is not None or self._task is None:
            return
        self._given_up = error
        self._task.cancel()

    async def wait_end(self) -> None:
        """Waits until the run is over and its end is written."""
        if self._task is not None:
            await asyncio.wait([self._task])

    # The way to the end

    async def _drive(self) -> None:
        order = self.order
        serving(Incoming(request_id=order.request_id))
        telemetry.continue_trace(order.traceparent)
        meters.IN_FLIGHT.inc()
        attributes = {
            telemetry.REQUEST_ID: order.request_id,
            telemetry.OPERATION: operation(order.image),
            telemetry.REQUEST_MODEL: order.image.model,
        }
        try:
            with telemetry.span(f"generate {order.image.model}", "internal", attributes) as span:
                error = await self._follow_router()
                self._finishing = True
                error = await self._finish(error)
                self._describe(span, error)
        except Exception as unforeseen:  # readers must not wait for ever
            log.unforeseen("the end of a run failed unforeseen", unforeseen)
            self.events.error = internal(unforeseen)
        finally:
            meters.IN_FLIGHT.dec()
            self._on_end(self)
            self.events.end()

    async def _follow_router(self) -> MeshError | None:
        """Everything up to the router's end; gives why it failed, or None."""
        try:
            await self._begin()
            await self._relay()
            if self._completed is not None:
                return None
            return MeshError(
                reasons.ERROR_REASON_INTERNAL, "The router's answer ended without a result; look into its log."
            )
        except asyncio.CancelledError:
            if self._given_up is None:
                raise
            return self._given_up
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED:
                return self._out_of_time(error)
            return error
        except LostRequest:
            self._is_lost = True
            return taken_over(self.request_id)
        except Exception as error:  # a run ends in a terminal state, whatever happens
            log.unforeseen("a run failed unforeseen", error)
            return internal(error)

    def _out_of_time(self, error: MeshError) -> MeshError:
        limit_s = self._deadline_s()
        return MeshError(
            reasons.ERROR_REASON_DEADLINE_EXCEEDED,
            f"The request did not finish within {limit_s:g} seconds; ask a faster model, or raise its deadline.",
            failure=error.failure,
        )

    def _deadline_s(self) -> float:
        settings = self._desk.settings
        return settings.resume_deadline_s if self.order.earlier else settings.request_deadline_s

    async def _begin(self) -> None:
        """Commits what has to be written before the router is asked at all."""
        order, desk = self.order, self._desk
        form = order.form
        if form.inputs or form.stored:
            for key, data in form.inputs.items():
                await desk.blobs.put(key, data)
            kept_s = desk.settings.request_deadline_s + self.order.payload_kept_s(desk.settings)
            expire_time_us = self.order.create_time_us + int((kept_s + desk.settings.media_retention_s) * 1e6)
            await desk.journal.remember_inputs(self.request_id, (*form.inputs, *form.stored), expire_time_us)
        if desk.settings.write_ahead == "request" and not self._opened:
            await self._commit_first(desk.journal.open(order.opening(desk.owner)))
        if self._opened:
            reach("ledger.admitted")

    async def _relay(self) -> None:
        asked = self.order.to_router()
        async with stream(self._desk.router.Generate, asked, timeout_s=self._deadline_s()) as responses:
            async for response in responses:
                for event in response.events:
                    if event.HasField("attempt_started"):
                        await self._intend(event)
                    self._take(event)
                self.events.tell()
                # While the next one is waited for, this one's pictures would stay in memory.
                del event, response

    def _take(self, event: event_pb2.ImageEvent) -> None:
        """One event of the router. It is copied out of its message, which would stay in memory with it."""
        kind = event.WhichOneof("event")
        if kind == "media_chunk":
            self._keeper.chunk(Chunk.of_event(event))
            return
        own = event_pb2.ImageEvent()
        own.CopyFrom(event)
        if kind == "provider_accepted":
            self._accepted(own)
        elif kind == "media_started":
            self._keeper.begin(own)
        elif kind == "media_ended":
            self._keeper.end(own)
        elif kind == "attempt_failed":
            self._attempt_failed(own)
        elif kind == "completed":
            self._completed = own
            return
        self.events.append(own)

    async def _intend(self, event: event_pb2.ImageEvent) -> None:
        """Reserves for an attempt and commits its intent. The router waits meanwhile: nothing is bought yet."""
        if event.attempt_id in self._attempts:
            self._attempts[event.attempt_id].asked = True
            return
        if self.order.earlier:
            raise MeshError(
                reasons.ERROR_REASON_MESH_UNAVAILABLE,
                "The gateway stopped while the request was under way, and the provider's job is not there any more.",
            )
        if self.client_gone and not self.at_stake:
            raise MeshError(
                reasons.ERROR_REASON_CANCELLED, "The caller left before anything was bought; the request was given up."
            )
        desk, started, key_id = self._desk, event.attempt_started, self.order.caller.key_id
        desk.doors.check()
        known = started.HasField("estimated_cost")
        default = round(desk.settings.unknown_estimate_usd * MICROS_PER_USD)
        estimate = to_micros(started.estimated_cost) if known else default
        attempt = RunningAttempt(event.attempt_id, started, estimate, desk.now_us())
        guard = desk.budgets.guard(key_id, estimate, attempt.start_time_us)
        row = attempt.intent(self.request_id, self._decisions.keep(started))
        self._attempts[event.attempt_id] = attempt
        try:
            if not self._opened:
                await self._commit_first(desk.journal.open(self.order.opening(desk.owner), row, guard))
                reach("ledger.admitted")
            elif desk.settings.write_ahead == "attempt" or guard is not None:
                await granted(desk.journal.intend(row, self._grip, guard))
            else:
                desk.journal.intend(row, self._grip).add_done_callback(self._written)
        except (MeshError, SQLAlchemyError, LostRequest) as error:
            if not in_doubt(error):
                del self._attempts[event.attempt_id]
            raise
        if not desk.lease.stands:
            # The process stood still for so long that the request may be another one's: nothing is bought for it.
            raise taken_over(self.request_id)
        reach("ledger.intent_committed")
        attempt.asked = True

    async def _commit_first(self, written: "asyncio.Future[MeshError | None]") -> None:
        """Waits for the commit of the request's row. Raises INVALID_FIELD where its id is another request's."""
        self._opened = True
        try:
            await granted(written)
        except IntegrityError:
            self._is_foreign = True
            raise id_taken() from None
        except MeshError as error:
            self._opened = in_doubt(error)
            raise

    def _accepted(self, event: event_pb2.ImageEvent) -> None:
        attempt = self._attempts.get(event.attempt_id)
        if attempt is None:
            return
        attempt.accepted = True
        attempt.accept_time_us = self._desk.now_us()
        job_id = event.provider_accepted.provider_job_id
        if job_id and job_id != attempt.job_id:
            attempt.job_id = job_id
            written = self._desk.journal.accept(attempt.attempt_id, job_id, attempt.accept_time_us, self._grip)
            written.add_done_callback(_reach_accepted)
            written.add_done_callback(self._written)

    def _attempt_failed(self, event: event_pb2.ImageEvent) -> None:
        told = event.attempt_failed.attempt
        attempt = self._attempts.get(told.attempt_id or event.attempt_id)
        if attempt is None or attempt.state != states.OPEN:
            return
        attempt.end_as(told)
        self._settle(attempt)
        written = self._desk.journal.end_attempt(attempt.attempt_id, attempt.ending(self._desk.now_us()), self._grip)
        written.add_done_callback(self._written)

    def _written(self, written: "asyncio.Future[Any]") -> None:
        """Takes note of a write that nobody waits for."""
        unwatched(written)
        if not written.cancelled() and isinstance(written.exception(), LostRequest):
            self.lose()

    def _settle(self, attempt: RunningAttempt) -> None:
        if attempt.cost:
            meters.cost(attempt.provider, self._decisions.model(self.order.image.model)).inc(attempt.cost)

    # The end

    async def _finish(self, error: MeshError | None) -> MeshError | None:
        """Stores, commits, and lets the end be seen. Gives why the run failed, or None."""
        desk = self._desk
        began = desk.clock.monotonic()
        open_ones = [each for each in self._attempts.values() if each.state == states.OPEN]
        end_attempts(open_ones, self._completed.completed if self._completed is not None else None, error)
        for attempt in open_ones:
            self._settle(attempt)
        unstored = await self._keeper.stored()
        error = error or unstored
        media = self._keeper.rows(desk.now_us())
        if media:
            reach("ledger.media_stored")
        result = self._result(desk.clock.monotonic() - began) if error is None else None
        self.state = end_state(error, self.age_s / self._deadline_s())
        if error is not None:
            self._tell_callers(error)
        reach("ledger.before_terminal")
        lost = None if self._is_foreign else await self._commit_end(error, result, media)
        if self._is_lost:
            await tell_late(desk, self._attempts.values(), media)
        error = error or lost
        reach("ledger.after_terminal")
        if lost is not None:
            self.state = states.FAILED
            self._tell_callers(lost)
        self.events.error = error
        if error is None and self._completed is not None:
            self.events.append(self._completed)
        return error

    async def _commit_end(
        self, error: MeshError | None, result: event_pb2.ImageResult | None, media: Sequence[Row]
    ) -> MeshError | None:
        desk = self._desk
        if self._is_lost:
            return taken_over(self.request_id)
        attempts = self._attempts.values()
        is_needed = self.order.payload_kept_s(desk.settings) or any(
            can_be_looked_up(each.ending(0)) for each in attempts
        )
        end = ending(
            self._grip,
            self.state,
            desk.now_us(),
            attempts,
            error=error,
            result=result,
            client_gone=self.client_gone,
            payload=self.order.form.payload if is_needed else None,
            media=media,
        )
        opening = self.order.opening(desk.owner)
        closing = Closing(desk, end, opening, attempts, self._keeper.unstored, opened=self._opened)
        try:
            return await closing.commit()
        except LostRequest:
            self._is_lost = True
            return taken_over(self.request_id)

    def _result(self, store_s: float) -> event_pb2.ImageResult | None:
        if self._completed is None:
            return None
        result = self._completed.completed
        result.timing.store.CopyFrom(to_duration(store_s))
        result.timing.total.CopyFrom(to_duration(self._desk.clock.monotonic() - self._began))
        return result

    def _tell_callers(self, error: MeshError) -> None:
        error.metadata["request_id"] = self.request_id
        error.metadata["attempts"] = orjson.dumps([each.summary() for each in self._attempts.values()]).decode()

    def _describe(self, span: telemetry.span, error: MeshError | None) -> None:
        """Tells span and metrics how the run ended. Models that nobody serves do not become labels."""
        model = self._decisions.model(self.order.image.model) if self._attempts else "unknown"
        what = operation(self.order.image)
        meters.ended(what, model, _OUTCOME_WORD[self.state]).inc()
        meters.duration(what, model).observe(self._desk.clock.monotonic() - self._began)
        span.set(telemetry.COST_MICROS, sum(each.cost for each in self._attempts.values()))
        self._decisions.tell(span)
        if error is not None:
            span.set(telemetry.REASON, reason_name(error.reason))
            span.fail(error)
            return
        if self._completed is not None:
            result = self._completed.completed
            span.set(telemetry.PROVIDER, result.provider)
            span.set(telemetry.RESPONSE_MODEL, result.provider_model)
            span.set(telemetry.IMAGE_COUNT, result.image_count)


def _reach_accepted(written: "asyncio.Future[None]") -> None:
    if not written.cancelled() and written.exception() is None:
        reach("ledger.accepted_committed")
