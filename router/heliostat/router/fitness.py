"""Which targets of a route cannot do what is asked, or must not be asked: the same for all who need the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.router.catalog import Catalog, Needs
from heliostat.router.selection import Exclusion, Out
from heliostat.router.table import Route, Target

_KEYLESS = Exclusion(Out.AWAY, "has no key")
# Kinds of requests remembered for one route.
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Fitness:
    """Targets that are out, by name: `able` leaves out those that only lack a key, `outs` has them too."""

    outs: Mapping[str, Exclusion]
    able: Mapping[str, Exclusion]


def fitness_of(route: Route, needs: Needs, catalog: Catalog) -> Fitness:
    """What keeps targets of `route` out, as the catalogue stands; kept with the route until the catalogue changes."""
    known: dict[Needs, tuple[int, Fitness]] = route.memo.setdefault("fitness", {})
    version, fitness = known.get(needs, (-1, None))
    if fitness is None or version != catalog.version:
        fitness = _find(route, needs, catalog)
        if len(known) >= _REMEMBERED:
            known.clear()
        known[needs] = (catalog.version, fitness)
    return fitness


def _find(route: Route, needs: Needs, catalog: Catalog) -> Fitness:
    outs: dict[str, Exclusion] = {}
    able: dict[str, Exclusion] = {}
    for target in route.targets:
        exclusion = _unable(target, needs, catalog)
        if exclusion is not None:
            outs[target.name] = able[target.name] = exclusion
            continue
        if not catalog.has_key(target):
            outs[target.name] = _KEYLESS
    return Fitness(outs, able)


def _unable(target: Target, needs: Needs, catalog: Catalog) -> Exclusion | None:
    missing = catalog.missing(target, needs)
    if missing:
        return Exclusion(Out.UNFIT, missing)
    return Exclusion(Out.AWAY, target.held) if target.held else None
