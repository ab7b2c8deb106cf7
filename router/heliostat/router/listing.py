"""The models that are served, as messages of the contract."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from heliostat.api.router.v1 import router_pb2
from heliostat.router.catalog import Catalog
from heliostat.router.directory import Directory
from heliostat.router.table import Route, Target

_PATIENCE_S = 2.0


class Listing:
    """What stands, for callers."""

    def __init__(self, directory: Directory, catalog: Catalog, create_time_seconds: int) -> None:
        self._directory = directory
        self._catalog = catalog
        self._create_time_seconds = create_time_seconds

    async def models(self, name: str = "") -> list[router_pb2.Model]:
        """All models by name, or the one behind `name`. Raises MODEL_NOT_FOUND for a name that is not served."""
        await self._catalog.settled(_PATIENCE_S)
        if name:
            return [self._model(await self._directory.find(name))]
        return sorted(map(self._model, self._directory.routes()), key=lambda model: model.name)

    def _model(self, route: Route) -> router_pb2.Model:
        model = router_pb2.Model(
            name=route.model,
            aliases=self._directory.aliases(route),
            create_time_seconds=self._create_time_seconds,
            creator=route.creator,
            description=route.description,
        )
        for tier in route.tiers:
            for target in _without_accounts(tier):
                told = model.targets.add(
                    target=target.name,
                    provider=self._catalog.provider(target.adapter),
                    priority=target.priority,
                    weight=target.weight,
                )
                self._tell_capability(told, target)
                model.creator = model.creator or told.capability.creator
                model.description = model.description or told.capability.description
        return model

    def _tell_capability(self, told: router_pb2.ModelTarget, target: Target) -> None:
        entry = self._catalog.entry(target.adapter)
        offer = self._catalog.offer(target)
        if entry is not None and offer is not None:
            told.capability.CopyFrom(offer.capability)
            told.available = entry.configured and not target.held


def _without_accounts(tier: Sequence[Target]) -> Iterable[Target]:
    """The targets of one priority, all accounts of one as one: callers choose among providers, not among our keys."""
    joined: dict[str, Target] = {}
    for target in tier:
        known = joined.get(target.plain)
        weight, held = (known.weight, known.held and target.held) if known else (0.0, target.held)
        joined[target.plain] = replace(target, name=target.plain, weight=weight + target.weight, held=held)
    return joined.values()
