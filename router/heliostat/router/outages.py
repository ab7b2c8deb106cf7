"""Outages of a whole priority of a route, known before each of its targets has failed often enough alone.

A target alone is put out after several failures of its own. Where many targets of one priority break together (they
share a region, a name server or a bill) each would need its own; but requests that go wrong one after the other,
whomever they ask first, say it of all of them. It counts only where a target of another priority could serve instead.
"""

from collections.abc import Container
from dataclasses import dataclass

from heliostat.router.chooser import Chooser
from heliostat.router.health import Health, Permit
from heliostat.router.record import State
from heliostat.router.table import Route, Target

_ANY = "/*"
# Requests in a row after which the next try of each goes to another priority.
_SUSPECT = 2
# So many targets that failed tell of one cause that they have in common with the others of their priority.
_SEVERAL = 3


@dataclass(slots=True)
class _Row:
    """Requests in a row whose first attempt failed, within one priority."""

    began: float
    count: int = 0
    earlier: int = 0  # good ends of calls that began before the row did


_Key = tuple[str, int]


class Outages:
    """The rows of failures of all priorities that fail now; usually none."""

    def __init__(self, health: Health, chooser: Chooser, least: int) -> None:
        """From `least` requests in a row on, a whole priority fails."""
        self._health = health
        self._chooser = chooser
        self._least = least
        self._rows: dict[_Key, _Row] = {}

    def __bool__(self) -> bool:
        """True where some priority fails now."""
        return bool(self._rows)

    def worked(self, route: Route, target: Target, permit: Permit) -> None:
        """A call came back well, which ends the row of its priority.

        Calls that began before the row did tell of the time before it: only as many as failed end it.
        """
        key = self._key(_tier(route, target))
        row = self._rows.get(key)
        if row is None:
            return
        if permit.began < row.began and row.earlier < row.count:
            row.earlier += 1
        else:
            del self._rows[key]

    def failed(self, route: Route, target: Target, outs: Container[str], now: float, *, is_first: bool) -> None:
        """A call failed. Where its whole priority fails and another one stands, its targets that failed are put out.

        Further attempts of one request count no more than its first: the request itself may be to blame. `outs` are
        names that cannot do what was asked.
        """
        tier = _tier(route, target)
        if len(route.tiers) == 1 or len(tier) == 1:
            return
        key = self._key(tier)
        if key[0].endswith(_ANY):
            return
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(now)
        row.count += is_first
        if row.count >= self._least and self._others_stand(route, tier, outs, now):
            self._put_out(tier, now, row.count)

    def suspected(self, route: Route, target: Target) -> bool:
        """True where requests in a row went wrong in the target's priority: more of it are not worth a try."""
        row = self._rows.get(self._key(_tier(route, target))) if self._rows else None
        return row is not None and row.count >= _SUSPECT

    def _put_out(self, tier: tuple[Target, ...], now: float, count: int) -> None:
        """All of the tier whose last call failed; where these are several, the others as well, unasked."""
        standing = [
            label
            for label in map(self._chooser.label, tier)
            if self._health.standing(label, now).state is State.HEALTHY and not label.endswith(_ANY)
        ]
        failing = [label for label in standing if self._has_failed(label)]
        is_common = len(failing) + len(tier) - len(standing) >= _SEVERAL
        for label in standing if is_common else failing:
            self._health.eject(label, f"has a priority whose last {count} requests all failed at first")

    def _has_failed(self, label: str) -> bool:
        record = self._health.seen(label)
        return record is not None and record.consecutive_failures > 0

    def _others_stand(self, route: Route, failing: tuple[Target, ...], outs: Container[str], now: float) -> bool:
        return any(
            target.name not in outs and self._health.standing(self._chooser.label(target), now).state is State.HEALTHY
            for tier in route.tiers
            if tier is not failing
            for target in tier
        )

    def _key(self, tier: tuple[Target, ...]) -> _Key:
        """The priority by its first target, however the route that has it is called: callers may make up names."""
        return (self._chooser.label(tier[0]), len(tier)) if tier else ("", 0)


def _tier(route: Route, target: Target) -> tuple[Target, ...]:
    """The targets that have the priority of one of them."""
    return next((tier for tier in route.tiers if tier[0].priority == target.priority), ())
