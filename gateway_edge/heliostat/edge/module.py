"""MODULE: the edge as a runnable part, under uvicorn, in the process's own loop."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Iterator, Sequence

import uvicorn

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1.ledger_pb2_grpc import LedgerServiceStub
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.edge.app import App
from heliostat.edge.desk import Desk
from heliostat.edge.links import Signer, listening_url
from heliostat.edge.protocol import http_protocol
from heliostat.edge.settings import EdgeSettings

_BACKLOG = 2048
# How long connections may take, after the drain, to take over what was answered; in seconds.
_FAREWELL_S = 2


class _Server(uvicorn.Server):
    """uvicorn without hands on signals: the process decides when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


class EdgePart:
    """The edge while it runs. `url` is where it listens, such as "http://127.0.0.1:8080"."""

    services: Sequence[Service] = ()

    def __init__(self, settings: EdgeSettings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self.app = App(desk)
        self.url = ""
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens. Raises INVALID_FIELD where the address is taken or not ours."""
        listener = _listener(self._settings)
        self.url = listening_url(self._settings.host, listener.getsockname()[1])
        self._desk.listening_on = self.url
        self._server = _Server(_config(self.app, self._settings))
        self._serving = asyncio.get_running_loop().create_task(self._server.serve([listener]))
        up = asyncio.ensure_future(self._server.up.wait())
        await asyncio.wait((up, self._serving), return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._serving.done():
            self._serving.result()

    async def stop(self) -> None:
        """Takes no more requests, lets those under way go on for up to `drain_s` seconds, then answers them.

        Who is cancelled in here has no more patience: the answers go out at once. May be called again.
        """
        if self._serving is None:
            return
        self._server.should_exit = True
        try:
            await asyncio.wait((self._serving,), timeout=self._settings.drain_s)
        finally:
            self.app.end_all()
        # Never cancelled from here: uvicorn would leave its connections as they are.
        await asyncio.wait((self._serving,))
        self._serving.result()


def _listener(settings: EdgeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another edge.port or end "
            "the process that holds it.",
            field="edge.port",
        ) from None
    # Connections inherit it. Without it the body of an answer waits up to 40 ms for the head's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


def _config(app: App, settings: EdgeSettings) -> uvicorn.Config:
    # What uvicorn would say in plain text on standard error, the edge says in its own log or to the caller.
    logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
    return uvicorn.Config(
        app,
        http=http_protocol(settings),
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=math.ceil(settings.drain_s) + _FAREWELL_S,
        backlog=_BACKLOG,
    )


def build(settings: EdgeSettings, surroundings: Surroundings) -> EdgePart:
    """The edge from its settings and surroundings."""
    channel = surroundings.channel(settings.router)
    desk = Desk(
        settings=settings,
        channel=channel,
        blobs=surroundings.blobs,
        clock=surroundings.clock,
        signer=Signer(surroundings.secret("media")),
        sandbox=surroundings.sandbox,
        draining=surroundings.draining,
        router=RouterServiceStub(channel),
        ledger=LedgerServiceStub(channel),
    )
    return EdgePart(settings, desk)


MODULE = Module("edge", ("edge",), EdgeSettings, build)
