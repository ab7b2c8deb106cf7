"""MODULE: the edge as a runnable part, under uvicorn, in the process's own loop."""

import asyncio
import math
from collections.abc import Sequence

from heliostat.api.ledger.v1.ledger_pb2_grpc import LedgerServiceStub
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.chassis.http_server import Serving, listen, listening_url, serve
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.edge.app import App
from heliostat.edge.desk import Desk
from heliostat.edge.links import Signer
from heliostat.edge.protocol import http_protocol
from heliostat.edge.settings import EdgeSettings

# How long connections may take, after the drain, to take over what was answered; in seconds.
_FAREWELL_S = 2


class EdgePart:
    """The edge while it runs. `url` is where it listens, such as "http://127.0.0.1:8080"."""

    services: Sequence[Service] = ()

    def __init__(self, settings: EdgeSettings, desk: Desk) -> None:
        self._settings = settings
        self._desk = desk
        self.app = App(desk)
        self.url = ""
        self._serving: Serving | None = None

    async def start(self) -> None:
        """Listens. Raises INVALID_FIELD where the address is taken or not ours."""
        settings = self._settings
        listener = listen(settings.host, settings.port, "edge.port")
        self.url = listening_url(settings.host, listener.getsockname()[1])
        self._desk.listening_on = self.url
        self._serving = await serve(
            self.app,
            listener,
            http=http_protocol(settings),
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=math.ceil(settings.drain_s) + _FAREWELL_S,
        )

    async def stop(self) -> None:
        """Takes no more requests, lets those under way go on for up to `drain_s` seconds, then answers them.

        Who is cancelled in here has no more patience: the answers go out at once. May be called again.
        """
        if self._serving is None:
            return
        self._serving.ask_to_stop()
        serving = self._serving.task
        try:
            await asyncio.wait((serving,), timeout=self._settings.drain_s)
        finally:
            self.app.end_all()
        # Never cancelled from here: uvicorn would leave its connections as they are.
        await asyncio.wait((serving,))
        serving.result()


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
