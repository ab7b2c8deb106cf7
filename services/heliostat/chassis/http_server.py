"""An HTTP server that lives in a process's own loop: a listener with a telling error, and uvicorn without signals."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

BACKLOG = 2048


class HttpServer(uvicorn.Server):
    """uvicorn without hands on signals: the process decides when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take connections, and says so."""
        await super().startup(sockets)
        self.up.set()


class Serving:
    """A server at work."""

    def __init__(self, server: HttpServer, task: asyncio.Task[None]) -> None:
        self._server = server
        self.task = task

    def ask_to_stop(self) -> None:
        """Takes no more connections; those that are open end with the answer under way."""
        self._server.should_exit = True


async def serve(app: Any, listener: socket.socket, **options: Any) -> Serving:
    """Serves an ASGI application on a listener, as soon as this returns. `options` are uvicorn's."""
    # What uvicorn would say in plain text on standard error, parts say in their own log or to the caller.
    logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
    config = uvicorn.Config(
        app,
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        **options,
    )
    server = HttpServer(config)
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    up = asyncio.ensure_future(server.up.wait())
    await asyncio.wait((up, task), return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    if task.done():
        task.result()
    return Serving(server, task)


def listen(host: str, port: int, key: str) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises INVALID_FIELD naming `key`, the setting to change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python's own text goes on with the address.
        why = (error.strerror or str(error)).partition(" (")[0]
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"Cannot listen on {host}:{port}: {why}; choose another {key} or end the process that holds it.",
            field=key,
        ) from None
    # Connections inherit it. Without it the body of an answer waits up to 40 ms for the head's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


def listening_url(host: str, port: int) -> str:
    """The address of a listener as callers on this machine write it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"http://{name}:{port}"
