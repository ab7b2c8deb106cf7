"""How providers fare, as callers may know: which of their targets take requests, and how their last calls went."""

import asyncio
from collections.abc import Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.clock import Clock
from heliostat.router.catalog import Catalog
from heliostat.router.directory import Directory
from heliostat.router.health import Health, State
from heliostat.router.peers import Peers
from heliostat.router.table import Route, Target

_UP = router_pb2.TARGET_STATUS_UP
_DOWN = router_pb2.TARGET_STATUS_DOWN
_OFF = router_pb2.TARGET_STATUS_OFF
_STATUS = {
    State.HEALTHY: _UP,
    State.PAUSED: router_pb2.TARGET_STATUS_PAUSED,
    State.EJECTED: _DOWN,
    State.PROBING: router_pb2.TARGET_STATUS_PROBING,
}
_ANY = "*"
# Targets looked at before other work gets its turn.
_AT_ONCE = 200

_Calls = Sequence[float | None]


class Roster:
    """All providers."""

    def __init__(self, directory: Directory, catalog: Catalog, peers: Peers, health: Health, clock: Clock) -> None:
        self._directory = directory
        self._catalog = catalog
        self._peers = peers
        self._health = health
        self._clock = clock

    async def providers(self, name: str = "") -> list[router_pb2.Provider]:
        """Every provider in the order of the configuration, or the one of that name; none where there is no such."""
        names = [each for each in self._peers.names if name in ("", each)]
        routed = await self._routed(frozenset(names))
        return [await self._provider(each, routed[each]) for each in names]

    async def _routed(self, names: frozenset[str]) -> dict[str, dict[str, list[tuple[Route, Target]]]]:
        """The routes of each target, by provider and by the target's name."""
        routed: dict[str, dict[str, list[tuple[Route, Target]]]] = {name: {} for name in names}
        for count, route in enumerate(self._directory.routes(), 1):
            for target in route.targets:
                if target.adapter in names:
                    routed[target.adapter].setdefault(target.name, []).append((route, target))
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return routed

    async def _provider(self, name: str, routed: dict[str, list[tuple[Route, Target]]]) -> router_pb2.Provider:
        told = router_pb2.Provider(name=name, provider=self._catalog.provider(name))
        remembered: list[_Calls] = []
        for count, (target, places) in enumerate(routed.items(), 1):
            calls = self._calls(target)
            remembered.append(calls)
            told.targets.append(self._target(target, places, calls))
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        told.pulse.CopyFrom(_pulse([call for calls in remembered for call in calls]))
        told.status = self._status(name, [target.status for target in told.targets])
        return told

    def _calls(self, target: str) -> _Calls:
        record = self._health.seen(target)
        return () if record is None else record.calls()

    def _target(self, name: str, places: Sequence[tuple[Route, Target]], calls: _Calls) -> router_pb2.ProviderTarget:
        told = router_pb2.ProviderTarget(target=name, models=[route.model for route, _ in places], pulse=_pulse(calls))
        told.account = places[0][1].account
        told.status, told.because = self._missing(places[0][1])
        if told.status == _UP:
            told.status, told.because = _put_out([target for _, target in places])
        if told.status == _UP:
            now = self._clock.monotonic()
            standing = self._health.standing(name, now)
            told.status, told.because = _STATUS[standing.state], standing.why
            if standing.until is not None:
                told.return_time.CopyFrom(_timestamp(self._clock.time() + standing.until - now))
        return told

    def _missing(self, target: Target) -> tuple[router_pb2.TargetStatus, str]:
        """What keeps a target from being asked at all."""
        entry = self._catalog.entry(target.adapter)
        if entry is None:
            return _DOWN, "Its adapter has not answered yet."
        if not self._catalog.has_key(target):
            return _OFF, "Its account has no key." if target.account else "Its adapter has no key."
        if self._catalog.offer(target) is None and target.provider_model != _ANY:
            return _OFF, "Its adapter does not know the model."
        return _UP, ""

    def _status(self, name: str, statuses: Sequence[int]) -> router_pb2.ProviderStatus:
        """Up, degraded or down; what an operator took out does not count."""
        counted = [status for status in statuses if status != _OFF]
        if not counted:
            entry = self._catalog.entry(name)
            idle = not statuses and entry is not None and entry.configured
            return router_pb2.PROVIDER_STATUS_UP if idle else router_pb2.PROVIDER_STATUS_DOWN
        up = sum(status == _UP for status in counted)
        if up == len(counted):
            return router_pb2.PROVIDER_STATUS_UP
        return router_pb2.PROVIDER_STATUS_DEGRADED if up else router_pb2.PROVIDER_STATUS_DOWN


def _put_out(targets: Iterable[Target]) -> tuple[router_pb2.TargetStatus, str]:
    """Whether operators or weights keep it out of every route that has it."""
    because = ""
    for target in targets:
        if target.held:
            because = f"It {target.held}."
        elif target.weight > 0:
            return _UP, ""
        else:
            because = because or "It has a weight of 0."
    return _OFF, because


def _pulse(calls: _Calls) -> router_pb2.Pulse:
    """What calls tell, each by how long its pictures took in seconds, None where it failed. Pure."""
    pulse = router_pb2.Pulse(call_count=len(calls))
    if calls:
        took = sorted(call for call in calls if call is not None)
        pulse.success_ratio = len(took) / len(calls)
        if took:
            pulse.p50_seconds = took[min(len(took) - 1, len(took) // 2)]
            pulse.p95_seconds = took[min(len(took) - 1, int(0.95 * len(took)))]
    return pulse


def _timestamp(seconds: float) -> Timestamp:
    made = Timestamp()
    made.FromMicroseconds(round(seconds * 1e6))
    return made
