"""The attempt loop: choose, ask, relay, and wait or ask the next one where that is allowed."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import current_call
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.failpoints import reach
from heliostat.router import policy
from heliostat.router.attempt import Attempt, Plan
from heliostat.router.branches import Branch, merged
from heliostat.router.cancels import Cancels
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.course import Course, Guard
from heliostat.router.errand import Errand, branches_of, place_of
from heliostat.router.giving_up import UnderWay
from heliostat.router.health import Health, Permit
from heliostat.router.hedging import raced
from heliostat.router.last_word import last_word, why
from heliostat.router.limits import allowance
from heliostat.router.peers import Peers
from heliostat.router.recall import Recall
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Target, target_of
from heliostat.router.turns import Wait

# How long a request waits to hear what the cancel of an abandoned attempt came to, where it has better to do.
_SOON_S = 1.0

Messages = AsyncGenerator[router_pb2.GenerateResponse, None]


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
        recall: Recall,
    ) -> None:
        self._settings = settings
        self._chooser = chooser
        self._catalog = catalog
        self._peers = peers
        self._health = health
        self._recall = recall
        self._clock = clock
        self._guard = Guard(settings, chooser, health, clock)
        self._cancels = Cancels(settings.cancel_timeout_s)
        self.under_way = UnderWay(self._cancels)
        self._in_flight = telemetry.IN_FLIGHT.labels("router")

    async def stop(self) -> None:
        """Gives the cancels under way their time, and no more."""
        self._guard.room.close()
        await self._cancels.stop()

    async def generate(self, request: router_pb2.GenerateRequest) -> Messages:
        """The events of one request. Raises the last meaningful reason where no picture could be made."""
        self._in_flight.inc()
        try:
            errand = await self._errand(request)
            branches = errand.branches
            if len(branches) == 1:
                responses = self._serve(errand, branches[0])
            else:
                responses = merged(branches, lambda branch: self._serve(errand, branch), self._settings.max_branches)
            with self.under_way.request(errand.request_id) as errand.attempts:
                async with aclosing(responses):
                    async for response in responses:
                        yield response
            yield last_word(errand)
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
        self._recall.keep(errand.request_id, errand.decision)
        errand.branches = branches_of(errand, self._catalog.max_image_count(errand.next_target()), request.resume)
        return errand

    async def _serve(self, errand: Errand, branch: Branch) -> Messages:
        """The messages of one branch, up to its pictures or its error; `completed` is left to the last word."""
        ordinal = place_of(branch.resume.attempt_id)[1] if branch.resume is not None else 1
        course = Course(self._guard, errand.choice, errand.allowance, errand.max_wait_s)
        try:
            if branch.resume is not None:
                course.go_on_with(target_of(branch.resume.target), look_only=branch.resume.look_only)
            while branch.missing:
                step = course.step()
                if step is None:
                    branch.error = self._given_up(errand, branch, course)
                    return
                if isinstance(step, Wait):
                    yield router_pb2.GenerateResponse(events=[course.waiting(step)])
                taken = await course.take(step)
                if taken is None:
                    continue
                attempts = [await self._priced(self._attempt(errand, branch, *taken, ordinal))]
                hedge_after_s = course.hedge_after_s(attempts[0]) if branch.exact else None
                if hedge_after_s is None:
                    yield self._started(errand, course, attempts[0])
                    reach("router.attempt_started")
                    messages = attempts[0].relay()
                else:
                    messages = self._hedged(errand, branch, course, attempts, hedge_after_s)
                async with aclosing(messages):
                    async for message in messages:
                        yield message
                reach("router.attempt_ended")
                ordinal += len(attempts)
                for place, attempt in enumerate(attempts):
                    is_last = place == len(attempts) - 1
                    told = await self._closed(errand, branch, course, attempt, is_last=is_last)
                    if told is not None:
                        yield told
                if branch.error is not None:
                    return
        finally:
            course.close()

    def _started(self, errand: Errand, course: Course, attempt: Attempt) -> router_pb2.GenerateResponse:
        """The message that tells of an attempt before anything is sent."""
        errand.first_attempt = errand.first_attempt or self._clock.monotonic()
        is_as_chosen = course.choice.selections is errand.choice.selections
        return attempt.started(errand.decision if is_as_chosen else course.choice.decision())

    async def _hedged(
        self, errand: Errand, branch: Branch, course: Course, attempts: list[Attempt], after_s: float
    ) -> Messages:
        """The first attempt, and a second one beside it where it takes longer than `after_s` seconds."""
        first = attempts[0]
        first_is_over = asyncio.Event()

        async def leading() -> Messages:
            try:
                async for message in self._lane(errand, course, first):
                    if first.begun:
                        first_is_over.set()
                    yield message
            finally:
                first_is_over.set()

        async def following() -> Messages:
            try:
                await asyncio.wait_for(first_is_over.wait(), after_s)
            except TimeoutError:
                taken = course.beside(first)
                if taken is not None:
                    ordinal = place_of(first.record.attempt_id)[1] + 1
                    attempts.append(await self._priced(self._attempt(errand, branch, *taken, ordinal)))
                    async for message in self._lane(errand, course, attempts[1]):
                        yield message

        def has_won(place: int) -> bool:
            return place < len(attempts) and (attempts[place].begun or attempts[place].result is not None)

        def drop(place: int) -> None:
            if place < len(attempts):
                attempts[place].drop()
                self._cancels.begin(attempts[place])

        async with aclosing(raced((leading(), following()), has_won, drop)) as messages:
            async for message in messages:
                yield message

    async def _lane(self, errand: Errand, course: Course, attempt: Attempt) -> Messages:
        yield self._started(errand, course, attempt)
        reach("router.attempt_started")
        async with aclosing(attempt.relay()) as messages:
            async for message in messages:
                yield message

    async def _closed(
        self, errand: Errand, branch: Branch, course: Course, attempt: Attempt, *, is_last: bool
    ) -> router_pb2.GenerateResponse | None:
        """What is told of an attempt that is over, if anything. Sets the branch's error where it ends here.

        `is_last`: no other attempt was made beside it whose end is still to be told.
        """
        asked_for_all = attempt.plan.request.image.image_count >= branch.missing
        branch.add(attempt)
        if attempt.dropped:
            if await self._cancels.turned_out_free(attempt, _SOON_S):
                attempt.settle_free()
            course.dropped(attempt)
            return attempt.failed(failing_over=False)
        if attempt.error is None:
            course.ended(attempt, asked_for_all=asked_for_all)
            rest = _without_completed(attempt) if branch.missing or len(errand.branches) > 1 else None
            return rest if rest is not None and rest.events else None
        goes_on = await self._may_go_on(errand, attempt)
        course.ended(attempt, asked_for_all=asked_for_all)
        failing_over = goes_on and (not is_last or course.step() is not None)
        if not failing_over and is_last:
            branch.error = why(errand, branch, course.soonest_s())
            branch.hopeless = policy.is_final(attempt.error.reason)
        return attempt.failed(failing_over)

    def _given_up(self, errand: Errand, branch: Branch, course: Course) -> MeshError | None:
        """Why a branch ends where nothing may be tried any more; None where it has delivered something."""
        if branch.delivered:
            return None
        if any(attempt.error is not None for attempt in branch.attempts):
            return why(errand, branch, course.soonest_s())
        return course.nothing(errand.image.model)

    def _attempt(self, errand: Errand, branch: Branch, target: Target, permit: Permit, ordinal: int) -> Attempt:
        errand.first_target = errand.first_target or target.name
        request = adapter_pb2.GenerateRequest(
            attempt_id=f"{errand.request_id}/{branch.index}/{ordinal}",
            provider_model=target.provider_model,
            image=errand.image,
            account=target.account,
        )
        if branch.resume is not None:
            request.resume_provider_job_id = branch.resume.provider_job_id
            request.account = branch.resume.account or target.account
            request.look_only = branch.resume.look_only
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
        offer, entry = self._catalog.offer(target), self._catalog.entry(target.adapter)
        plan = Plan(
            target=target,
            provider=self._catalog.provider(target.adapter),
            label=permit.target,
            only_account=bool(target.account) or entry is None or len(entry.described.accounts) <= 1,
            stub=self._peers.adapter(target.adapter),
            request=request,
            first_index=first_index,
            timeout_s=errand.allowance.for_attempt_s(target.timeout_s, errand.patient),
            usual_s=errand.allowance.usual_s(target.timeout_s),
            patient=errand.patient,
            exact=branch.exact,
            estimate_micros=None if offer is None else offer.estimate_micros(image, image.image_count),
        )
        attempt = Attempt(plan, permit, self._health, self._clock)
        errand.attempts.append(attempt)
        return attempt

    async def _priced(self, attempt: Attempt) -> Attempt:
        """The attempt with what its adapter expects it to cost, where the price is not a plain one."""
        plan = attempt.plan
        if plan.estimate_micros is None:
            micros = await self._chooser.expected_micros(plan.target, plan.request.image)
            attempt.plan = replace(plan, estimate_micros=micros)
        return attempt

    async def _may_go_on(self, errand: Errand, attempt: Attempt) -> bool:
        """Whether the failure allows another target. An abandoned attempt is cancelled on the way."""
        error = attempt.error
        if error is None:
            return False
        lost = error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
        if lost:
            self._catalog.look_again(attempt.plan.target.adapter)
        unknown = policy.billed_of(attempt.failure) == event_pb2.BILLED_UNKNOWN
        # A resumed job is not cancelled for being slow: the ledger looks it up again.
        unknown = unknown and all(branch.resume is None for branch in errand.branches)
        cancelled = error.reason == reasons.ERROR_REASON_CANCELLED
        if unknown and not cancelled and (attempt.timed_out or lost or attempt.has_job):
            self._cancels.begin(attempt)
            # Who may ask the next target does not wait long to hear whether this one is free.
            within_s = None if errand.on_unknown == request_pb2.ON_UNKNOWN_FAIL else _SOON_S
            if (attempt.has_job or within_s is None) and await self._cancels.turned_out_free(attempt, within_s):
                attempt.settle_free()
        if attempt.begun:
            return False
        return policy.may_fail_over(
            error.reason, attempt.failure, errand.on_unknown, errand.choice.route.content_failover
        )


def _without_completed(attempt: Attempt) -> router_pb2.GenerateResponse:
    """The attempt's last message up to `completed`, which only the last word tells."""
    tail = attempt.tail or router_pb2.GenerateResponse()
    for place, event in enumerate(tail.events):
        if event.HasField("completed"):
            del tail.events[place:]
            break
    return tail
