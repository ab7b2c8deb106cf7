"""The choice for one request: its route, what it needs and wants; asks `selection`, says why nothing is left."""

import random
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import MICROS_PER_USD, to_micros, usd
from heliostat.router import selection
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import OPERATIONS, Catalog, Needs, needs_of
from heliostat.router.directory import Directory
from heliostat.router.fitness import fitness_of
from heliostat.router.health import Health
from heliostat.router.record import Back, Hold
from heliostat.router.selection import Exclusion, Out, Selection
from heliostat.router.table import Route, Target, route_of, target_of
from heliostat.router.turns import Held, Prospects, Turns

# Routes up to this size are looked through target by target when somebody is kept back.
_FEW = 16
# A request with larger pictures is not sent about twice, only to be priced.
_LARGE_QUESTION = 262_144
# Models that are named where the one that was asked for cannot do what is asked.
_TOLD_MODELS = 6


_SPENT = Exclusion(Out.UNWANTED, "was asked before in this request")
_DOUBTED = Hold(Back.EJECTED, None, "was put out, and is tried by first attempts only")
_BARRED = Exclusion(Out.UNWANTED, "is not asked after those that were asked before")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of one route, but for how its targets fare: the choice can be made again from it."""

    route: Route
    routing: request_pb2.Routing
    outs: Mapping[str, Exclusion]
    measures: Mapping[str, float]
    draw: float
    sticky: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Targets in order, and how they were chosen: one selection per model, the request's own model first.

    `held` are those that could serve the request and are kept back for now, by their own doing.
    """

    targets: tuple[Target, ...]
    selections: tuple[Selection, ...]
    held: tuple[Held, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    alone: bool = False  # only the first target may be asked

    @property
    def route(self) -> Route:
        """The route of the request's own model."""
        return self.selections[0].route

    def decision(self) -> event_pb2.Decision:
        """The choice as it is told and kept."""
        return selection.decision_of(self.selections)

    def exclusions(self) -> dict[str, Exclusion]:
        """Why targets are out, by target name."""
        return {name: exclusion for part in self.selections for name, exclusion in part.exclusions.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of the targets of one route: what it sorts by, and which targets it finds too dear."""

    measures: Mapping[str, float] = field(default_factory=dict)
    dear: Mapping[str, Exclusion] = field(default_factory=dict)


class Chooser:
    """Chooses targets for requests."""

    def __init__(
        self,
        directory: Directory,
        catalog: Catalog,
        appraiser: Appraiser,
        *,
        health: Health,
        dice: random.Random,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._catalog = catalog
        self._appraiser = appraiser
        self._health = health
        self._dice = dice
        self._clock = clock

    async def choose(
        self, image: request_pb2.ImageRequest, *, resuming: Sequence[router_pb2.ResumeAttempt] = ()
    ) -> Choice:
        """Targets in order, or at least one that is held. Attempts that are resumed stay with their targets.

        Raises MODEL_NOT_FOUND, UNSUPPORTED, NO_TARGET, INVALID_FIELD, NOT_IMPLEMENTED.
        """
        if resuming:
            return self._resumed(resuming)
        choice = await self.consider(image)
        if not choice.targets and not choice.held:
            raise selection.nothing_left(choice.selections, image.model, self._elsewhere(image, choice))
        return choice

    def _elsewhere(self, image: request_pb2.ImageRequest, choice: Choice) -> Sequence[str]:
        """Models that do what no target of the chosen ones does; none where that is not what is wrong."""
        operation = needs_of(image).operation
        offers = [self._catalog.offer(target) for each in choice.wanted for target in each.route.targets]
        if any(offer is None or OPERATIONS[operation] in offer.operations for offer in offers):
            return ()
        return tuple(self._catalog.able(operation)[:_TOLD_MODELS])

    async def consider(self, image: request_pb2.ImageRequest) -> Choice:
        """As `choose`, but nobody may be left."""
        routing = image.routing
        needs = needs_of(image)
        wanted = []
        for model in (image.model, *routing.fallback_models):
            route = await self._directory.find(model, exact=image.strict == request_pb2.STRICT_REFUSE)
            wanted.append(self._wanted(route, routing, needs, await self._asked(route, image)))
        return self._choice(tuple(wanted), {}, _alone(image), self._clock.monotonic())

    def again(self, choice: Choice, turns: Turns, now: float, only: Target | None = None) -> Choice:
        """The choice for the next attempt of the same request: without those that are spent, as targets fare now.

        Where nothing has changed it goes on in the order that was chosen; else there is a new draw. `only` is a target
        that was waited for.
        """
        barred = turns.barred(only.name if only is not None else "")
        shy = turns.tries > 0
        if barred is None:
            holds = self._all_held(choice.wanted, turns.spent, now, shy=shy)
            if {held.target.name for held in holds} == {held.target.name for held in choice.held} - turns.spent:
                left = tuple(target for target in choice.targets if target.name not in turns.spent)
                return replace(choice, targets=left, held=tuple(holds))
        spent = dict.fromkeys(turns.spent, _SPENT)
        wanted = tuple(replace(each, draw=_next_draw(each, turns.tries)) for each in choice.wanted)
        if barred is not None:
            spent.update({name: _BARRED for each in wanted for name in each.route.places if not barred(name)})
        made = self._choice(wanted, spent, choice.alone, now, only, shy=shy)
        if shy and not made.targets:
            made = self._choice(wanted, spent, choice.alone, now, only)
        return replace(made, wanted=choice.wanted)

    def below(self, choice: Choice, failed: Sequence[Target]) -> frozenset[str]:
        """Names of the targets of lower priority that stand, where all that failed and the next one have one priority.

        Empty where the request has an order of its own.
        """
        part, wanted = choice.selections[0], choice.wanted[0]
        priorities = {target.priority for target in (*failed, *part.targets[:1])}
        if len(priorities) != 1 or _is_flat(wanted.routing):
            return frozenset()
        (failing,) = priorities
        spent = {target.name for target in failed}
        return frozenset(
            target.name for target in part.targets if target.priority > failing and target.name not in spent
        )

    def prospects(self, choice: Choice) -> Prospects:
        """The targets of a choice, as the next step is decided on."""
        if not choice.held:
            return Prospects(choice.targets, ())
        rank = _rank(choice, choice.targets[0]) if choice.targets else (0, 0)
        able = {target.name for part in choice.wanted for target in part.route.targets if target.name not in part.outs}
        return Prospects(choice.targets, choice.held, rank, lone=len(able) == 1)

    def _choice(
        self,
        wanted: tuple[Wanted, ...],
        spent: Mapping[str, Exclusion],
        alone: bool,
        now: float,
        only: Target | None = None,
        *,
        shy: bool = False,
    ) -> Choice:
        held = self._all_held(wanted, spent, now, only, shy=shy)
        away = {each.target.name: _held(each.hold, now) for each in held}
        selections = []
        for each in wanted:
            outs = each.outs
            if spent or away:
                outs = {**outs, **spent, **away}
            shares = None if self._health.calm else self._shares(each.route, now)
            selections.append(
                selection.choose(
                    each.route,
                    each.routing,
                    outs,
                    each.draw,
                    sticky=each.sticky,
                    measures=each.measures,
                    shares=shares,
                )
            )
        targets = selection.merged(selections)
        return Choice(targets[:1] if alone else targets, tuple(selections), tuple(held), wanted, alone)

    def _all_held(
        self,
        wanted: Sequence[Wanted],
        spent: Container[str],
        now: float,
        only: Target | None = None,
        *,
        shy: bool = False,
    ) -> list[Held]:
        """Targets that are kept back now. `only` is not: its permit has been given. `shy`: who was put out and has not
        come back yet is kept back too.
        """
        found: list[Held] = []
        if self._health.calm:
            return found
        for place, each in enumerate(wanted):
            route, is_flat = each.route, _is_flat(each.routing)
            targets: Iterable[Target] = route.targets
            if len(route.targets) > _FEW:
                targets = self._health.concerned(route.targets, route.places)
            for target in targets:
                name = target.name
                if name in each.outs or name in spent or target.weight <= 0 or (only is not None and name == only.name):
                    continue
                label = self.label(target)
                hold = self._health.hold(label, now)
                if hold is None and shy and self._health.is_doubted(label):
                    hold = _DOUBTED
                if hold is not None:
                    found.append(Held(target, label, (place, 0 if is_flat else target.priority), hold))
        return found

    def _shares(self, route: Route, now: float) -> dict[str, float] | None:
        """Shares of the targets that have come back lately."""
        shares = self._health.shares(now)
        return {name: share for name, share in shares.items() if name in route.places} if shares else None

    async def expected_micros(self, target: Target, image: request_pb2.ImageRequest) -> int | None:
        """What one call would cost, as its adapter estimates; None where nobody knows, or the question is too large."""
        offer = self._catalog.offer(target)
        if offer is None or not offer.capability.prices or image.ByteSize() > _LARGE_QUESTION:
            return None
        return (await self._appraiser.prices((target,), image, self._catalog.max_image_count))[target.name]

    def label(self, target: Target) -> str:
        """The target's name in metrics and records."""
        return self._directory.label(target)

    def _wanted(self, route: Route, routing: request_pb2.Routing, needs: Needs, asked: Asked) -> Wanted:
        sticky = bool(routing.cohort)
        draw = selection.draw_of_cohort(route.model, routing.cohort) if sticky else self._dice.random()
        fitness = fitness_of(route, needs, self._catalog)
        outs, able = fitness.outs, fitness.able
        if asked.dear:
            outs, able = {**asked.dear, **outs}, {**asked.dear, **able}
        if routing.only or routing.ignore:
            unwanted = selection.unwanted(route, routing)
            outs, able = {**outs, **unwanted}, {**able, **unwanted}
        if len(outs) > len(able) and not selection.choose(route, routing, outs, draw).targets:
            # Its adapter knows best which variable is missing, and says so.
            outs = able
        return Wanted(route, routing, outs, asked.measures, draw, sticky)

    async def _asked(self, route: Route, image: request_pb2.ImageRequest) -> Asked:
        """What the request's own preferences make of the targets' prices and durations."""
        routing = image.routing
        sort, bounded = routing.sort, routing.HasField("max_cost")
        prices: Mapping[str, int | None] = {}
        if bounded or sort == request_pb2.SORT_PRICE:
            prices = await self._appraiser.prices(route.targets, image, self._catalog.max_image_count)
        measures: dict[str, float] = {}
        if sort == request_pb2.SORT_PRICE:
            measures = {name: micros / MICROS_PER_USD for name, micros in prices.items() if micros is not None}
        elif sort == request_pb2.SORT_LATENCY:
            measures = self._medians(route)
        return Asked(measures, _too_dear(prices, to_micros(routing.max_cost)) if bounded else {})

    def _medians(self, route: Route) -> dict[str, float]:
        """Median durations in seconds of the targets that have succeeded lately."""
        medians = {}
        for target in route.targets:
            record = self._health.seen(self.label(target))
            if record is not None and record.answer_count():
                medians[target.name] = record.quantile_s(0.5)
        return medians

    def _resumed(self, resuming: Sequence[router_pb2.ResumeAttempt]) -> Choice:
        targets = tuple(target_of(name) for name in dict.fromkeys(attempt.target for attempt in resuming))
        for target in targets:
            if not self._directory.has(target):
                raise MeshError(
                    reasons.ERROR_REASON_NO_TARGET,
                    f'Target "{target.name}" cannot be resumed: its adapter is not configured any more.',
                    target=target.name,
                )
        route = route_of("", targets)
        return Choice(targets, (Selection(targets, route, 0.0, {}),))


def _alone(image: request_pb2.ImageRequest) -> bool:
    """True where only the first target may be asked: no fallbacks, or fields that must not be dropped on the way."""
    if image.routing.HasField("allow_fallbacks") and not image.routing.allow_fallbacks:
        return True
    return image.strict == request_pb2.STRICT_REFUSE and bool(image.extra_fields.fields)


def _is_flat(routing: request_pb2.Routing) -> bool:
    """True where the request has an order of its own: then no priority is worth waiting for."""
    return bool(routing.order) or routing.sort != request_pb2.SORT_UNSPECIFIED


def _rank(choice: Choice, target: Target) -> tuple[int, int]:
    for place, part in enumerate(choice.selections):
        if any(each.name == target.name for each in part.targets):
            return place, 0 if _is_flat(choice.wanted[place].routing) else target.priority
    return 0, 0


def _next_draw(wanted: Wanted, tries: int) -> float:
    """The number of the draw after `tries` attempts; cohorts keep theirs, whose order does not depend on who is out."""
    if wanted.sticky or not tries:
        return wanted.draw
    return selection.draw_of_cohort(str(tries), repr(wanted.draw))


def _held(hold: Hold, now: float) -> Exclusion:
    back = "" if hold.until is None else f"; back in {max(0.0, hold.until - now):.1f} s"
    return Exclusion(Out.AWAY, f"{hold.because}{back}")


def _too_dear(prices: Mapping[str, int | None], most: int) -> dict[str, Exclusion]:
    """Targets that would cost more than `most` micro-dollars, or nobody knows how much."""
    dear = {}
    for name, micros in prices.items():
        if micros is None:
            dear[name] = Exclusion(Out.UNWANTED, "has no price that is known beforehand")
        elif micros > most:
            cost = usd(micros)
            dear[name] = Exclusion(Out.UNWANTED, f"would cost about {cost:.4f} USD, more than is allowed")
    return dear
