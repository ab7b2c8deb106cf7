"""The attempt loop: choose, ask, relay, and ask the next one where that is allowed."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import call, current_call
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.failpoints import reach
from heliostat.chassis.logs import get_logger
from heliostat.router import policy
from heliostat.router.attempt import Attempt, Plan
from heliostat.router.branches import Branch, joined, merged, split
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Choice, Chooser
from heliostat.router.health import Health
from heliostat.router.limits import Allowance, allowance
from heliostat.router.peers import Peers
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Target, target_of

log = get_logger("heliostat.router.dispatch")

# What says least about why a request failed: another attempt's reason is preferred.
_WEAK = frozenset(
    {
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        reasons.ERROR_REASON_INTERNAL,
        reasons.ERROR_REASON_UNSUPPORTED,
        reasons.ERROR_REASON_NOT_IMPLEMENTED,
    }
)
_LEAST_S = 0.01


@dataclass(slots=True)
class Errand:
    """One request on its way."""

    request_id: str
    image: request_pb2.ImageRequest
    choice: Choice
    decision: event_pb2.Decision
    allowance: Allowance
    on_unknown: request_pb2.OnUnknown
    began: float
    first_attempt: float = 0.0
    branches: list[Branch] = field(default_factory=list)

    @property
    def patient(self) -> bool:
        """True where an attempt is waited for until the request's own deadline."""
        return self.on_unknown == request_pb2.ON_UNKNOWN_WAIT

    @property
    def exact(self) -> bool:
        """True where the number of pictures is asked for; a segmentation answers as many masks as it finds."""
        return bool(self.image.WhichOneof("operation") != "segment")

    def is_first(self, target: Target) -> bool:
        """True for the target that is asked first."""
        return target.name == self.choice.targets[0].name


class Dispatcher:
    """Takes requests to targets."""

    def __init__(
        self,
        settings: RouterSettings,
        *,
        chooser: Chooser,
        catalog: Catalog,
        peers: Peers,
        health: Health,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._chooser = chooser
        self._catalog = catalog
        self._peers = peers
        self._health = health
        self._clock = clock
        self._cancels: set[asyncio.Task[bool]] = set()
        self._in_flight = telemetry.IN_FLIGHT.labels("router")

    async def stop(self) -> None:
        """Gives the cancels under way their time, and no more."""
        if self._cancels:
            await asyncio.wait(self._cancels, timeout=self._settings.cancel_timeout_s)
        for task in self._cancels:
            task.cancel()
        await asyncio.gather(*self._cancels, return_exceptions=True)

    async def generate(self, request: router_pb2.GenerateRequest) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
        """The events of one request. Raises the last meaningful reason where no picture could be made."""
        self._in_flight.inc()
        try:
            errand = await self._errand(request)
            branches = errand.branches
            if len(branches) == 1:
                responses = self._serve(errand, branches[0])
            else:
                responses = merged(branches, lambda branch: self._serve(errand, branch), self._settings.max_branches)
            async with aclosing(responses):
                async for response in responses:
                    yield response
            yield self._last_word(errand)
        finally:
            self._in_flight.dec()

    async def _errand(self, request: router_pb2.GenerateRequest) -> Errand:
        incoming = current_call()
        began = self._clock.monotonic()
        image = request.image
        choice = await self._chooser.choose(image, resuming=request.resume)
        settings = self._settings
        errand = Errand(
            request_id=request.request_id or f"req_{secrets.token_hex(12)}",
            image=image,
            choice=choice,
            decision=choice.decision(),
            allowance=allowance(
                self._clock,
                incoming.time_remaining_s() if incoming is not None else None,
                settings.request_timeout_s,
                settings.attempt_timeout_s,
                settings.max_attempts,
            ),
            on_unknown=image.routing.on_unknown or choice.route.on_unknown,
            began=began,
        )
        errand.branches = self._branches(errand, request.resume)
        return errand

    def _branches(self, errand: Errand, resume: Sequence[router_pb2.ResumeAttempt]) -> list[Branch]:
        if not errand.exact:
            branches = [Branch(0, 0, 1, exact=False)]
        else:
            most = self._catalog.max_image_count(errand.choice.targets[0])
            branches = split(max(1, errand.image.image_count), most)
        return [_resumed(branches, attempt) for attempt in resume] or branches

    async def _serve(self, errand: Errand, branch: Branch) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
        """The messages of one branch, up to its pictures or its error; `completed` is left to the last word."""
        targets = deque([target_of(branch.resume.target)] if branch.resume else errand.choice.targets)
        ordinal = _place(branch.resume.attempt_id)[1] if branch.resume else 1
        tries = 0
        while branch.missing:
            attempt = self._attempt(errand, branch, targets[0], ordinal)
            errand.first_attempt = errand.first_attempt or self._clock.monotonic()
            yield attempt.started(errand.decision)
            reach("router.attempt_started")
            async with aclosing(attempt.relay()) as responses:
                async for response in responses:
                    yield response
            reach("router.attempt_ended")
            asked_for_all = attempt.plan.request.image.image_count >= branch.missing
            branch.add(attempt)
            ordinal += 1
            if attempt.error is not None or asked_for_all:
                # A target that gave all that one call gives is asked again for the rest; any other one is not.
                targets.popleft()
                tries += 1
            can_go_on = bool(targets) and tries < errand.allowance.max_attempts and self._has_time(errand)
            if attempt.error is not None:
                failing_over = await self._may_go_on(errand, attempt) and can_go_on
                yield attempt.failed(failing_over)
                if not failing_over:
                    branch.error = self._why(errand, branch)
                    branch.hopeless = policy.rule_of(attempt.error.reason).fail_over is policy.FailOver.NEVER
                    return
            elif branch.missing or len(errand.branches) > 1:
                rest = _without_completed(attempt)
                if rest.events:
                    yield rest
                if not can_go_on:
                    return

    def _has_time(self, errand: Errand) -> bool:
        return errand.allowance.time_left_s() > _LEAST_S

    def _attempt(self, errand: Errand, branch: Branch, target: Target, ordinal: int) -> Attempt:
        request = adapter_pb2.GenerateRequest(
            attempt_id=f"{errand.request_id}/{branch.index}/{ordinal}",
            provider_model=target.provider_model,
            image=errand.image,
        )
        if branch.resume is not None:
            request.resume_provider_job_id = branch.resume.provider_job_id
            request.account = branch.resume.account
        first_index = branch.first_index + branch.delivered
        most = self._catalog.max_image_count(target)
        image = request.image
        image.image_count = branch.missing if most is None or not branch.exact else min(branch.missing, most)
        if first_index and image.HasField("seed"):
            # The same seed would draw the same pictures again.
            image.seed += first_index
        if not errand.is_first(target):
            image.ClearField("extra_fields")
        if target.options is not None:
            own = image.provider_options[target.adapter]
            for key, value in target.options.fields.items():
                if key not in own.fields:
                    own.fields[key].CopyFrom(value)
        offer = self._catalog.offer(target)
        plan = Plan(
            target=target,
            provider=self._catalog.provider(target.adapter),
            label=self._chooser.label(target),
            stub=self._peers.adapter(target.adapter),
            request=request,
            first_index=first_index,
            timeout_s=errand.allowance.for_attempt_s(target.timeout_s, errand.patient),
            patient=errand.patient,
            exact=branch.exact,
            estimate_micros=None if offer is None else offer.estimate_micros(image, image.image_count),
        )
        return Attempt(plan, self._health.record(plan.label), self._clock)

    async def _may_go_on(self, errand: Errand, attempt: Attempt) -> bool:
        """Whether the failure allows another target. An abandoned attempt is cancelled on the way."""
        error = attempt.error
        if error is None:
            return False
        lost = error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
        if lost:
            self._catalog.look_again(attempt.plan.target.adapter)
        unknown = not policy.is_free(attempt.failure)
        if unknown and (attempt.timed_out or lost):
            cancel = asyncio.create_task(self._cancel(attempt))
            self._cancels.add(cancel)
            cancel.add_done_callback(self._cancels.discard)
            if errand.on_unknown == request_pb2.ON_UNKNOWN_FAIL and await asyncio.shield(cancel):
                attempt.settle_free()
        if attempt.begun:
            return False
        return policy.may_fail_over(
            error.reason, attempt.failure, errand.on_unknown, errand.choice.route.content_failover
        )

    async def _cancel(self, attempt: Attempt) -> bool:
        """Cancels an abandoned attempt; True where the provider confirmed that nothing is charged."""
        record = attempt.record
        request = adapter_pb2.CancelRequest(
            attempt_id=record.attempt_id,
            provider_job_id=record.provider_job_id,
            provider_model=record.provider_model,
            account=record.account,
        )
        try:
            answer = await call(attempt.plan.stub.Cancel, request, timeout_s=self._settings.cancel_timeout_s)
        except MeshError as error:
            log.warning(
                "an abandoned attempt was not cancelled", target=record.target, reason=reason_name(error.reason)
            )
            return False
        log.info("an abandoned attempt was cancelled", target=record.target, found=answer.found, free=answer.free)
        return bool(answer.free)

    def _why(self, errand: Errand, branch: Branch) -> MeshError:
        """The last meaningful reason of a branch that failed, with what its caller needs to know."""
        failed = [(attempt, attempt.error) for attempt in branch.attempts if attempt.error is not None]
        telling = [(attempt, error) for attempt, error in failed if error.reason not in _WEAK]
        attempt, error = (telling or failed)[-1]
        reason, message = error.reason, error.message
        if attempt.timed_out and not self._has_time(errand):
            reason = reasons.ERROR_REASON_DEADLINE_EXCEEDED
            message = f'The request\'s time ran out while target "{attempt.record.target}" worked on it.'
        told = MeshError(
            reason,
            message,
            retry_after_s=_retry_after_s(error, [each for _, each in failed]),
            field=error.field,
            failure=error.failure,
        )
        told.metadata = {**error.metadata, "target": attempt.record.target, "attempt_id": attempt.record.attempt_id}
        if attempt.record.provider_job_id:
            told.metadata["provider_job_id"] = attempt.record.provider_job_id
        return told

    def _last_word(self, errand: Errand) -> router_pb2.GenerateResponse:
        """The message with `completed`. Raises where nothing was delivered."""
        branches = errand.branches
        served = [attempt for branch in branches for attempt in branch.attempts if attempt.error is None]
        if not served and not any(branch.delivered for branch in branches):
            raise next(branch.error for branch in branches if branch.error is not None)
        result = joined(branches, max(0.0, errand.first_attempt - errand.began))
        if not all(errand.is_first(attempt.plan.target) for attempt in served):
            _report_dropped(errand.image, result)
        last = branches[0].attempts[-1] if len(branches) == 1 else None
        if last is not None and last.error is None and last.tail is not None and not branches[0].missing:
            for event in last.tail.events:
                if event.HasField("completed"):
                    event.completed.CopyFrom(result)
            return last.tail
        response = router_pb2.GenerateResponse()
        attempt_id = (served or branches[0].attempts)[0].record.attempt_id
        response.events.add(attempt_id=attempt_id, completed=result)
        return response


def _place(attempt_id: str) -> tuple[int, int]:
    """Branch and ordinal of "<request>/<branch>/<ordinal>". Raises INVALID_FIELD."""
    parts = attempt_id.rsplit("/", 2)
    if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() and parts[2].isascii() and parts[2].isdigit():
        return int(parts[1]), int(parts[2])
    raise MeshError(
        reasons.ERROR_REASON_INVALID_FIELD,
        "An attempt to resume has no id of the form request/branch/ordinal.",
        field="resume",
    )


def _resumed(branches: Sequence[Branch], attempt: router_pb2.ResumeAttempt) -> Branch:
    """The branch of an earlier owner's attempt; one picture where the request is split otherwise now."""
    index = _place(attempt.attempt_id)[0]
    branch = next((branch for branch in branches if branch.index == index), Branch(index, index, 1))
    branch.resume = attempt
    return branch


def _without_completed(attempt: Attempt) -> router_pb2.GenerateResponse:
    """The attempt's last message up to `completed`, which only the last word tells."""
    tail = attempt.tail or router_pb2.GenerateResponse()
    for place, event in enumerate(tail.events):
        if event.HasField("completed"):
            del tail.events[place:]
            break
    return tail


def _retry_after_s(error: MeshError, errors: Sequence[MeshError]) -> float | None:
    """Seconds until a retry may succeed: after rate limits, until the first target that asked for a pause returns."""
    if error.reason != reasons.ERROR_REASON_RATE_LIMITED:
        return error.retry_after_s
    limited = (each for each in errors if each.reason == error.reason)
    return min((each.retry_after_s for each in limited if each.retry_after_s is not None), default=None)


def _report_dropped(image: request_pb2.ImageRequest, result: event_pb2.ImageResult) -> None:
    """Lists the unknown fields that only the first target was offered."""
    if image.strict == request_pb2.STRICT_OFF:
        return
    for name in image.extra_fields.fields:
        result.adjustments.add(
            parameter=name,
            reason="Fields that Heliostat does not know are offered to the first target only.",
            mode=event_pb2.ADJUSTMENT_MODE_DROPPED,
        )
