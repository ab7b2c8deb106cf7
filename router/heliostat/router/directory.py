"""From a name that a caller sends to a route: configured, forced, by its beginning, or made of what adapters know."""

from collections.abc import Iterator
from dataclasses import replace

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.router.accounts import spread
from heliostat.router.catalog import Catalog
from heliostat.router.naming import Naming
from heliostat.router.overrides import Overrides
from heliostat.router.table import Route, Table, Target, did_you_mean, nearest, one_of, route_of, target_of

# Models that are named where a name may mean several.
_TOLD = 3
# How long an unknown name waits for adapters that have not said yet what they know.
_PATIENCE_S = 2.0


class Directory:
    """All names that can be asked for. What operators changed is applied to every route that is given."""

    def __init__(self, table: Table, catalog: Catalog, auto_routes: bool, overrides: Overrides) -> None:
        self._table = table
        self._catalog = catalog
        self._auto_routes = auto_routes
        self._overrides = overrides
        self._naming = Naming(())
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

    async def find(self, model: str, *, exact: bool = False) -> Route:
        """The route behind a name. A name that is none leads to the one model that is meant by it, unless it must be
        `exact`; the route says so. Raises MODEL_NOT_FOUND with the names that are near.
        """
        return self.ready(await self._find(model, exact=exact))

    def ready(self, route: Route) -> Route:
        """The route as it is to be used: what operators changed is applied, to targets and then to single accounts of
        them.
        """
        applied = self._overrides.applied(route)
        made = spread(applied, self._catalog)
        return applied if made is applied else self._overrides.applied(made)

    async def _find(self, model: str, *, exact: bool) -> Route:
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
        return route or self._meant(model, exact=exact)

    def _meant(self, model: str, *, exact: bool) -> Route:
        """The route of the one model that is meant by a name that nobody has. Raises MODEL_NOT_FOUND."""
        meant = [(name, route) for name in self._known.meant(model) if (route := self._served(name)) is not None]
        if not meant:
            near = self._near(model)
            raise _unknown(model, f"; did you mean {one_of(near)}?" if near else "")
        if exact or len(meant) > 1:
            raise _unknown(model, f"; did you mean {one_of([name for name, _ in meant[:_TOLD]])}?")
        return replace(meant[0][1], asked_as=model)

    def _near(self, name: str) -> list[str]:
        """The names that are spelled most like this one, one of each model."""
        found: dict[str, str] = {}
        for each in nearest(name, self.names(), _TOLD * _TOLD):
            route = self._served(each)
            found.setdefault(route.model if route is not None else each, each)
        return list(found.values())[:_TOLD]

    def _served(self, model: str) -> Route | None:
        """The route of a canonical name, written down or not."""
        return self._table.configured(model) or self._table.matching(model) or self._own(model)

    def has(self, target: Target) -> bool:
        """True where the target's adapter is configured."""
        return self._table.forced(target.name) is not None

    def label(self, target: Target) -> str:
        """The target's name in metrics and records: names that callers make up freely share "adapter/*"."""
        if target.name in self._table.target_names or target.plain in self._table.target_names:
            return target.name
        entry = self._catalog.entry(target.adapter)
        known = entry is not None and target.provider_model in entry.offers
        return target.name if known else f"{target.scope}/*"

    def names(self) -> list[str]:
        """Every public name that is served, aliases included, in alphabetical order. Not to be changed."""
        known_of, known = self._names
        if known_of != self.state:
            names = self._table.names()
            for name in self._known.names():
                if self._auto_routes or self._table.matching(name) is not None:
                    names.add(name)
            known_of, known = self._names = self.state, sorted(names)
        return known

    def routes(self) -> Iterator[Route]:
        """Every route that is served, those made from what adapters know included."""
        yield from map(self.ready, self._table.routes)
        known = self._table.names()
        for name in self._known.models():
            if name not in known:
                route = self._table.matching(name) or self._own(name)
                if route is not None:
                    yield self.ready(route)

    def aliases(self, route: Route) -> tuple[str, ...]:
        """Other names that lead to a route: its own, and those that adapters know for its model."""
        others = self._known.aliases(route.model) if self._auto_routes else ()
        free = (name for name in others if self._table.configured(name) is None)
        return tuple(dict.fromkeys((*route.aliases, *free)))

    @property
    def state(self) -> tuple[Table, bool, int]:
        """Changes whenever the routes do, but for what operators changed."""
        return self._table, self._auto_routes, self._catalog.version

    def own(self) -> Iterator[Route]:
        """The routes that nobody wrote down, as they are made of what adapters know."""
        known = self._table.names()
        for name in self._known.models() if self._auto_routes else ():
            if name not in known and self._table.matching(name) is None:
                route = self._own(name)
                if route is not None:
                    yield route

    def _only(self, target: Target) -> Route:
        """The route of one forced target. Raises MODEL_NOT_FOUND where its adapter does not know the model."""
        entry = self._catalog.entry(target.adapter)
        if entry is not None and self._catalog.offer(target) is None:
            known = (f"{target.scope}/{model}" for model in entry.offers)
            raise _unknown(target.name, did_you_mean(target.name, known))
        return route_of(target.name, [target])

    def _own(self, model: str) -> Route | None:
        """The route that is made of what adapters know; the same one until they say something else. Another name of a
        model leads to the route of its canonical one, which may be written down.
        """
        if not self._auto_routes:
            return None
        canonical = self._known.canonical(model)
        # Names that nobody knows are not remembered: callers may make up any number of them.
        if not canonical:
            return None
        if canonical != model and (route := self._table.configured(canonical)) is not None:
            return route
        if canonical not in self._made:
            places = enumerate(self._known.targets(canonical))
            targets = [target_of(f"{adapter}/{own}", priority=place) for place, (adapter, own) in places]
            self._made[canonical] = route_of(canonical, targets)
        return self._made[canonical]

    @property
    def _known(self) -> Naming:
        """What the names of the catalogue mean, as it stands."""
        if self._made_of != self._catalog.version:
            self._naming = Naming(self._catalog.entries())
            self._made, self._made_of = {}, self._catalog.version
        return self._naming


def _unknown(model: str, near: str) -> MeshError:
    name = model if len(model) <= 100 else model[:100] + "…"
    return MeshError(
        reasons.ERROR_REASON_MODEL_NOT_FOUND,
        f'There is no model "{name}"{near or "; GET /v1/models lists what is served."}',
        field="model",
        model=name,
    )
