"""The choice for one request: its route, what it needs and wants; asks `selection`, says why nothing is left."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import MICROS_PER_USD, to_micros, usd
from heliostat.router import selection
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import Catalog, Needs, needs_of
from heliostat.router.directory import Directory
from heliostat.router.fitness import fitness_of
from heliostat.router.health import Health
from heliostat.router.selection import Exclusion, Out, Selection
from heliostat.router.table import Route, Target, route_of, target_of


@dataclass(frozen=True, slots=True)
class Choice:
    """Targets in order, and how they were chosen: one selection per model, the request's own model first."""

    targets: tuple[Target, ...]
    selections: tuple[Selection, ...]

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
        self, directory: Directory, catalog: Catalog, appraiser: Appraiser, health: Health, dice: random.Random
    ) -> None:
        self._directory = directory
        self._catalog = catalog
        self._appraiser = appraiser
        self._health = health
        self._dice = dice

    async def choose(
        self, image: request_pb2.ImageRequest, *, resuming: Sequence[router_pb2.ResumeAttempt] = ()
    ) -> Choice:
        """Targets in order, at least one. Attempts that are resumed stay with their targets.

        Raises MODEL_NOT_FOUND, UNSUPPORTED, NO_TARGET, INVALID_FIELD, NOT_IMPLEMENTED.
        """
        if resuming:
            return self._resumed(resuming)
        choice = await self.consider(image)
        if not choice.targets:
            raise selection.nothing_left(choice.selections, image.model)
        return choice

    async def consider(self, image: request_pb2.ImageRequest) -> Choice:
        """As `choose`, but nobody may be left."""
        routing = image.routing
        needs = needs_of(image)
        selections = []
        for model in (image.model, *routing.fallback_models):
            route = await self._directory.find(model)
            selections.append(self._select(route, routing, needs, await self._asked(route, image)))
        targets = selection.merged(selections)
        if _alone(image):
            targets = targets[:1]
        return Choice(targets, tuple(selections))

    def label(self, target: Target) -> str:
        """The target's name in metrics and records."""
        return self._directory.label(target)

    def _select(self, route: Route, routing: request_pb2.Routing, needs: Needs, asked: Asked) -> Selection:
        sticky = bool(routing.cohort)
        draw = selection.draw_of_cohort(route.model, routing.cohort) if sticky else self._dice.random()
        fitness = fitness_of(route, needs, self._catalog)

        def chosen(outs: Mapping[str, Exclusion]) -> Selection:
            outs = {**asked.dear, **outs} if asked.dear else outs
            return selection.choose(route, routing, outs, draw, sticky=sticky, measures=asked.measures)

        made = chosen(fitness.outs)
        if not made.targets and len(fitness.outs) > len(fitness.able):
            # Its adapter knows best which variable is missing, and says so.
            made = chosen(fitness.able)
        return made

    async def _asked(self, route: Route, image: request_pb2.ImageRequest) -> Asked:
        """What the request's own preferences make of the targets' prices and durations."""
        routing = image.routing
        sort, bounded = routing.sort, routing.HasField("max_cost")
        prices: Mapping[str, int | None] = {}
        if bounded or sort == request_pb2.SORT_PRICE:
            prices = await self._appraiser.prices(route.targets, image)
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
