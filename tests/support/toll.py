"""A TCP address on loopback that leads to a server's own, and on which a test holds things up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self


class Toll:
    """Passes bytes both ways. `delay_s` is how long every piece from the server waits; `closed` refuses newcomers."""

    def __init__(self, goal: str | tuple[str, int]) -> None:
        self._goal = goal
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.delay_s = 0.0
        self.closed = False
        self.passed = 0
        """Connections that were let through."""

    @classmethod
    @asynccontextmanager
    async def to(cls, goal: str | tuple[str, int]) -> AsyncIterator[Self]:
        """Stands before a unix socket, or before (host, port), while the block runs."""
        toll = cls(goal)
        toll._server = await asyncio.start_server(toll._enter, "127.0.0.1", 0)
        try:
            yield toll
        finally:
            toll._server.close()
            toll.cut()
            for task in list(toll._tasks):
                task.cancel()
            await asyncio.gather(*toll._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def address(self, database: str) -> str:
        """A PostgreSQL database's address by way of this one."""
        name = database.rpartition("?")[0].rpartition("/")[2]
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def cut(self) -> None:
        """Ends every connection that stands."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        self.passed += 1
        try:
            if isinstance(self._goal, str):
                back, onward = await asyncio.open_unix_connection(self._goal)
            else:
                back, onward = await asyncio.open_connection(*self._goal)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, onward}
        for source, sink, slow in ((reader, onward, False), (back, writer, True)):
            task = asyncio.create_task(self._pass(source, sink, slow=slow))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slow: bool) -> None:
        with suppress(OSError):
            while piece := await source.read(65_536):
                if slow and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                sink.write(piece)
                await sink.drain()
        self._writers.discard(sink)
        sink.transport.abort()
