"""Keeps this replica in step with the others: overrides and resets of operators, pauses of rate limits.

The database is asked a few times a second, and told at once of pauses that this replica was given. While it is away
what is known last stays, and the replica goes by its own traffic.
"""

import asyncio
import contextlib
from collections.abc import Callable

from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.router.health import Change, Health
from heliostat.router.overrides import Overrides
from heliostat.router.store import MOST_PAUSE_S, Pause, Snapshot, Store

log = get_logger("heliostat.router.following")

PAUSED = "paused"
# A reset is looked for this long after it was made: longer than clocks of replicas may differ.
_RESET_WINDOW_S = 30.0
# Between two writes of pauses: a storm of them is told together.
_BREATH_S = 0.1
# How long the router's start waits for overrides; then it goes on without the database.
_PATIENCE_S = 5.0


class Follower:
    """One replica's view of what replicas share."""

    def __init__(
        self,
        store: Store,
        overrides: Overrides,
        health: Health,
        clock: Clock,
        *,
        owner: str,
        interval_s: float,
        on_change: Callable[[set[str]], None],
        on_look: Callable[[], None],
    ) -> None:
        """`owner` names this replica; `on_change` is told which targets' overrides changed; `on_look` is called at
        every look, with the database and without.
        """
        self._store = store
        self._overrides = overrides
        self._health = health
        self._clock = clock
        self._owner = owner
        self._interval_s = interval_s
        self._on_change = on_change
        self._on_look = on_look
        self._open = False
        self._well = True
        self._looking = asyncio.Lock()
        self._looked = asyncio.Event()
        self._news = asyncio.Event()
        self._untold: dict[str, Pause] = {}
        self._paused_until_us: dict[str, int] = {}
        self._resets_seen: set[int] | None = None
        self._task: asyncio.Task[None] | None = None
        health.listen(self._heard)

    async def start(self) -> None:
        """Begins to follow; returns when what is kept is known, or after some seconds without the database."""
        self._task = asyncio.create_task(self._follow(), name="follow overrides")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._looked.wait()

    async def stop(self) -> None:
        """Follows no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._open:
            self._open = False
            await self._store.close()

    async def look(self) -> None:
        """Takes up what is kept now. Raises MESH_UNAVAILABLE."""
        async with self._looking:
            now_us = round(self._clock.time() * 1e6)
            self._take(await self._store.look(now_us, now_us - round(_RESET_WINDOW_S * 1e6)))

    def _heard(self, change: Change) -> None:
        """A pause that this replica was given is told to the others."""
        if change.kind != PAUSED or change.until is None or change.shared:
            return
        left_s = change.until - self._clock.monotonic()
        until_us = round((self._clock.time() + left_s) * 1e6)
        why = change.message.removeprefix("It ").removesuffix(".")
        self._untold[change.target] = Pause(change.target, until_us, why, self._owner)
        self._news.set()

    async def _follow(self) -> None:
        while True:
            try:
                if not self._open:
                    await self._store.open()
                    self._open = True
                await self._tell()
                await self.look()
                self._found(well=True)
            except MeshError as error:
                self._found(well=False, reason=reason_name(error.reason))
            except Exception as error:
                log.unforeseen("what replicas share cannot be followed", error)
            self._looked.set()
            self._on_look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._news.wait()
                    await asyncio.sleep(min(_BREATH_S, self._interval_s))
            self._news.clear()

    async def _tell(self) -> None:
        told, self._untold = self._untold, {}
        if told:
            await self._store.pause(told.values(), round(self._clock.time() * 1e6))

    def _found(self, *, well: bool, reason: str = "") -> None:
        if well is not self._well:
            self._well = well
            if well:
                log.info("the database is back: overrides and pauses are shared again")
            else:
                log.warning("the database is away: overrides stay as they are, pauses are not shared", reason=reason)

    def _take(self, snapshot: Snapshot) -> None:
        changed = self._overrides.replace(snapshot.overrides)
        if changed:
            self._on_change(changed)
        self._take_resets(snapshot)
        for pause in snapshot.pauses:
            self._take_pause(pause)

    def _take_resets(self, snapshot: Snapshot) -> None:
        """Resets that were made since this replica began to follow."""
        found = {reset.change_id for reset in snapshot.resets}
        if self._resets_seen is not None:
            for target in {reset.target for reset in snapshot.resets if reset.change_id not in self._resets_seen}:
                self._paused_until_us.pop(target, None)
                self._untold.pop(target, None)
                self._health.reset(target)
        self._resets_seen = found

    def _take_pause(self, pause: Pause) -> None:
        if pause.owner == self._owner or self._paused_until_us.get(pause.target, 0) >= pause.until_us:
            return
        self._paused_until_us[pause.target] = pause.until_us
        left_s = min(pause.until_us / 1e6 - self._clock.time(), MOST_PAUSE_S)
        if left_s > 0:
            self._health.pause(pause.target, self._clock.monotonic() + left_s, pause.why, shared=True)
