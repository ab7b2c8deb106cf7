"""What operators change while the router runs: checked, kept, taken up, and written down with who asked for it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.router.board import Board
from heliostat.router.events import CHANGED, Bulletin
from heliostat.router.following import Follower
from heliostat.router.overrides import AdminState, Override, Overrides
from heliostat.router.store import RESET, Change, Store
from heliostat.router.table import did_you_mean

FIELDS = ("priority", "weight", "admin_state")
_MOST_PRIORITY = 1000
_MOST_TOLD = 20
_CONFIGURED = "as the configuration says"


class Control:
    """The operators' hands."""

    def __init__(
        self,
        board: Board,
        overrides: Overrides,
        *,
        store: Store,
        follower: Follower,
        bulletin: Bulletin,
        clock: Clock,
    ) -> None:
        self._board = board
        self._overrides = overrides
        self._store = store
        self._follower = follower
        self._bulletin = bulletin
        self._clock = clock

    async def update(self, wanted: admin_pb2.Target, paths: Iterable[str], who: str) -> list[admin_pb2.Target]:
        """Overrides what `paths` name; gives the targets after the change.

        Raises INVALID_FIELD, RESOURCE_NOT_FOUND, MESH_UNAVAILABLE where the change cannot be kept.
        """
        route = self._known(wanted.name, wanted.route)
        override = _override(wanted, list(paths), route)
        earlier = next((row for row in self._overrides.rows() if (row.route, row.target) == (route, wanted.name)), None)
        kept = override if earlier is None else earlier.merged(override)
        rows = [kept]
        if not route:
            # What is meant for all routes holds on those as well that had an override of their own.
            rows += [row.merged(override) for row in self._overrides.rows() if row.target == wanted.name and row.route]
        rows = self._needed(rows)
        before = self._told(wanted.name, route)
        after = self._told(wanted.name, route, override)
        change = self._change("update", who, target=wanted.name, route=route, before=before, after=after)
        await self._store.override(rows, change)
        return await self._taken_up(change)

    def _needed(self, rows: Sequence[Override]) -> list[Override]:
        """The rows with no more in them than what differs from the configuration, in which every target is enabled: it
        need not be said, unless all routes have the target held. A row with nothing in it is to be forgotten.
        """
        everywhere = {(row.route, row.target): row for row in (*self._overrides.rows(), *rows)}
        needed = []
        for row in rows:
            above = everywhere.get(("", row.target)) if row.route else None
            said = row.admin_state is not AdminState.ENABLED or (
                above is not None and above.admin_state not in {None, AdminState.ENABLED}
            )
            needed.append(row if said else replace(row, admin_state=None))
        return needed

    async def clear(self, name: str, route: str, who: str) -> list[admin_pb2.Target]:
        """Back to the configuration, on one route or (where that is empty) on all. Raises as `update`."""
        route = self._known(name, route)
        before = self._told(name, route)
        change = self._change("clear", who, target=name, route=route, before=before, after=_CONFIGURED)
        await self._store.clear(name, route, change)
        return await self._taken_up(change)

    async def reset(self, name: str, who: str) -> list[admin_pb2.Target]:
        """Forgets failures and pauses of a target on every replica; gives it as it stands here. Raises as `update`."""
        self._known(name, "")
        for each in self._board.accounts_of(name):
            before = "; ".join(_health(target) for target in list(self._board.targets(names=[each]))[:1])
            change = self._change(RESET, who, target=each, before=before, after="nothing is held against it")
            await self._store.reset(change)
        return await self._taken_up(replace(change, target=name))

    async def changes(self, target: str, size: int, before_id: int | None) -> list[Change]:
        """The newest changes, those before `before_id` where it is given. Raises MESH_UNAVAILABLE."""
        return await self._store.changes(target, size, before_id)

    async def _taken_up(self, change: Change) -> list[admin_pb2.Target]:
        await self._follower.look()
        where = f' on route "{change.route}"' if change.route else ""
        self._bulletin.post(
            CHANGED,
            f"{change.who or 'Somebody'}: {change.what} of {change.target}{where}, now {change.after}.",
            change.target,
        )
        return list(self._board.targets(change.route, [change.target]))

    def _change(self, what: str, who: str, **values: str) -> Change:
        return Change(round(self._clock.time() * 1e6), who, what, **values)  # type: ignore[arg-type]

    def _known(self, name: str, route: str) -> str:
        """The route's own name, where one is given. Raises RESOURCE_NOT_FOUND, saying what there is."""
        entries = self._board.routes_of(name)
        if not entries:
            near = did_you_mean(name, self._board.names()) or "; `heliostat admin targets` lists those there are."
            raise _unknown(f'There is no target "{name[:100]}"{near}')
        if not route:
            return ""
        for entry in entries:
            if route in (entry.model, *entry.aliases):
                return entry.model
        models = ", ".join(f'"{entry.model}"' for entry in entries[:_MOST_TOLD])
        raise _unknown(f'Route "{route[:100]}" has no target "{name}"; it belongs to {models}.')

    def _told(self, name: str, route: str, over: Override | None = None) -> str:
        """How the target stands on its routes, or how it will with `over`."""
        told: dict[str, list[str]] = {}
        for target in self._board.targets(route, [name]):
            current = Override(name, "", target.priority, target.weight, AdminState(target.admin_state))
            told.setdefault(_standing(current if over is None else current.merged(over)), []).append(target.route)
        if len(told) == 1:
            return next(iter(told))
        return "; ".join(f"{', '.join(routes[:_MOST_TOLD])}: {standing}" for standing, routes in told.items())


def _override(wanted: admin_pb2.Target, paths: list[str], route: str) -> Override:
    """What is asked for, checked. Raises INVALID_FIELD."""
    if not paths:
        raise _invalid(
            "update_mask", f"Name what to change in update_mask: {', '.join(FIELDS)}; or set clear_override."
        )
    for path in paths:
        if path not in FIELDS:
            raise _invalid("update_mask", f'"{path[:100]}" cannot be changed; {", ".join(FIELDS)} can.')
    override = Override(wanted.name, route)
    if "priority" in paths:
        if not 0 <= wanted.priority <= _MOST_PRIORITY:
            raise _invalid(
                "target.priority", f"A priority is 0 to {_MOST_PRIORITY}, not {wanted.priority}; 0 is first."
            )
        override = replace(override, priority=wanted.priority)
    if "weight" in paths:
        if not (math.isfinite(wanted.weight) and wanted.weight >= 0):
            raise _invalid(
                "target.weight", f"A weight is a number of 0 or more, not {wanted.weight:g}; 0 takes it out."
            )
        override = replace(override, weight=wanted.weight)
    if "admin_state" in paths:
        number = wanted.admin_state or admin_pb2.ADMIN_STATE_ENABLED
        if number not in {int(state) for state in AdminState}:
            raise _invalid("target.admin_state", "An admin state is ENABLED, DRAINING or DISABLED.")
        override = replace(override, admin_state=AdminState(number))
    return override


def _standing(override: Override) -> str:
    state = AdminState(override.admin_state or AdminState.ENABLED).name.lower()
    return f"priority {override.priority}, weight {override.weight:g}, {state}"


def _health(target: admin_pb2.Target) -> str:
    state = admin_pb2.HealthState.Name(target.health_state).removeprefix("HEALTH_STATE_").lower()
    return f"{state}, {target.consecutive_failure_count} failures in a row"


def _unknown(message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message)


def _invalid(field: str, message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=field)
