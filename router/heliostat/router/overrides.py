"""What operators changed of targets while the router runs: priority, weight, admin state. In memory and synchronous.

The rows are kept by `store` and followed by `following`; this room only says what they mean for a route.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from heliostat.router.table import Route, Target

_REMEMBERED = 4096


class AdminState(IntEnum):
    """What an operator wants of a target; the numbers are the contract's."""

    ENABLED = 1
    DRAINING = 2
    DISABLED = 3


_HELD: Mapping[AdminState, str] = {
    AdminState.DRAINING: "is draining, as an operator asked",
    AdminState.DISABLED: "is disabled by an operator",
}


@dataclass(frozen=True, slots=True)
class Override:
    """What was changed of one target, on one route or (where `route` is empty) on all; None leaves a value alone."""

    target: str
    route: str = ""
    priority: int | None = None
    weight: float | None = None
    admin_state: AdminState | None = None

    @property
    def is_empty(self) -> bool:
        """True where it changes nothing."""
        return self.priority is None and self.weight is None and self.admin_state is None

    def merged(self, over: "Override") -> "Override":
        """This one with what `over` sets beside or above it. Pure."""
        return replace(
            self,
            priority=self.priority if over.priority is None else over.priority,
            weight=self.weight if over.weight is None else over.weight,
            admin_state=self.admin_state if over.admin_state is None else over.admin_state,
        )


class Overrides:
    """All overrides that hold now."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Override] = {}
        self._named: frozenset[str] = frozenset()
        self._applied: dict[int, tuple[Route, Route]] = {}

    def replace(self, rows: Iterable[Override]) -> set[str]:
        """Takes up what is kept; gives the names of the targets for which something changed."""
        found = {(row.route, row.target): row for row in rows}
        changed = {key[1] for key in self._rows.keys() | found.keys() if self._rows.get(key) != found.get(key)}
        if changed:
            self._rows = found
            self._named = frozenset(target for _, target in found)
            self._applied = {}
        return changed

    def rows(self) -> list[Override]:
        """All overrides."""
        return list(self._rows.values())

    def of(self, route: str, target: str) -> Override | None:
        """What holds for a target on a route: its own override over that for all routes, and that of an account over
        that of all its adapter's; None without any.
        """
        own = self._of(route, target)
        scope, _, provider_model = target.partition("/")
        adapter, at, _ = scope.partition("@")
        above = self._of(route, f"{adapter}/{provider_model}") if at else None
        return own or above if own is None or above is None else above.merged(own)

    def _of(self, route: str, target: str) -> Override | None:
        if target not in self._named:
            return None
        everywhere, here = self._rows.get(("", target)), self._rows.get((route, target))
        if everywhere is None or here is None:
            return everywhere or here
        return everywhere.merged(here)

    def holds(self, route: str, target: str) -> bool:
        """Whether an operator keeps a target out of a route."""
        override = self.of(route, target)
        return override is not None and override.admin_state in _HELD

    def applied(self, route: Route) -> Route:
        """The route as it is to be used. The same object where nothing of it is overridden."""
        if not self._named:
            return route
        known = self._applied.get(id(route))
        if known is not None and known[0] is route:
            return known[1]
        made = self._apply(route)
        if len(self._applied) >= _REMEMBERED:
            self._applied.clear()
        self._applied[id(route)] = (route, made)
        return made

    def _apply(self, route: Route) -> Route:
        if not any(target.name in self._named for target in route.targets):
            return route
        return route.with_targets([self._target(route, target) for target in route.targets])

    def _target(self, route: Route, target: Target) -> Target:
        override = self._of(route.model, target.name)
        if override is None:
            return target
        held = target.held if override.admin_state is None else _HELD.get(override.admin_state, "")
        return replace(
            target,
            priority=target.priority if override.priority is None else override.priority,
            weight=target.weight if override.weight is None else override.weight,
            held=held,
        )
