"""The targets with their state, as operators see them: what is configured, what was changed, how they fare."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.clock import Clock
from heliostat.router.catalog import Catalog
from heliostat.router.directory import Directory
from heliostat.router.health import Health, State
from heliostat.router.overrides import AdminState, Overrides
from heliostat.router.table import Route, Target

_STATES = {
    State.HEALTHY: admin_pb2.HEALTH_STATE_HEALTHY,
    State.PAUSED: admin_pb2.HEALTH_STATE_PAUSED,
    State.EJECTED: admin_pb2.HEALTH_STATE_EJECTED,
    State.PROBING: admin_pb2.HEALTH_STATE_PROBING,
}
_ADMIN_STATES = {
    AdminState.ENABLED: admin_pb2.ADMIN_STATE_ENABLED,
    AdminState.DRAINING: admin_pb2.ADMIN_STATE_DRAINING,
    AdminState.DISABLED: admin_pb2.ADMIN_STATE_DISABLED,
}
_ANY = "*"


class Board:
    """What stands, for operators."""

    def __init__(
        self, directory: Directory, catalog: Catalog, health: Health, overrides: Overrides, clock: Clock
    ) -> None:
        self._directory = directory
        self._catalog = catalog
        self._health = health
        self._overrides = overrides
        self._clock = clock
        self._state: object = None  # of the directory, when the routes of targets were looked up
        self._by_target: dict[str, list[Route]] = {}

    def routes(self, name: str = "") -> Iterator[Route]:
        """Every route as it is before what operators changed, or the one of that name or alias: those of the
        configuration, then those that are made of what adapters know.
        """
        table = self._directory.table
        for route in chain(table.routes, table.globs, self._directory.own()):
            if name in ("", route.model, *route.aliases):
                yield route

    def routes_of(self, target: str) -> list[Route]:
        """The routes that have a target; "fal/…" is all accounts of it where there are several."""
        state = self._directory.state
        if state != self._state:
            self._state, self._by_target = state, {}
            for route in self.routes():
                for name in _names_of(self._directory.ready(route)):
                    self._by_target.setdefault(name, []).append(route)
        return self._by_target.get(target, [])

    def names(self, route: str = "") -> Iterable[str]:
        """The names of all targets, or of those of one route."""
        if route:
            return {target.name for entry in self.routes(route) for target in self._directory.ready(entry).targets}
        self.routes_of("")
        return self._by_target.keys()

    def accounts_of(self, name: str) -> Sequence[str]:
        """The names of the targets that are meant by `name`: itself, or all accounts of it."""
        found = (target for entry in self.routes_of(name)[:1] for target in self._directory.ready(entry).targets)
        return [target.name for target in found if name in (target.name, target.plain)]

    def calls(self) -> dict[str, tuple[int, int]]:
        """Target -> calls under way and calls begun so far, for those that have been asked."""
        return {name: (in_flight, begun) for name, in_flight, begun in self._health.calls()}

    def targets(self, route: str = "", names: Iterable[str] | None = None) -> Iterator[admin_pb2.Target]:
        """Every target with its state: those of one route (or alias), and of these `names`, where given."""
        if names is None:
            for entry in self.routes(route):
                for target in self._directory.ready(entry).targets:
                    yield self._told(entry, target)
            return
        for name in names:
            for entry in self.routes_of(name):
                if route in ("", entry.model, *entry.aliases):
                    for target in self._directory.ready(entry).targets:
                        if name in (target.name, target.plain):
                            yield self._told(entry, target)

    def _told(self, route: Route, target: Target) -> admin_pb2.Target:
        override = self._overrides.of(route.model, target.name)
        told = admin_pb2.Target(
            name=target.name,
            route=route.model,
            priority=target.priority,
            weight=target.weight,
            admin_state=_ADMIN_STATES[(override and override.admin_state) or AdminState.ENABLED],
            overridden=override is not None,
            account=target.account,
        )
        self._tell_standing(told, target)
        self._tell_record(told, target)
        return told

    def _tell_standing(self, told: admin_pb2.Target, target: Target) -> None:
        now = self._clock.monotonic()
        standing = self._health.standing(target.name, now)
        told.health_state = _STATES[standing.state]
        if standing.until is not None:
            told.return_time.CopyFrom(timestamp(self._clock.time() + standing.until - now))
        told.why_out = self._missing(target) or standing.why or (f"It {target.held}." if target.held else "")

    def _missing(self, target: Target) -> str:
        """What keeps the target from being asked at all."""
        entry = self._catalog.entry(target.adapter)
        if entry is None:
            return "Its adapter has not answered yet."
        if not self._catalog.has_key(target):
            return "Its account has no key." if target.account else "Its adapter has no key."
        if self._catalog.offer(target) is None and target.provider_model != _ANY:
            return "Its adapter does not know the model."
        return ""

    def _tell_record(self, told: admin_pb2.Target, target: Target) -> None:
        record = self._health.seen(target.name)
        if record is None:
            return
        told.consecutive_failure_count = record.consecutive_failures
        told.in_flight_count = record.in_flight
        told.call_count = record.begun
        told.success_ratio = record.success_ratio()
        told.p50_seconds = record.quantile_s(0.5)
        told.p95_seconds = record.quantile_s(0.95)
        if record.last_error is not None:
            told.last_error.CopyFrom(record.last_error)


def _names_of(route: Route) -> Iterable[str]:
    """What operators may call the targets of a route: one by one, or all accounts of a target together."""
    return dict.fromkeys(name for target in route.targets for name in (target.name, target.plain))


def timestamp(seconds: float) -> Timestamp:
    """Seconds since the epoch as a message, to the microsecond. Pure."""
    made = Timestamp()
    made.FromMicroseconds(round(seconds * 1e6))
    return made
