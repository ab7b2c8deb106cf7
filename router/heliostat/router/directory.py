"""From a name that a caller sends to a route: configured, forced, by its beginning, or made of what adapters know."""

from collections.abc import Iterator

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.router.catalog import Catalog
from heliostat.router.overrides import Overrides
from heliostat.router.table import Route, Table, Target, did_you_mean, route_of, target_of

# How long an unknown name waits for adapters that have not said yet what they know.
_PATIENCE_S = 2.0


class Directory:
    """All names that can be asked for. What operators changed is applied to every route that is given."""

    def __init__(self, table: Table, catalog: Catalog, auto_routes: bool, overrides: Overrides) -> None:
        self._table = table
        self._catalog = catalog
        self._auto_routes = auto_routes
        self._overrides = overrides
        self._made: dict[str, Route] = {}
        self._names: tuple[object, list[str]] = (None, [])
        self._made_of = -1  # the version of the catalogue that they were made of

    @property
    def table(self) -> Table:
        """The routes of the configuration that is in use."""
        return self._table

    def use(self, table: Table, auto_routes: bool) -> None:
        """Takes up another configuration: requests from now on see it, those under way keep what they chose."""
        self._table = table
        self._auto_routes = auto_routes

    async def find(self, model: str) -> Route:
        """The route behind a name. Raises MODEL_NOT_FOUND with the names that are near."""
        return self._overrides.applied(await self._find(model))

    async def _find(self, model: str) -> Route:
        route = self._table.configured(model)
        if route is not None:
            return route
        forced = self._table.forced(model)
        if forced is not None:
            return self._only(forced)
        route = self._table.matching(model) or self._own(model)
        if route is None:
            await self._catalog.settled(_PATIENCE_S)
            route = self._own(model)
        if route is None:
            raise _unknown(model, did_you_mean(model, self.names()))
        return route

    def has(self, target: Target) -> bool:
        """True where the target's adapter is configured."""
        return self._table.forced(target.name) is not None

    def label(self, target: Target) -> str:
        """The target's name in metrics and records: names that callers make up freely share "adapter/*"."""
        if target.name in self._table.target_names:
            return target.name
        entry = self._catalog.entry(target.adapter)
        known = entry is not None and target.provider_model in entry.offers
        return target.name if known else f"{target.adapter}/*"

    def names(self) -> list[str]:
        """Every public name that is served, aliases included, in alphabetical order. Not to be changed."""
        known_of, known = self._names
        if known_of != self.state:
            names = self._table.names()
            for name in self._catalog.model_names():
                if self._auto_routes or self._table.matching(name) is not None:
                    names.add(name)
            known_of, known = self._names = self.state, sorted(names)
        return known

    def routes(self) -> Iterator[Route]:
        """Every route that is served, those made from what adapters know included."""
        yield from map(self._overrides.applied, self._table.routes)
        known = self._table.names()
        for name in self._catalog.model_names():
            if name not in known:
                route = self._table.matching(name) or self._own(name)
                if route is not None:
                    yield self._overrides.applied(route)

    @property
    def state(self) -> tuple[Table, bool, int]:
        """Changes whenever the routes do, but for what operators changed."""
        return self._table, self._auto_routes, self._catalog.version

    def own(self) -> Iterator[Route]:
        """The routes that nobody wrote down, as they are made of what adapters know."""
        known = self._table.names()
        for name in self._catalog.model_names() if self._auto_routes else ():
            if name not in known and self._table.matching(name) is None:
                route = self._own(name)
                if route is not None:
                    yield route

    def _only(self, target: Target) -> Route:
        """The route of one forced target. Raises MODEL_NOT_FOUND where its adapter does not know the model."""
        entry = self._catalog.entry(target.adapter)
        if entry is not None and self._catalog.offer(target) is None:
            known = (f"{target.adapter}/{model}" for model in entry.offers)
            raise _unknown(target.name, did_you_mean(target.name, known))
        return route_of(target.name, [target])

    def _own(self, model: str) -> Route | None:
        """The route that is made of what adapters know; the same one until they say something else."""
        if not self._auto_routes:
            return None
        if self._made_of != self._catalog.version:
            self._made, self._made_of = {}, self._catalog.version
        if model not in self._made:
            targets = [
                target_of(f"{adapter}/{provider_model}", priority=place)
                for place, (adapter, provider_model) in enumerate(self._catalog.knowing(model))
            ]
            if not targets:
                # Names that nobody knows are not remembered: callers may make up any number of them.
                return None
            self._made[model] = route_of(model, targets)
        return self._made[model]


def _unknown(model: str, near: str) -> MeshError:
    name = model if len(model) <= 100 else model[:100] + "…"
    return MeshError(
        reasons.ERROR_REASON_MODEL_NOT_FOUND,
        f'There is no model "{name}"{near or "; GET /v1/models lists what is served."}',
        field="model",
        model=name,
    )
