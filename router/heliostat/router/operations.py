"""What operators see and change while the router runs, put together."""

import asyncio
import os
import secrets
from collections.abc import Coroutine, Iterable
from typing import Any

from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.chassis.modules import Surroundings
from heliostat.router.board import Board
from heliostat.router.catalog import Catalog
from heliostat.router.control import Control
from heliostat.router.directory import Directory
from heliostat.router.events import (
    CREDIT_EXHAUSTED,
    EJECTED,
    KEY_REFUSED,
    KINDS,
    MODEL_GONE,
    RELOAD_REFUSED,
    RELOADED,
    Bulletin,
)
from heliostat.router.following import PAUSED, Follower
from heliostat.router.health import Change as Happening
from heliostat.router.health import Health, State
from heliostat.router.overrides import Overrides
from heliostat.router.settings import EventSettings, RouterSettings
from heliostat.router.store import Change, Store
from heliostat.router.watching import Watchers
from heliostat.router.webhook import Webhook

log = get_logger("heliostat.router.operations")

_PUT_OUT = frozenset({EJECTED, KEY_REFUSED, CREDIT_EXHAUSTED, MODEL_GONE})
_HELD = "held"
_SHOWN = (*(state.value for state in State), _HELD)


class Operations:
    """The operators' side of one router."""

    def __init__(
        self,
        settings: RouterSettings,
        surroundings: Surroundings,
        *,
        directory: Directory,
        catalog: Catalog,
        health: Health,
        overrides: Overrides,
    ) -> None:
        clock = surroundings.clock
        self._clock = clock
        self._directory = directory
        self._routes_state = directory.state
        self._health = health
        self._overrides = overrides
        self.bulletin = Bulletin(clock)
        self.board = Board(directory, catalog, health, overrides, clock)
        self.watchers = Watchers(self.board, clock, surroundings.draining)
        self.store = Store(surroundings.database())
        self._follower = Follower(
            self.store,
            overrides,
            health,
            clock,
            owner=f"{os.getpid()}-{secrets.token_hex(4)}",
            interval_s=settings.follow_interval_s,
            on_change=self._overridden,
            on_look=self._looked,
        )
        self.control = Control(
            self.board, overrides, store=self.store, follower=self._follower, bulletin=self.bulletin, clock=clock
        )
        self._events = settings.events
        self._webhook: Webhook | None = None
        # Targets that were out at least once: their state is a metric, the others' would be noise.
        self._shown: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        health.listen(self._happened)
        self.bulletin.listen(self.watchers.posted)

    async def start(self) -> None:
        """Begins to follow what replicas share, and to send events."""
        self._send_to(self._events)
        await self._follower.start()

    async def stop(self) -> None:
        """Ends it."""
        await self._follower.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._webhook is not None:
            await self._webhook.stop()

    def reloaded(self, events: EventSettings, source: str, before: str, after: str) -> None:
        """Another configuration is in use: tells so, and keeps it among the changes."""
        if events != self._events:
            self._events = events
            self._send_to(events)
        self.watchers.all_changed()
        self._health.make_room()
        self.bulletin.post(RELOADED, f"{source}: {after}.")
        self._do(self._note(Change(round(self._clock.time() * 1e6), source, "reload", before=before, after=after)))

    def refused(self, error: MeshError) -> None:
        """A changed configuration was refused: the one before goes on."""
        self.bulletin.post(RELOAD_REFUSED, error.message)

    async def _note(self, change: Change) -> None:
        try:
            await self.store.note(change)
        except MeshError as error:
            log.warning("a reload is not among the changes", reason=reason_name(error.reason))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something beside what runs; it is ended with the router."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send_to(self, events: EventSettings) -> None:
        if self._webhook is not None:
            self.bulletin.leave(self._webhook.take)
            self._do(self._webhook.stop())
            self._webhook = None
        if events.webhook_url and events.webhook_secret is not None:
            self._webhook = Webhook(events.webhook_url, events.webhook_secret, self._clock)
            self._webhook.start()
            self.bulletin.listen(self._webhook.take)

    def _overridden(self, targets: set[str]) -> None:
        """Operators changed something, here or at another replica."""
        self._shown |= targets
        self.watchers.changed(targets)
        # Who waits for a target may ask another one now.
        self._health.make_room()

    def _happened(self, change: Happening) -> None:
        """Something happened to a target, or (where its name has no model) to all of an adapter."""
        if change.kind in _PUT_OUT:
            telemetry.EJECTIONS.labels(change.target, change.kind).inc()
        elif change.kind == PAUSED and not change.shared:
            telemetry.PAUSES.labels(change.target).inc()
        names = self._concerned(change.target)
        self._shown.update(names)
        self._show(names)
        self.watchers.changed(names)
        if change.kind in KINDS and change.kind != "changed":
            self.bulletin.post(change.kind, change.message, change.target)

    def _concerned(self, name: str) -> list[str]:
        if "/" in name:
            return [name]
        return [target for target in self.board.names() if target.startswith(f"{name}/")]

    def _looked(self) -> None:
        self._show(self._shown)
        # What adapters know may have changed meanwhile, and the routes that are made of it.
        if self._directory.state != self._routes_state:
            self._routes_state = self._directory.state
            self.watchers.all_changed()

    def _show(self, names: Iterable[str]) -> None:
        now = self._clock.monotonic()
        for name in names:
            state = self._health.standing(name, now).state.value
            if state == State.HEALTHY.value and self._is_held(name):
                state = _HELD
            for each in _SHOWN:
                telemetry.TARGET_STATE.labels(name, each).set(each == state)

    def _is_held(self, name: str) -> bool:
        """True where an operator keeps the target out of all of its routes."""
        routes: Iterable[str] = [route.model for route in self.board.routes_of(name)] or [""]
        return all(self._overrides.holds(route, name) for route in routes)
