"""Takes up changed settings while the router runs: routes, auto_routes, pacing and events. Health stays as it is."""

from collections.abc import Collection, Sequence

from heliostat.chassis.modules import TakeUp
from heliostat.chassis.settings import Fault, Refusal
from heliostat.router.catalog import Catalog
from heliostat.router.directory import Directory
from heliostat.router.health import Health
from heliostat.router.operations import Operations
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table, did_you_mean, parts_of

LIVE = frozenset({"routes", "auto_routes", "pacing", "events"})
_ANY = "*"
_MOST_NAMED = 10


class Renewal:
    """What changed settings mean for the running rooms."""

    def __init__(
        self,
        adapters: Collection[str],
        *,
        directory: Directory,
        catalog: Catalog,
        health: Health,
        operations: Operations,
    ) -> None:
        self._adapters = adapters
        self._directory = directory
        self._catalog = catalog
        self._health = health
        self._operations = operations

    def prepare(self, settings: RouterSettings) -> TakeUp:
        """Makes the routes, and checks them beside the adapters that run. Raises INVALID_FIELD; changes nothing."""
        table = Table(settings, self._adapters)
        self._check_models(settings)
        before = self._directory.table
        difference = told(before, table)

        def take_up(source: str, later: Sequence[str]) -> None:
            self._directory.use(table, settings.auto_routes)
            self._health.pace(settings.pacing)
            after = "; ".join([*difference, *_named("needs a restart", later)])
            self._operations.reloaded(settings.events, source, f"{len(before.entries)} routes", after)

        return take_up

    def _check_models(self, settings: RouterSettings) -> None:
        """Refuses targets that were not there before and that their adapters, which have described themselves, do not
        know. At a start nobody can tell yet: such a target stands among the others and says why it is out.
        """
        before = self._directory.table.target_names
        faults = []
        for place, route in enumerate(settings.routes):
            for below, target in enumerate(route.targets):
                adapter, _, model = parts_of(target.target)
                entry = self._catalog.entry(adapter)
                if entry is None or target.target in before or model == _ANY:
                    continue
                if model not in entry.offers and _ANY not in entry.offers:
                    near = did_you_mean(model, entry.offers) or "; `heliostat admin targets` shows those in use"
                    sentence = f'adapter "{adapter}" does not know the model "{model}"{near}'
                    faults.append(Fault(("router", "routes", place, "targets", below, "target"), sentence))
        if faults:
            raise Refusal(faults)


def told(before: Table, after: Table) -> list[str]:
    """What changed, in words. Pure."""
    old, new = before.entries, after.entries
    parts = [f"{len(new)} routes"]
    parts += _named("new", [name for name in new if name not in old])
    parts += _named("gone", [name for name in old if name not in new])
    parts += _named("changed", [name for name, entry in new.items() if name in old and old[name] != entry])
    return parts


def _named(what: str, names: Sequence[str]) -> list[str]:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{what}: {', '.join(names[:_MOST_NAMED])}{more}"] if names else []
