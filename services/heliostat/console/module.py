"""MODULE: the console as a runnable part, under uvicorn, in the process's own loop."""

import asyncio
from collections.abc import Sequence

from heliostat.api.ledger.v1.admin_pb2_grpc import LedgerAdminServiceStub
from heliostat.api.ledger.v1.ledger_pb2_grpc import LedgerServiceStub
from heliostat.api.router.v1.admin_pb2_grpc import RouterAdminServiceStub
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.api.sandbox.v1.sandbox_pb2_grpc import SandboxServiceStub
from heliostat.chassis.http_server import Serving, listen, listening_url, serve
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.chassis.settings import refused
from heliostat.console.app import Console
from heliostat.console.desk import Desk
from heliostat.console.guard import is_loopback
from heliostat.console.passwords import is_hash
from heliostat.console.settings import ConsoleSettings

# How long answers under way may take after a stop, in seconds; open event streams end at once.
_FAREWELL_S = 2


class ConsolePart:
    """The console while it runs. `url` is where it listens, such as "http://127.0.0.1:8081"."""

    services: Sequence[Service] = ()

    def __init__(self, desk: Desk, password_hash: str) -> None:
        self._settings = desk.settings
        self.console = Console(desk, password_hash)
        self.url = ""
        self._serving: Serving | None = None
        self._compiling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens. Raises INVALID_FIELD where the address is taken or not ours."""
        settings = self._settings
        listener = listen(settings.host, settings.port, "console.port")
        self.url = listening_url(settings.host, listener.getsockname()[1])
        self.console.feed.start()
        self.console.sandbox.start()
        self._serving = await serve(self.console.app, listener, timeout_graceful_shutdown=_FAREWELL_S)
        self._compiling = asyncio.create_task(asyncio.to_thread(self.console.views.compile))

    async def stop(self) -> None:
        """Ends open pages' streams, gives answers under way a moment. May be called again."""
        self.console.live.close()
        await self.console.feed.stop()
        await self.console.sandbox.stop()
        if self._compiling is not None:
            await self._compiling
        if self._serving is not None:
            self._serving.ask_to_stop()
            await asyncio.wait((self._serving.task,))
            self._serving.task.result()
        await self.console.pictures.close()


def build(settings: ConsoleSettings, surroundings: Surroundings) -> ConsolePart:
    """The console. Raises INVALID_FIELD where it would stand open to anybody but a sandbox's own machine."""
    password_hash = settings.password_hash.reveal() if settings.password_hash is not None else ""
    if password_hash and not is_hash(password_hash):
        raise refused("console.password_hash leads to no hash; `heliostat console-password` makes one.")
    if not password_hash and not (surroundings.sandbox and is_loopback(settings.host)):
        raise refused(
            "The console needs a login: set console.password_hash to what `heliostat console-password` prints. Only a "
            "sandbox on loopback stands open."
        )
    core = surroundings.channel(settings.core)
    controls = settings.sandbox_controls if surroundings.sandbox else ""
    desk = Desk(
        settings=settings,
        clock=surroundings.clock,
        sandbox=surroundings.sandbox,
        secret=surroundings.secret("console"),
        draining=surroundings.draining,
        ledger_admin=LedgerAdminServiceStub(surroundings.channel(settings.ledger_admin)),
        router_admin=RouterAdminServiceStub(surroundings.channel(settings.router_admin)),
        ledger=LedgerServiceStub(core),
        router=RouterServiceStub(core),
        controls=SandboxServiceStub(surroundings.channel(controls)) if controls else None,
    )
    return ConsolePart(desk, password_hash)


MODULE = Module("console", ("console",), ConsoleSettings, build)
