"""What ends the work on a request before its answer is there: the caller leaves, or the process must stop.

Nobody watches: the connection calls when it is lost, and the part calls when its drain is over.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from starlette.types import Scope

_EXTENSION, _LINE = "heliostat", "line"


class CallerLeft(Exception):
    """The caller closed the connection before the answer was there."""


class DrainOver(Exception):
    """The process stops, and has waited long enough for requests under way."""


class Line:
    """The connection to a caller, as the request that is served on it sees it."""

    __slots__ = ("_on_left", "_read_on", "cut", "left")

    def __init__(self, read_on: Callable[[], object], cut: Callable[[], object]) -> None:
        """`read_on` makes the connection read: one that is not read from does not notice its end. `cut` ends it at
        once, whatever it still has to send."""
        self._read_on = read_on
        self.cut = cut
        self._on_left: Callable[[], object] | None = None
        self.left = False

    def watch(self, on_left: Callable[[], object]) -> None:
        """Calls `on_left` once the caller leaves, until `unwatch`; to be called once the body has been read."""
        self._on_left = on_left
        self._read_on()

    def unwatch(self) -> None:
        """Calls nobody any more."""
        self._on_left = None

    def hang_up(self) -> None:
        """The connection is lost."""
        self.left = True
        if self._on_left is not None:
            self._on_left()


def extensions(line: Line) -> dict[str, dict[object, object]]:
    """The extensions of the scope of every request that comes on this line."""
    return {_EXTENSION: {_LINE: line}}


def line_of(scope: Scope) -> Line:
    """The line on which this request came."""
    line: Line = scope["extensions"][_EXTENSION][_LINE]
    return line


class Interruption:
    """The work of one task on one request, which others may end: its blocks `with interruption:` raise the cause."""

    __slots__ = ("_cause", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is served inside of a task")
        self._task = task
        self._cause: type[Exception] | None = None

    def interrupt(self, cause: type[Exception]) -> None:
        """Ends what the task waits for; the innermost block raises a `cause`."""
        if self._cause is None:
            self._cause = cause
            self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cause is None or not isinstance(error, asyncio.CancelledError):
            return
        cause, self._cause = self._cause, None
        self._task.uncancel()
        raise cause from None


class Presence:
    """A block that ends with CallerLeft as soon as the caller closes the connection.

    To be entered once the body has been read.
    """

    __slots__ = ("_interruption", "_line")

    def __init__(self, line: Line, interruption: Interruption) -> None:
        self._line = line
        self._interruption = interruption

    def __enter__(self) -> Self:
        if self._line.left:
            raise CallerLeft
        self._line.watch(self._left)
        return self

    def _left(self) -> None:
        self._interruption.interrupt(CallerLeft)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.unwatch()
        self._interruption.__exit__(kind, error, trace)
