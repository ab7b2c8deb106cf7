"""An emulator server inside the running loop: uvicorn's HTTP protocol on a listener of our own.

uvicorn's own `Server` installs signal handlers and ticks every 0.1 s; a test that starts twenty servers wants neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from heliostat.emulators.faults import TRANSPORT
from heliostat.emulators.websocket import WebSocketProtocol


class EmulatorProtocol(HttpToolsProtocol):
    """HTTP/1.1 that hands each request its transport, so that an answer can be broken on the socket."""

    def on_message_begin(self) -> None:
        """Begin a request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class EmulatorServer:
    """Serves one app made by `create_app` until it is stopped. Not to be started twice."""

    def __init__(
        self, app: Starlette, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take the app and where to listen; port 0 lets the system choose. `tls`: https, for clients that insist."""
        self._app = app
        self._host = host
        self._port = port
        self._tls = tls
        self._state = ServerState()
        self._listener: asyncio.Server | None = None
        self._lifespan = contextlib.AsyncExitStack()

    async def start(self) -> str:
        """Listen, and give the base URL. Raises OSError when the port is taken."""
        await self._lifespan.enter_async_context(self._app.router.lifespan_context(self._app))
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            http=EmulatorProtocol,
            ws=WebSocketProtocol,
            lifespan="off",
            log_config=None,
            timeout_keep_alive=75,
        )
        config.load()
        loop = asyncio.get_running_loop()

        def protocol() -> EmulatorProtocol:
            return EmulatorProtocol(config=config, server_state=self._state, app_state={}, _loop=loop)

        self._listener = await loop.create_server(protocol, self._host, self._port, backlog=2048, ssl=self._tls)
        port = self._listener.sockets[0].getsockname()[1]
        return f"{'https' if self._tls else 'http'}://{self._host}:{port}"

    async def stop(self) -> None:
        """Close the listener, every connection and every job; answers under way are cut off."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # one turn of the loop: the protocols learn of it, stalled answers end by themselves
        tasks: list[asyncio.Task[Any]] = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lifespan.aclose()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only `stop` cancels, after it has aborted the connection: uvicorn would log that as an error of the app.
        with contextlib.suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)
