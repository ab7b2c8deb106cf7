"""One call of one target: asked, relayed event by event, and what is known of it when it is over."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.adapter.v1.adapter_pb2_grpc import AdapterServiceStub
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import stream
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name, to_duration, to_status
from heliostat.chassis.money import to_micros, to_money
from heliostat.router import policy
from heliostat.router.health import Health, Permit
from heliostat.router.table import Target

# Between two looks at a job whose adapter went away.
_LOOK_AGAIN_S = 0.5
_LOOK_AGAIN_MOST_S = 10.0
_ROUNDING_S = 0.01
# Reasons of the public door: an adapter that gives one of them refuses the router, not the caller.
_REFUSED_US = (reasons.ERROR_REASON_CALLER_UNKNOWN, reasons.ERROR_REASON_CALLER_FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attempt needs to know before it begins."""

    target: Target
    provider: str
    label: str  # the target's name in metrics and health: free names of one adapter share one
    only_account: bool  # the adapter has one account of the provider only
    stub: AdapterServiceStub
    request: adapter_pb2.GenerateRequest  # the attempt's own copy
    first_index: int  # image_index of its first picture among the request's
    timeout_s: float
    usual_s: float  # what the target is given where the request has more time left
    patient: bool  # True: a lost adapter is asked again for the same job, as long as there is time
    exact: bool  # False: any number of pictures is an answer, none included
    estimate_micros: int | None


class Attempt:
    """One call of one target.

    `relay` gives what the adapter sends. Afterwards `error` is None where it succeeded, `result` is what the adapter
    said at the end, `delivered` counts whole final pictures, and `tail` is the last message, with `completed` in it.
    """

    def __init__(self, plan: Plan, permit: Permit, health: Health, clock: Clock) -> None:
        self.plan = plan
        self.permit = permit
        self.duration_s = 0.0
        self.error: MeshError | None = None
        self.result: event_pb2.ImageResult | None = None
        self.tail: router_pb2.GenerateResponse | None = None
        self.delivered = 0
        self.begun = False  # a final picture was begun: from here on nobody else may be asked
        self.timed_out = False
        self.dropped = False  # another attempt beside it was quicker
        self.ran_out = False  # of all its time, not of the target's limits to silence
        self.asked = False  # its adapter was asked
        self.is_over = False
        self._called_off = False
        self._health = health
        self._clock = clock
        self._began = clock.monotonic()
        self._partial = False
        self.record = event_pb2.Attempt(
            attempt_id=plan.request.attempt_id,
            target=plan.target.name,
            provider=plan.provider,
            provider_model=plan.target.provider_model,
            account=plan.request.account,
            start_time=self._now(),
        )

    def _now(self) -> Timestamp:
        nanos = int(self._clock.time() * 1e9)
        return Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)

    def started(self, decision: event_pb2.Decision) -> router_pb2.GenerateResponse:
        """The message that tells of the attempt before anything is sent; always alone."""
        response = router_pb2.GenerateResponse()
        started = response.events.add(attempt_id=self.record.attempt_id).attempt_started
        started.target = self.record.target
        started.provider = self.record.provider
        started.provider_model = self.record.provider_model
        started.account = self.record.account
        started.start_time.CopyFrom(self.record.start_time)
        started.decision.CopyFrom(decision)
        started.image_count = self.plan.request.image.image_count
        if self.plan.estimate_micros is not None:
            started.estimated_cost.CopyFrom(to_money(self.plan.estimate_micros))
        return response

    def failed(self, failing_over: bool) -> router_pb2.GenerateResponse:
        """The message that tells how the attempt failed."""
        response = router_pb2.GenerateResponse()
        failed = response.events.add(attempt_id=self.record.attempt_id).attempt_failed
        failed.attempt.CopyFrom(self.record)
        failed.failing_over = failing_over
        return response

    @property
    def failure(self) -> event_pb2.AttemptFailure:
        """How far a failed attempt came; what nobody said is left open, which is the careful answer."""
        failure = self.error.failure if self.error is not None else None
        return failure if failure is not None else event_pb2.AttemptFailure()

    async def relay(self) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
        """Asks the target and gives its events. Raises nothing that the target did: see `error`."""
        attributes = {telemetry.TARGET: self.record.target, telemetry.ATTEMPT_ID: self.record.attempt_id}
        ordinal = self.record.attempt_id.rpartition("/")[2]
        self._began = self._clock.monotonic()
        pause_s = _LOOK_AGAIN_S
        over = False
        try:
            with telemetry.span(f"attempt {ordinal} {self.record.target}", "client", attributes) as span:
                while True:
                    try:
                        self._ask()
                        async with stream(
                            self.plan.stub.Generate, self.plan.request, timeout_s=self._time_left_s()
                        ) as responses:
                            async for response in self._timely(responses):
                                taken = self._take(response)
                                if self.result is None:
                                    yield taken
                                elif self.tail is None:
                                    # Held until the adapter has ended: it may still have something to put in order.
                                    self.tail = taken
                        self.error = self._shortcoming()
                    except MeshError as error:
                        self.error = None if self.result is not None else self._as_attempt_error(error)
                    if self.error is None or not self._may_look_again(self.error, pause_s):
                        break
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, _LOOK_AGAIN_MOST_S)
                over = True
                self._close()
                if self.error is not None:
                    span.fail(self.error)
                    span.set(telemetry.REASON, reason_name(self.error.reason))
                span.set(telemetry.OUTCOME, event_pb2.Outcome.Name(self.record.outcome))
                span.set(telemetry.BILLED, event_pb2.Billed.Name(self.record.billed))
                span.set(telemetry.PROVIDER_JOB_ID, self.record.provider_job_id)
                span.set(telemetry.IMAGE_COUNT, self.delivered)
        finally:
            self.is_over = True
            self.permit.release()
            if not over:
                telemetry.ATTEMPTS.labels(self.record.provider, self.plan.label, "cancelled").inc()

    def _timely(
        self, responses: AsyncIterable[adapter_pb2.GenerateResponse]
    ) -> AsyncIterable[adapter_pb2.GenerateResponse]:
        """The messages as they are, or watched where the target has limits to its silence."""
        target = self.plan.target
        if self.plan.patient or (target.first_event_timeout_s is None and target.idle_timeout_s is None):
            return responses
        return _watched(responses, target.first_event_timeout_s, target.idle_timeout_s)

    def _time_left_s(self) -> float:
        return max(0.0, self.plan.timeout_s - (self._clock.monotonic() - self._began))

    def _take(self, response: adapter_pb2.GenerateResponse) -> router_pb2.GenerateResponse:
        """Notes what the adapter's message tells, and gives it on.

        It goes on as it is, for copying it would copy the pictures in it: both messages have the one field `events`,
        they are the same on a wire, and the generated code writes either (test_wire.py holds all of it). A copy is
        made where something must be changed: places among the request's pictures, or `completed`.
        """
        for event in response.events:
            kind = event.WhichOneof("event")
            if kind == "media_started":
                self._partial = event.media_started.partial
                self.begun = self.begun or not self._partial
            elif kind == "media_ended":
                self.delivered += not self._partial
            elif kind == "provider_accepted":
                self._accepted(event.provider_accepted.provider_job_id)
            elif kind == "completed":
                self.result = event_pb2.ImageResult()
                self.result.CopyFrom(event.completed)
        if self.result is None and not self.plan.first_index:
            return cast(router_pb2.GenerateResponse, response)
        taken = router_pb2.GenerateResponse()
        taken.events.extend(response.events)
        if self.plan.first_index:
            _shift(taken.events, self.plan.first_index)
        return taken

    def _accepted(self, provider_job_id: str) -> None:
        self.record.accept_time.CopyFrom(self._now())
        self._health.accepted(self.permit)
        if provider_job_id:
            self.record.provider_job_id = provider_job_id

    def _shortcoming(self) -> MeshError | None:
        """What is wrong with a stream that ended well."""
        name = self.record.target
        if self.result is None:
            return MeshError(
                reasons.ERROR_REASON_INTERNAL, f'The adapter of target "{name}" ended without a result.', target=name
            )
        if self.delivered == 0 and self.plan.exact:
            return MeshError(
                reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
                f'Target "{name}" said that it was done and delivered no picture.',
                failure=_of_empty(self.result),
                target=name,
            )
        return None

    def _as_attempt_error(self, error: MeshError) -> MeshError:
        """The error as the attempt's: a deadline that passed is the target's time-out, and the caller's key is not to
        blame when an adapter refuses the router.
        """
        if error.reason in _REFUSED_US:
            return _of_refused_router(self.record.target)
        if error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE and self.has_job:
            # That nothing was sent this time says nothing of the job that is under way.
            error.failure = event_pb2.AttemptFailure(
                outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_UNKNOWN, provider_job_id=self.job_id
            )
        if error.reason != reasons.ERROR_REASON_DEADLINE_EXCEEDED:
            return error
        self.timed_out = True
        took_s = self._clock.monotonic() - self._began
        self.ran_out = took_s >= self.plan.timeout_s - _ROUNDING_S
        return MeshError(
            reasons.ERROR_REASON_PROVIDER_TIMEOUT,
            f'Target "{self.record.target}" did not answer within {took_s:.1f} s.',
            failure=error.failure,
            target=self.record.target,
        )

    @property
    def job_id(self) -> str:
        """The provider's job; empty where none is known."""
        return self.record.provider_job_id or self.plan.request.resume_provider_job_id

    @property
    def has_job(self) -> bool:
        """True where the provider's job is known."""
        return bool(self.job_id)

    def call_off(self) -> bool:
        """Sees to it that the target is not asked; False where it was asked already."""
        self._called_off = True
        return not self.asked

    def _ask(self) -> None:
        """Notes that the target is asked now. Raises CANCELLED where it is not to be asked any more."""
        if self._called_off and not self.asked:
            raise MeshError(
                reasons.ERROR_REASON_CANCELLED,
                "The request was given up before its target was asked.",
                failure=event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_NOT_SENT, billed=event_pb2.BILLED_NO),
            )
        self.asked = True

    def _may_look_again(self, error: MeshError, pause_s: float) -> bool:
        """Whether a job whose end nobody told is looked up again, instead of being given up: where `on_unknown` is
        `wait`, as long as there is time.
        """
        unknown = policy.billed_of(self.failure) == event_pb2.BILLED_UNKNOWN
        final = policy.is_final(error.reason)
        if not (self.plan.patient and self.has_job and unknown) or final or self._called_off:
            return False
        if self.begun or self._time_left_s() <= pause_s:
            return False
        self.plan.request.resume_provider_job_id = self.job_id
        return True

    def _close(self) -> None:
        """Writes down how the attempt ended."""
        duration_s = self.duration_s = self._clock.monotonic() - self._began
        record = self.record
        record.duration.CopyFrom(to_duration(duration_s))
        record.image_count = self.delivered
        if self.error is None:
            self._close_delivered()
        else:
            self._close_failed(self.error)
        reason = reason_name(self.error.reason) if self.error is not None else ""
        telemetry.ATTEMPTS.labels(record.provider, self.plan.label, reason).inc()
        telemetry.ATTEMPT_DURATION.labels(record.provider).observe(duration_s)

    def _close_delivered(self) -> None:
        result = self.result or event_pb2.ImageResult()
        record = self.record
        record.outcome = event_pb2.OUTCOME_DELIVERED
        record.billed = event_pb2.BILLED_YES
        self._tell_costs(result.cost)
        if result.cost.HasField("amount"):
            record.cost.CopyFrom(result.cost.amount)
            if to_micros(result.cost.amount) == 0:
                record.billed = event_pb2.BILLED_NO
        record.provider_job_id = result.provider_job_id or record.provider_job_id
        record.account = result.account or record.account

    def _tell_costs(self, cost: event_pb2.Cost) -> None:
        """What was expected, computed and reported, side by side; the adapter's own estimate stands above ours."""
        record = self.record
        if cost.HasField("estimated"):
            record.estimated_cost.CopyFrom(cost.estimated)
        elif self.plan.estimate_micros is not None:
            record.estimated_cost.CopyFrom(to_money(self.plan.estimate_micros))
        if cost.HasField("computed"):
            record.computed_cost.CopyFrom(cost.computed)
        if cost.HasField("reported"):
            record.reported_cost.CopyFrom(cost.reported)
        record.price_version, record.cost_doubt = cost.price_version, cost.doubt

    def _close_failed(self, error: MeshError) -> None:
        failure = self.failure
        record = self.record
        self._tell_costs(self.result.cost if self.result is not None else event_pb2.Cost())
        record.outcome = failure.outcome
        record.billed = policy.billed_of(failure)
        record.provider_job_id = failure.provider_job_id or record.provider_job_id
        if failure.HasField("cost"):
            record.cost.CopyFrom(failure.cost)
        elif record.billed == event_pb2.BILLED_UNKNOWN and self.plan.estimate_micros is not None:
            record.cost.CopyFrom(to_money(self.plan.estimate_micros))
        record.status.CopyFrom(to_status(error))

    def drop(self) -> None:
        """Another attempt beside this one was quicker: it is given up. What it costs, only its provider may know."""
        self.dropped = True
        failure = event_pb2.AttemptFailure(provider_job_id=self.job_id)
        if self.record.HasField("accept_time"):
            failure.outcome = event_pb2.OUTCOME_ACCEPTED
        elif not self.asked:
            failure.outcome, failure.billed = event_pb2.OUTCOME_NOT_SENT, event_pb2.BILLED_NO
        self.error = MeshError(
            reasons.ERROR_REASON_CANCELLED,
            f'Target "{self.record.target}" was asked as well, and another one was quicker.',
            failure=failure,
            target=self.record.target,
        )
        self._close()

    def settle_free(self) -> None:
        """The provider confirmed, after the attempt was given up, that nothing is charged for it."""
        self.record.outcome = event_pb2.OUTCOME_REFUSED
        self.record.billed = event_pb2.BILLED_NO
        self.record.ClearField("cost")
        if self.error is not None:
            self.error.failure = event_pb2.AttemptFailure(outcome=self.record.outcome, billed=self.record.billed)


async def _watched(
    responses: AsyncIterable[adapter_pb2.GenerateResponse], first_s: float | None, idle_s: float | None
) -> AsyncIterator[adapter_pb2.GenerateResponse]:
    """The messages; DEADLINE_EXCEEDED where the first one, or the next one, does not come in time.

    The time that the reader takes does not count.
    """
    messages = aiter(responses)
    limit_s = first_s
    while True:
        try:
            async with asyncio.timeout(limit_s):
                response = await anext(messages)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise MeshError(
                reasons.ERROR_REASON_DEADLINE_EXCEEDED, "The target gave no sign of life in time."
            ) from None
        yield response
        del response
        limit_s = idle_s


_PLACED = frozenset({"media_started", "media_chunk", "media_ended"})


def _shift(events: Iterable[event_pb2.ImageEvent], places: int) -> None:
    """Moves pictures on by so many places."""
    for event in events:
        kind = event.WhichOneof("event")
        if kind in _PLACED:
            getattr(event, kind).image_index += places


def _of_refused_router(target: str) -> MeshError:
    """The error of an adapter that did not let the router in; nothing went on to the provider."""
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        f'The adapter of target "{target}" refused the router; set mesh.token or mesh.tls alike on both sides.',
        failure=event_pb2.AttemptFailure(
            outcome=event_pb2.OUTCOME_NOT_SENT, billed=event_pb2.BILLED_NO, phase="connect"
        ),
        target=target,
    )


def _of_empty(result: event_pb2.ImageResult) -> event_pb2.AttemptFailure:
    """How far an attempt came that ended with a result and without pictures: what it says of its cost is believed."""
    failure = event_pb2.AttemptFailure(billed=event_pb2.BILLED_UNKNOWN, provider_job_id=result.provider_job_id)
    if result.cost.HasField("amount"):
        failure.cost.CopyFrom(result.cost.amount)
        failure.billed = event_pb2.BILLED_YES if to_micros(result.cost.amount) else event_pb2.BILLED_NO
    return failure
