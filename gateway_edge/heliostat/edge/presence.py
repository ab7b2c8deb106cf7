"""Whether the caller is still there while an answer is being made."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive


class CallerLeft(Exception):
    """The caller closed the connection before the answer was there."""


class Presence:
    """A block that ends with CallerLeft as soon as the caller closes the connection.

    To be entered once the body has been read: what still comes is only the disconnect.
    """

    __slots__ = ("_left", "_receive", "_task", "_watcher")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("presence is watched inside of a task")
        self._task = task
        self._watcher = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        if self._left and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise CallerLeft from None
