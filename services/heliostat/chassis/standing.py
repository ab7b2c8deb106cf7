"""Whether a store can be relied on now, and who wants to know when that changes."""

import asyncio
from collections.abc import Callable

from heliostat.chassis.logs import get_logger

log = get_logger(__name__)


class Standing:
    """Up or down, as its owner has last seen it. All calls are made on the event loop; it begins up."""

    def __init__(self, name: str) -> None:
        """`name` is the store's in the log, such as "database"."""
        self._name = name
        self._up = True
        self._changed = asyncio.Event()
        self._callbacks: list[Callable[[bool], object]] = []

    @property
    def up(self) -> bool:
        """False from a failure on until the store has been seen to work again."""
        return self._up

    def on_change(self, callback: Callable[[bool], object]) -> None:
        """Calls `callback(up)` at every change from now on."""
        self._callbacks.append(callback)

    def set(self, up: bool) -> None:
        """What has been seen last; a change is logged and told."""
        if up == self._up:
            return
        self._up = up
        if up:
            log.info("a store is back", store=self._name)
        else:
            log.warning("a store is down; nothing new is bought until it is back", store=self._name)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for callback in list(self._callbacks):
            callback(up)

    async def wait_up(self) -> None:
        """Returns as soon as the store is up."""
        while not self._up:
            await self._changed.wait()
