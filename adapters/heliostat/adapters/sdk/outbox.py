"""Between the task of an attempt and the stream that tells of it: events that are ready together travel together."""

import asyncio
from collections import deque

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2

MESSAGE_BYTES = 3 * 1024 * 1024
BACKLOG_MESSAGES = 4
LIGHT_BYTES = 64 * 1024


class Outbox:
    """Collects events into messages of at most 3 MiB of picture bytes.

    One writer, one reader. The reader takes a message as soon as the writer waits for something else; a writer that is
    four messages ahead waits in `room`.
    """

    def __init__(self, attempt_id: str) -> None:
        self._attempt_id = attempt_id
        self._full: deque[adapter_pb2.GenerateResponse] = deque()
        self._open: adapter_pb2.GenerateResponse | None = None
        self._open_bytes = 0
        self._closed = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def add(self, size_bytes: int = 0) -> event_pb2.ImageEvent:
        """A new last event, to be filled in place; `size_bytes` are the picture bytes that it will carry.

        In place, because a message put into another one is copied, bytes and all.
        """
        if self._open is not None and self._open_bytes + size_bytes > MESSAGE_BYTES:
            self._full.append(self._open)
            self._open = None
        if self._open is None:
            self._open = adapter_pb2.GenerateResponse()
            self._open_bytes = 0
        self._open_bytes += size_bytes
        event = self._open.events.add()
        event.attempt_id = self._attempt_id
        _wake(self._reader)
        return event

    def part(self) -> None:
        """Lets what follows travel apart from pictures before it: whoever changes it need not copy them."""
        if self._open is not None and self._open_bytes > LIGHT_BYTES:
            self._full.append(self._open)
            self._open = None

    async def room(self) -> None:
        """Waits until the reader has caught up."""
        while len(self._full) >= BACKLOG_MESSAGES:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    def close(self) -> None:
        """No event follows."""
        self._closed = True
        _wake(self._reader)

    async def take(self) -> adapter_pb2.GenerateResponse | None:
        """The next message; None after the last one."""
        while True:
            if self._full:
                _wake(self._writer)
                return self._full.popleft()
            if self._open is not None:
                message, self._open = self._open, None
                return message
            if self._closed:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader


def _wake(sleeper: "asyncio.Future[None] | None") -> None:
    if sleeper is not None and not sleeper.done():
        sleeper.set_result(None)
