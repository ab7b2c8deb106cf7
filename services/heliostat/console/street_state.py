"""The street as it stands: routes with their targets, what happened last, how much is under way. Pure.

It takes what the router and the ledger tell, and knows which routes look different since.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.api.router.v1 import admin_pb2
from heliostat.console.wording import HEALTH, key

MOST_EVENTS = 40
# Kinds of events after which routes or targets may be others.
_RESTRUCTURING = ("changed", "reloaded")
_HELD: Mapping[int, str] = {admin_pb2.ADMIN_STATE_DISABLED: "off", admin_pb2.ADMIN_STATE_DRAINING: "draining"}


@dataclass(frozen=True, slots=True)
class Lane:
    """A target on its route, with its share of the traffic of its priority."""

    target: admin_pb2.Target
    share: float
    """Of what its priority gets, 0 to 1; 0 for one that takes nothing."""
    served: bool
    """True where its priority is the one that is asked first now."""

    @property
    def provider(self) -> str:
        """The first part of its name."""
        return self.target.name.partition("/")[0]

    @property
    def model(self) -> str:
        """The rest of its name."""
        return self.target.name.partition("/")[2]

    @property
    def is_in(self) -> bool:
        """Whether it takes requests now."""
        return _is_in(self.target)

    @property
    def holds(self) -> str:
        """What an operator wants of it: "off", "draining", or nothing in particular."""
        return _HELD.get(self.target.admin_state, "")

    @property
    def mark(self) -> str:
        """One word for how it stands: off, draining, out, paused, trying, in; "idle" where its weight is 0."""
        if self.holds:
            return self.holds
        health = HEALTH.get(self.target.health_state, "in")
        if health == "in" and self.target.why_out:
            return "out"
        return "idle" if health == "in" and not self.target.weight else health

    @property
    def word(self) -> str:
        """The same as people say it."""
        return "spare" if self.mark == "in" and not self.served else self.mark

    @property
    def most_weight(self) -> float:
        """The right end of its slider."""
        return max(10.0, 2.0 * self.target.weight)

    @property
    def weight_step(self) -> float:
        """How far one step of its slider goes."""
        if self.most_weight > 50:
            return 1.0
        return 0.5 if (self.target.weight * 2).is_integer() else 0.1


@dataclass(frozen=True, slots=True)
class Road:
    """A route with its targets in order."""

    name: str
    lanes: Sequence[Lane]

    @property
    def element(self) -> str:
        """Its id on a page."""
        return f"road-{key(self.name)}"

    @property
    def in_flight(self) -> int:
        """Calls under way at its targets."""
        return sum(lane.target.in_flight_count for lane in self.lanes)


@dataclass(frozen=True, slots=True)
class Station:
    """A provider's adapter, over all of its targets."""

    name: str
    in_flight: int
    in_count: int
    count: int

    @property
    def state(self) -> str:
        """ "up", "degraded" or "down"."""
        if self.in_count == self.count:
            return "up"
        return "degraded" if self.in_count else "down"


class StreetState:
    """What is known. Targets are kept in the order in which the router lists them."""

    def __init__(self) -> None:
        self._targets: dict[str, dict[str, admin_pb2.Target]] = {}
        self.events: deque[admin_pb2.OperatorEvent] = deque(maxlen=MOST_EVENTS)
        self.traffic = ledger_pb2.WatchTrafficResponse()

    def replace(self, targets: Iterable[admin_pb2.Target]) -> bool:
        """All targets anew; True where routes, or the targets of one, are others than before."""
        before = {route: tuple(held) for route, held in self._targets.items()}
        self._targets = {}
        for target in targets:
            self._targets.setdefault(target.route, {})[target.name] = target
        return before != {route: tuple(held) for route, held in self._targets.items()}

    def take(self, targets: Iterable[admin_pb2.Target]) -> tuple[set[str], bool]:
        """Targets that changed: the routes that look different, and whether one is new."""
        touched, strange = set(), False
        for target in targets:
            held = self._targets.setdefault(target.route, {})
            strange = strange or target.name not in held
            held[target.name] = target
            touched.add(target.route)
        return touched, strange

    def happened(self, events: Iterable[admin_pb2.OperatorEvent]) -> bool:
        """Events, the newest last; True where targets should be listed anew."""
        restructured = False
        for event in events:
            self.events.appendleft(event)
            restructured = restructured or event.kind in _RESTRUCTURING
        return restructured

    def road(self, name: str) -> Road | None:
        """A route by its name."""
        held = self._targets.get(name)
        if held is None:
            return None
        ordered = sorted(held.values(), key=lambda target: target.priority)
        weights: dict[int, float] = {}
        for target in ordered:
            if _is_in(target):
                weights[target.priority] = weights.get(target.priority, 0.0) + target.weight
        first = next((target.priority for target in ordered if weights.get(target.priority)), None)
        lanes = []
        for target in ordered:
            whole = weights.get(target.priority, 0.0)
            share = target.weight / whole if whole and _is_in(target) else 0.0
            lanes.append(Lane(target, share, target.priority == first and share > 0))
        return Road(name, lanes)

    def routes(self, search: str = "") -> list[str]:
        """Names of routes that have `search` in them or in a target's name; those with a choice of targets first."""
        wanted = search.casefold()
        found = [
            name
            for name, held in self._targets.items()
            if wanted in name.casefold() or any(wanted in target.casefold() for target in held)
        ]
        return sorted(found, key=lambda name: len(self._targets[name]) < 2)

    def roads(self, names: Iterable[str]) -> list[Road]:
        """Routes by their names, without those that are no more."""
        return [road for name in names if (road := self.road(name)) is not None]

    def stations(self) -> list[Station]:
        """Providers in the order of their first target; a target on several routes counts once."""
        seen: dict[str, dict[str, admin_pb2.Target]] = {}
        for held in self._targets.values():
            for name, target in held.items():
                seen.setdefault(name.partition("/")[0], {}).setdefault(name, target)
        return [
            Station(
                provider,
                sum(target.in_flight_count for target in targets.values()),
                sum(map(_is_in, targets.values())),
                len(targets),
            )
            for provider, targets in seen.items()
        ]

    def calls(self) -> dict[str, int]:
        """Provider -> calls begun so far."""
        counted: dict[str, dict[str, int]] = {}
        for held in self._targets.values():
            for name, target in held.items():
                counted.setdefault(name.partition("/")[0], {})[name] = target.call_count
        return {provider: sum(calls.values()) for provider, calls in counted.items()}


def _is_in(target: admin_pb2.Target) -> bool:
    return (
        target.admin_state in {admin_pb2.ADMIN_STATE_UNSPECIFIED, admin_pb2.ADMIN_STATE_ENABLED}
        and target.health_state in {admin_pb2.HEALTH_STATE_HEALTHY, admin_pb2.HEALTH_STATE_PROBING}
        and not target.why_out
        and target.weight > 0
    )
