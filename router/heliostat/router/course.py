"""The way of one branch through its targets: what is asked or waited for next, and what attempts tell of health."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.router import policy
from heliostat.router.attempt import Attempt
from heliostat.router.budget import Budget
from heliostat.router.chooser import Choice, Chooser, Wanted
from heliostat.router.cost_watch import CostWatch
from heliostat.router.ejection import Ending
from heliostat.router.health import Health, Permit
from heliostat.router.limits import LEAST_S, Allowance
from heliostat.router.outages import Outages
from heliostat.router.record import Back, State
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Target
from heliostat.router.turns import Ask, Turns, Wait, next_step
from heliostat.router.waiting import WaitingRoom

# A target that was silent for so long is to blame, even where the request had less time than the target usually gets.
_FAIR_S = 30.0
_ANY = "/*"
# A second target is asked when the first one takes longer than this share of its answers, once so many are known.
_HEDGED = 0.95
_KNOWN = 20
# After so many failures within one priority the last try goes to a lower one: an outage may concern a whole priority.
_MANY = 2
_SLOW_DOWN = "asked to slow down"
_CAUSES: Mapping[int, tuple[str, str]] = {
    reasons.ERROR_REASON_QUOTA_EXHAUSTED: ("credit_exhausted", "has no credit or quota left"),
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED: ("key_refused", "refuses our key"),
    reasons.ERROR_REASON_PROVIDER_MODEL_GONE: ("model_gone", "does not know its model any more"),
}


class Guard:
    """What all requests of one router share: health, budget, queue."""

    def __init__(self, settings: RouterSettings, chooser: Chooser, health: Health, clock: Clock) -> None:
        self.settings = settings
        self.chooser = chooser
        self.health = health
        self.clock = clock
        self.budget = Budget(settings.budget)
        self.costs = CostWatch(settings.costs, clock, health.tell)
        health.limit_tries(self.budget.may_try)
        self.outages = Outages(health, chooser, settings.health.consecutive_failures)
        self.room = WaitingRoom(health, self.budget, clock, settings.queue_size)
        self._down: set[str] = set()

    def all_down(self, model: str, message: str) -> None:
        """Tells once that nobody is left who could serve a route."""
        if model not in self._down:
            self._down.add(model)
            self.health.tell(model, "all_targets_down", message)

    def works(self, model: str) -> None:
        """A route has answered."""
        if self._down:
            self._down.discard(model)


class Course:
    """The way of one branch."""

    def __init__(self, guard: Guard, choice: Choice, allowance: Allowance, max_wait_s: float | None) -> None:
        """`max_wait_s` is the caller's own, in seconds."""
        settings, route = guard.settings, choice.route
        wait_s = settings.max_wait_s if route.max_wait_s is None else route.max_wait_s
        self._guard = guard
        self._allowance = allowance
        self._is_fresh = True
        self._same: Target | None = None
        self._is_resumed = False
        self._looks_only = False
        self._permits: list[Permit] = []
        self._failed: list[Target] = []
        self._further: set[Permit] = set()  # of attempts beyond the first, which the budget counts
        self.choice = choice
        guard.budget.begin(guard.clock.monotonic())
        self.turns = Turns(
            wait_s if max_wait_s is None else max_wait_s,
            settings.short_wait_s if route.short_wait_s is None else route.short_wait_s,
        )

    def go_on_with(self, target: Target, *, look_only: bool = False) -> None:
        """Only this target is asked, whatever keeps it back: it has the work already.

        `look_only`: its job is only looked at, which says nothing of how the target fares.
        """
        self._same = target
        self._is_resumed = True
        self._looks_only = look_only

    # What comes next

    def step(self) -> Ask | Wait | None:
        """What comes next, as things stand now; None where nothing may be tried."""
        guard, turns = self._guard, self.turns
        if turns.tries >= self._allowance.max_attempts or self._allowance.time_left_s() <= LEAST_S:
            return None
        if self._same is not None:
            return Ask(self._same, forced=self._is_resumed)
        if self._is_resumed:
            return None
        if self._is_fresh and not self.choice.held:
            return Ask(self.choice.targets[0])
        now = guard.clock.monotonic()
        if not self._is_fresh:
            self.choice = self._choose(now)
        turns.wait_s = min(turns.wait_s, self._allowance.time_left_s() - LEAST_S)
        if guard.room.full:
            turns.wait_s = 0.0
        step = next_step(guard.chooser.prospects(self.choice), turns, now)
        if isinstance(step, Ask) and turns.sent and not guard.budget.may(now, last_resort=step.forced):
            if not turns.limited or turns.wait_s <= 0:
                return None
            return Wait({guard.chooser.label(step.target): step.target}, now + turns.wait_s, now)
        return step

    def _choose(self, now: float) -> Choice:
        """The choice as things stand now. Who asked this request twice to slow down comes after everybody else."""
        chooser, turns = self._guard.chooser, self.turns
        tired = {name for name, count in turns.limited.items() if count > 1}
        if tired:
            choice = chooser.again(self.choice, replace(turns, spent=turns.spent | tired), now)
            if choice.targets:
                return choice
        choice = chooser.again(self.choice, turns, now)
        if turns.allowed is None and self._failed and len(self._failed) == turns.tries and self._is_time_to_leave():
            below = chooser.below(choice, self._failed)
            if below:
                return chooser.again(self.choice, replace(turns, allowed=below), now)
        return choice

    def _is_time_to_leave(self) -> bool:
        """Whether a request that has met nothing but failures is to leave their priority now."""
        if self.turns.tries == self._allowance.max_attempts - 1 >= _MANY:
            return True
        return self._guard.outages.suspected(self.choice.route, self._failed[-1])

    def close(self) -> None:
        """The branch is over. Gives back what attempts that were left alone, or never begun, still hold."""
        for permit in self._permits:
            permit.release()
        for permit in tuple(self._further):
            self._give_back(permit)
        self._guard.budget.end()

    def _give_back(self, permit: Permit, *, unsent: bool = False) -> None:
        self._further.discard(permit)
        self._guard.budget.give_back(self._guard.clock.monotonic(), unsent=unsent)
        self._guard.room.look()

    async def take(self, step: Ask | Wait) -> tuple[Target, Permit] | None:
        """Leave to do what `step` says; None where things have changed meanwhile: ask for another step."""
        guard, turns = self._guard, self.turns
        began = guard.clock.monotonic()
        self._is_fresh = False
        if isinstance(step, Ask):
            permit = guard.health.permit(guard.chooser.label(step.target), began, forced=step.forced)
            target = step.target
            if permit is None:
                self._same = None
                return None
        else:
            permit = await guard.room.wait(step.targets, step.until, further=turns.sent > 0)
            now = guard.clock.monotonic()
            turns.waited(step, now - began)
            if permit is None:
                return None
            target = step.targets[permit.target]
            self.choice = guard.chooser.again(self.choice, turns, now, target)
        self._same = None
        self._permits.append(permit)
        if turns.sent:
            self._count(permit)
        return target, permit

    def _count(self, permit: Permit) -> None:
        self._guard.budget.take(self._guard.clock.monotonic())
        self._further.add(permit)

    def hedge_after_s(self, attempt: Attempt) -> float | None:
        """Seconds after which a second target is asked beside the first attempt; None where none is."""
        route = self.choice.route
        if not route.hedge or self._is_resumed or self.choice.alone or self.turns.tries:
            return None
        if route.hedge_after_s is not None:
            return route.hedge_after_s
        record = self._guard.health.record(attempt.permit.target)
        return record.quantile_s(_HEDGED) if record.answer_count() >= _KNOWN else None

    def beside(self, first: Attempt) -> tuple[Target, Permit] | None:
        """Leave to ask another target beside the first attempt; None where there is none, or the budget is used up."""
        guard, now = self._guard, self._guard.clock.monotonic()
        if not guard.budget.may(now):
            return None
        spent = {*self.turns.spent, first.plan.target.name}
        choice = guard.chooser.again(self.choice, replace(self.turns, spent=spent, tries=1), now)
        for target in choice.targets[:1]:
            permit = guard.health.permit(guard.chooser.label(target), now)
            if permit is not None:
                self.choice = choice
                self._is_fresh = False
                self._permits.append(permit)
                self._count(permit)
                return target, permit
        return None

    def waiting(self, wait: Wait) -> event_pb2.ImageEvent:
        """The event that tells of a wait."""
        clock = self._guard.clock
        event = event_pb2.ImageEvent()
        event.waiting.queue_position = len(self._guard.room)
        micros = round((clock.time() + wait.return_at - clock.monotonic()) * 1e6)
        event.waiting.until_time.FromMicroseconds(micros)
        return event

    # What an attempt tells

    def dropped(self, attempt: Attempt) -> None:
        """An attempt was given up for another one beside it: nobody is to blame."""
        self.turns.spent.add(attempt.plan.target.name)
        if attempt.permit in self._further:
            self._give_back(attempt.permit)

    def ended(self, attempt: Attempt, *, asked_for_all: bool) -> None:
        """An attempt is over: its target is marked, and left out from now on or asked again."""
        turns, target = self.turns, attempt.plan.target
        self._guard.costs.look(attempt.record, attempt.permit.target)
        unsent = attempt.error is not None and attempt.record.outcome == event_pb2.OUTCOME_NOT_SENT
        if attempt.permit in self._further:
            self._give_back(attempt.permit, unsent=unsent)
        if not self._looks_only:
            self._mark(attempt)
        if attempt.error is None and not asked_for_all:
            # A target that gave all that one call gives is asked again for the rest; any other one is not.
            self._same = target
            return
        turns.tries += 1
        if attempt.error is not None:
            self._failed.append(target)
        if attempt.error is None or _loads(attempt):
            turns.sent += not unsent
        error = attempt.error
        if error is not None and policy.wants_pause(error) and policy.is_free(attempt.failure):
            # It may be asked again after its pause. Whoever may have taken the work is never asked twice.
            turns.limited[target.name] = turns.limited.get(target.name, 0) + 1
        else:
            turns.spent.add(target.name)
        if error is not None and error.reason == reasons.ERROR_REASON_CONTENT_BLOCKED:
            turns.allowed = self.choice.route.content_targets
        if error is not None and policy.rule_of(error.reason).fail_over is policy.FailOver.ACCOUNT:
            turns.allowed = self._kin(target)
        if self.choice.alone:
            turns.allowed = frozenset({target.name})

    def _kin(self, target: Target) -> frozenset[str]:
        """Names of the other accounts of the same provider's model, those left out that may not be asked anyway."""
        allowed = self.turns.allowed
        return frozenset(
            each.name
            for wanted in self.choice.wanted
            for each in wanted.route.targets
            if each.plain == target.plain
            and each.account != target.account
            and (allowed is None or each.name in allowed)
        )

    def _mark(self, attempt: Attempt) -> None:
        health, permit, error = self._guard.health, attempt.permit, attempt.error
        if error is None:
            self._guard.works(self.choice.route.model)
            if self._guard.outages:
                for wanted in self._wanted_of(attempt):
                    self._guard.outages.worked(wanted.route, attempt.plan.target, permit)
            health.succeeded(permit, attempt.duration_s, self._others_stand(attempt))
            return
        mark = policy.rule_of(error.reason).mark
        status = attempt.record.status
        if policy.wants_pause(error):
            health.refused(permit, status)
            health.slow_down(permit, error.retry_after_s, _SLOW_DOWN)
        elif mark is policy.Mark.OUT:
            health.refused(permit, status)
            self._put_out(attempt, error)
        elif mark is policy.Mark.COUNTS and not _was_cut_short(attempt):
            health.failed(permit, _ending(error, attempt), status, self._others_stand(attempt))
            now, is_first = self._guard.clock.monotonic(), self.turns.tries == 0
            for wanted in self._wanted_of(attempt):
                self._guard.outages.failed(wanted.route, attempt.plan.target, wanted.outs, now, is_first=is_first)

    def _wanted_of(self, attempt: Attempt) -> Iterator[Wanted]:
        """What was asked of the route that an attempt's target is of; nothing for work that is resumed."""
        name = attempt.plan.target.name
        return islice((wanted for wanted in self.choice.wanted if name in wanted.route.places), 1)

    def _put_out(self, attempt: Attempt, error: MeshError) -> None:
        """A fact puts a target out at once; what concerns the account puts out all targets of it."""
        kind, why = _CAUSES[error.reason]
        target, label = attempt.plan.target, attempt.permit.target
        own_account = attempt.plan.only_account and error.metadata.get("provider_status") != "403"
        if kind != "model_gone" and own_account:
            label = target.scope
        if not label.endswith(_ANY):
            self._guard.health.eject(label, why, kind, out_s=self._guard.settings.health.cause_out_s)

    def _others_stand(self, attempt: Attempt) -> "OthersStand":
        return OthersStand(self._guard, self.choice, attempt)

    # What to say when nothing comes next

    def nothing(self, model: str) -> MeshError:
        """Why nothing may be tried now, and when it may."""
        now = self._guard.clock.monotonic()
        held = self.choice.held
        returns = [each.hold.until for each in held if each.hold.until is not None]
        soonest = min(returns, default=None)
        retry_s = 1.0 if soonest is None else max(0.0, soonest - now)
        told = "; ".join(
            f"{name} {exclusion.because}" for name, exclusion in self.choice.exclusions().items() if exclusion.because
        )
        limited = held and all(each.hold.back in (Back.PAUSED, Back.BUSY) for each in held)
        if limited:
            return MeshError(
                reasons.ERROR_REASON_RATE_LIMITED,
                f'Every target of model "{model}" has as many requests as it takes; try again later: {told}.',
                retry_after_s=retry_s,
                model=model,
            )
        message = f'No target of model "{model}" can be asked now; try again later: {told}.'
        self._guard.all_down(self.choice.route.model, message)
        return MeshError(reasons.ERROR_REASON_NO_TARGET, message, retry_after_s=retry_s, model=model)

    def soonest_s(self) -> float | None:
        """Seconds until the first of the targets that are paused now returns; None where none is."""
        now = self._guard.clock.monotonic()
        returns = [
            hold.until - now
            for target in self.choice.route.targets
            if (hold := self._guard.health.hold(self._guard.chooser.label(target), now)) is not None
            and hold.back is Back.PAUSED
            and hold.until is not None
        ]
        return max(0.0, min(returns)) if returns else None


class OthersStand:
    """Tells whether another target of the route is well; looked up only where somebody asks.

    Names that callers make up share one record, which nobody is put out for.
    """

    __slots__ = ("_attempt", "_choice", "_guard")

    def __init__(self, guard: Guard, choice: Choice, attempt: Attempt) -> None:
        self._guard = guard
        self._choice = choice
        self._attempt = attempt

    def __call__(self) -> bool:
        label = self._attempt.permit.target
        if label.endswith(_ANY):
            return False
        health, chooser, now = self._guard.health, self._guard.chooser, self._guard.clock.monotonic()
        for wanted in self._choice.wanted:
            for target in wanted.route.targets:
                if target.name in wanted.outs or target.weight <= 0:
                    continue
                other = chooser.label(target)
                if other != label and health.standing(other, now).state is State.HEALTHY:
                    return True
        return False


def _loads(attempt: Attempt) -> bool:
    """True where the failure may be due to load; one that is due to the request costs the budget nothing."""
    error = attempt.error
    return error is not None and policy.rule_of(error.reason).mark is not policy.Mark.NONE


def _was_cut_short(attempt: Attempt) -> bool:
    """True where the request had less time than a target may fairly take."""
    plan = attempt.plan
    return attempt.ran_out and plan.timeout_s < min(plan.usual_s, _FAIR_S)


def _ending(error: MeshError, attempt: Attempt) -> Ending:
    unreached = attempt.failure.outcome == event_pb2.OUTCOME_NOT_SENT and attempt.failure.phase == "connect"
    return Ending.OURS if unreached or error.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE else Ending.THEIRS
