"""The models that are served, and the targets with their state, as messages of the contract."""

from collections.abc import Iterator

from heliostat.api.router.v1 import admin_pb2, router_pb2
from heliostat.router.catalog import Catalog
from heliostat.router.directory import Directory
from heliostat.router.health import Health
from heliostat.router.table import Route, Table, Target

_PATIENCE_S = 2.0


class Listing:
    """What stands, for callers and for operators."""

    def __init__(
        self, directory: Directory, table: Table, catalog: Catalog, health: Health, create_time_seconds: int
    ) -> None:
        self._directory = directory
        self._table = table
        self._catalog = catalog
        self._health = health
        self._create_time_seconds = create_time_seconds

    async def models(self, name: str = "") -> list[router_pb2.Model]:
        """All models by name, or the one behind `name`. Raises MODEL_NOT_FOUND for a name that is not served."""
        await self._catalog.settled(_PATIENCE_S)
        if name:
            return [self._model(await self._directory.find(name))]
        return sorted(map(self._model, self._directory.routes()), key=lambda model: model.name)

    def targets(self, route: str = "") -> Iterator[admin_pb2.Target]:
        """Every configured target with its state, or those of one route."""
        for entry in (*self._table.routes, *self._table.globs):
            if route in ("", entry.model, *entry.aliases):
                for target in entry.targets:
                    yield self._target(entry, target)

    def _model(self, route: Route) -> router_pb2.Model:
        model = router_pb2.Model(
            name=route.model,
            aliases=route.aliases,
            create_time_seconds=self._create_time_seconds,
            creator=route.creator,
            description=route.description,
        )
        for tier in route.tiers:
            for target in tier:
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
            told.available = entry.configured

    def _target(self, route: Route, target: Target) -> admin_pb2.Target:
        told = admin_pb2.Target(
            name=target.name,
            route=route.model,
            priority=target.priority,
            weight=target.weight,
            admin_state=admin_pb2.ADMIN_STATE_ENABLED,
            health_state=admin_pb2.HEALTH_STATE_HEALTHY,
        )
        entry = self._catalog.entry(target.adapter)
        if entry is None:
            told.why_out = "Its adapter has not answered yet."
        elif not entry.configured:
            told.why_out = "Its adapter has no key."
        elif self._catalog.offer(target) is None and target.provider_model != "*":
            told.why_out = "Its adapter does not know the model."
        record = self._health.seen(target.name)
        if record is not None:
            told.consecutive_failure_count = record.consecutive_failures
            told.in_flight_count = record.in_flight
            told.success_ratio = record.success_ratio()
            told.p50_seconds = record.quantile_s(0.5)
            told.p95_seconds = record.quantile_s(0.95)
            if record.last_error is not None:
                told.last_error.CopyFrom(record.last_error)
        return told
