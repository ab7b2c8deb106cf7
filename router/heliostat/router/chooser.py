"""The choice for one request: its route, what it needs and wants; asks `selection`, says why nothing is left."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, usd
from heliostat.router import selection
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import Catalog, Needs, needs_of
from heliostat.router.directory import Directory
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
        decision = self.selections[0].decision()
        for further in self.selections[1:]:
            decision.candidates.extend(further.decision().candidates)
        return decision

    def exclusions(self) -> dict[str, Exclusion]:
        """Why targets are out, by target name."""
        return {name: exclusion for part in self.selections for name, exclusion in part.exclusions.items()}


class Chooser:
    """Chooses targets for requests."""

    def __init__(self, directory: Directory, catalog: Catalog, appraiser: Appraiser, dice: random.Random) -> None:
        self._directory = directory
        self._catalog = catalog
        self._appraiser = appraiser
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
        _refuse_unbuilt(routing)
        needs = needs_of(image)
        selections = []
        for model in (image.model, *routing.fallback_models):
            route = await self._directory.find(model)
            dear = await self._too_dear(route, image) if routing.HasField("max_cost") else {}
            selections.append(self._select(route, routing, needs, dear))
        targets = selections[0].targets
        if len(selections) > 1:
            by_name = {target.name: target for part in reversed(selections) for target in part.targets}
            order = dict.fromkeys(target.name for part in selections for target in part.targets)
            targets = tuple(by_name[name] for name in order)
        if _alone(image):
            targets = targets[:1]
        return Choice(targets, tuple(selections))

    def label(self, target: Target) -> str:
        """The target's name in metrics and records."""
        return self._directory.label(target)

    def _select(
        self, route: Route, routing: request_pb2.Routing, needs: Needs, dear: Mapping[str, Exclusion]
    ) -> Selection:
        cohort = routing.cohort
        draw = selection.draw_of_cohort(route.model, cohort) if cohort else self._dice.random()

        def unfit(target: Target) -> Exclusion | None:
            missing = self._catalog.missing(target, needs)
            return Exclusion(Out.UNFIT, missing) if missing else dear.get(target.name)

        def why_out(target: Target) -> Exclusion | None:
            entry = self._catalog.entry(target.adapter)
            if entry is not None and not entry.configured:
                return unfit(target) or Exclusion(Out.AWAY, "has no key")
            return unfit(target)

        chosen = selection.choose(route, routing, why_out, draw)
        if not chosen.targets and any(exclusion.kind is Out.AWAY for exclusion in chosen.exclusions.values()):
            # Its adapter knows best which variable is missing, and says so.
            chosen = selection.choose(route, routing, unfit, draw)
        return chosen

    async def _too_dear(self, route: Route, image: request_pb2.ImageRequest) -> dict[str, Exclusion]:
        most = to_micros(image.routing.max_cost)
        dear = {}
        for target, estimate in await self._appraiser.appraise(route.targets, image):
            if not estimate.cost.HasField("amount"):
                dear[target.name] = Exclusion(Out.UNWANTED, "has no price that is known beforehand")
            elif to_micros(estimate.cost.amount) > most:
                cost = usd(to_micros(estimate.cost.amount))
                dear[target.name] = Exclusion(Out.UNWANTED, f"would cost about {cost:.4f} USD, more than is allowed")
        return dear

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
        return Choice(targets, (Selection(targets, {}, 0.0, route),))


def _alone(image: request_pb2.ImageRequest) -> bool:
    """True where only the first target may be asked: no fallbacks, or fields that must not be dropped on the way."""
    if image.routing.HasField("allow_fallbacks") and not image.routing.allow_fallbacks:
        return True
    return image.strict == request_pb2.STRICT_REFUSE and bool(image.extra_fields.fields)


def _refuse_unbuilt(routing: request_pb2.Routing) -> None:
    if routing.sort != request_pb2.SORT_UNSPECIFIED:
        raise MeshError(
            reasons.ERROR_REASON_NOT_IMPLEMENTED,
            "Sorting targets by price or latency comes with version 0.2; leave sort out, or name an order.",
            field="routing.sort",
        )
