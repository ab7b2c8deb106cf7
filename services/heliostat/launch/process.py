"""One process: builds its parts from right to left, serves them, waits to be stopped, stops them in reverse."""

import asyncio
import contextlib
import os
import random
import secrets
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from grpc_health.v1 import health_pb2_grpc

from heliostat.chassis import telemetry
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.chassis.local import LocalServer
from heliostat.chassis.logs import get_logger
from heliostat.chassis.modules import Lookup, Part, Service, Surroundings
from heliostat.chassis.readiness import Readiness
from heliostat.chassis.server import MeshServer
from heliostat.launch import collector
from heliostat.launch.config import Configuration, Placed, admin_socket

log = get_logger("heliostat.launch")


class Process:
    """The parts of one configuration, running. Started and stopped in one event loop."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        """`lookup` finds the addresses of providers' names; the system does where absent."""
        self._configuration = configuration
        self._clock = clock or Clock()
        self._dice = random.Random(seed)
        self._lookup = lookup
        self._channels = Channels(configuration.process.mesh)
        self._parts: list[tuple[Placed, Part, LocalServer]] = []
        self._servers: list[MeshServer] = []
        self._readiness: dict[str, list[Readiness]] = {}
        self._held: set[str] = set()
        self._database: Database | None = None
        self._blobs: Blobs | None = None
        self._secrets: dict[str, bytes] = {}
        self._draining = False
        self.addresses: dict[str, list[str]] = {}
        """Part name -> addresses as bound, port 0 resolved; "admin" for the operators' door."""

    async def start(self) -> None:
        """Starts everything; on a failure stops what already runs and raises."""
        self._configuration.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            for placed in self._configuration.parts:
                await self._start_part(placed)
            await self._open_admin_door()
        except BaseException:
            await self.stop(0)
            raise
        self._set_ready(True)

    async def _start_part(self, placed: Placed) -> None:
        local = LocalServer()
        self._channels.offer(placed.name, local)
        part = placed.module.build(placed.settings, self._surroundings(placed.name))
        for service in part.services:
            service.add(service.servicer, local)
        readiness = Readiness(tuple(service.full_name for service in part.services))
        health_pb2_grpc.add_HealthServicer_to_server(readiness, local)
        self._readiness[placed.name] = [readiness]
        self._parts.append((placed, part, local))
        await part.start()
        public = [service for service in part.services if not service.admin]
        if placed.settings.listen:
            server = MeshServer(public, self._configuration.process.mesh, public=placed.module.public)
            self._servers.append(server)
            self._readiness[placed.name].append(server.readiness)
            self.addresses[placed.name] = [await server.listen(address) for address in placed.settings.listen]
        self._hold(placed.name, placed.name in self._held)
        log.info("part started", part=placed.name, listen=self.addresses.get(placed.name, []))

    def _surroundings(self, name: str) -> Surroundings:
        return Surroundings(
            name=name,
            channel=self._channels.channel,
            adapters=self._configuration.adapters,
            blobs=self._open_blobs(),
            database=self._open_database,
            clock=self._clock,
            dice=self._dice,
            state_dir=self._configuration.state_dir,
            sandbox=self._configuration.process.sandbox,
            secret=self._secret,
            draining=lambda: self._draining,
            hold=lambda held: self._hold(name, held),
            lookup=self._lookup,
        )

    def _hold(self, name: str, held: bool) -> None:
        (self._held.add if held else self._held.discard)(name)
        for readiness in self._readiness.get(name, ()):
            readiness.hold(held)

    def _set_ready(self, ready: bool) -> None:
        for server in self._servers:
            server.readiness.set(ready)
        for readiness in (each for several in self._readiness.values() for each in several):
            readiness.set(ready)

    def _open_blobs(self) -> Blobs:
        if self._blobs is None:
            settings = self._configuration.process.blobs
            folder = (self._configuration.state_dir / "blobs").resolve()
            free_bytes = settings.min_free_mb * 1_000_000
            self._blobs = Blobs(settings.url or folder.as_uri(), settings.options, min_free_bytes=free_bytes)
        return self._blobs

    def _open_database(self) -> Database:
        if self._database is None:
            settings = self._configuration.process.database
            url = settings.url_secret.reveal() if settings.url_secret is not None else settings.url
            file = (self._configuration.state_dir / "heliostat.db").resolve()
            self._database = Database(
                url or f"sqlite:///{file}",
                synchronous=settings.synchronous,
                clock=self._clock,
                patience_s=settings.wait_s,
                readers=settings.readers,
            )
        return self._database

    def _secret(self, purpose: str) -> bytes:
        secret = self._secrets.get(purpose)
        if secret is None:
            secret = self._secrets[purpose] = self._read_secret(purpose)
        return secret

    def _read_secret(self, purpose: str) -> bytes:
        given = self._configuration.process.secrets.get(purpose)
        if given is not None:
            return given.reveal().encode()
        return _kept_secret(self._configuration.state_dir / "secrets" / purpose)

    async def _open_admin_door(self) -> None:
        services: list[Service] = [service for _, part, _ in self._parts for service in part.services if service.admin]
        if not services:
            return
        server = MeshServer(services, self._configuration.process.mesh)
        self._servers.append(server)
        address = self._configuration.process.admin.listen
        # The commands of whoever may enter this machine's folder need no token, so their door is there as well.
        own = [] if address.startswith("unix:") else [admin_socket(self._configuration.state_dir)]
        addresses = [*([address] if address else []), *own]
        for socket in (each.removeprefix("unix:") for each in addresses if each.startswith("unix:")):
            # A socket that a killed process left behind would refuse us.
            await asyncio.to_thread(Path(socket).unlink, missing_ok=True)
        self.addresses["admin"] = [await server.listen(each) for each in addresses]

    def http_url(self) -> str:
        """Where the edge listens, port 0 resolved; empty where there is no edge in this process."""
        return self._url("edge")

    def console_url(self) -> str:
        """Where the console listens, port 0 resolved; empty where there is no console in this process."""
        return self._url("console")

    def _url(self, name: str) -> str:
        return next((str(getattr(part, "url", "")) for placed, part, _ in self._parts if placed.name == name), "")

    @property
    def parts(self) -> Sequence[tuple[Placed, Part]]:
        """What runs here, in the order of its start."""
        return [(placed, part) for placed, part, _ in self._parts]

    async def stop(self, drain_s: float | None = None) -> None:
        """Says NOT_SERVING, gives calls under way `drain_s` seconds (the configured ones by default), stops all.

        With the configured ones it is said `mesh.notice_s` seconds before no call is taken any more.
        """
        mesh = self._configuration.process.mesh
        grace = mesh.drain_s if drain_s is None else drain_s
        self._draining = True
        self._set_ready(False)
        if drain_s is None:
            await asyncio.sleep(mesh.notice_s)
        # From left to right: the edge gives its callers their answers, then calls that came over a wire end while the
        # parts still serve them, then the parts go, callers before those they call.
        parts = list(reversed(self._parts))
        if parts and parts[0][0].name == "edge":
            await self._stop_part(*parts.pop(0), grace)
        await asyncio.gather(*(server.stop(grace) for server in self._servers))
        for running in parts:
            await self._stop_part(*running, grace)
        await self._channels.close()
        self._parts.clear()
        self._servers.clear()

    async def _stop_part(self, placed: Placed, part: Part, local: LocalServer, grace: float) -> None:
        try:
            if placed.name == "edge":
                # The edge holds the callers' connections: it drains before anything behind it goes away.
                async with asyncio.timeout(grace + 5):
                    await part.stop()
            else:
                await local.stop(grace)
                await part.stop()
        except Exception as error:
            log.unforeseen("a part did not stop in order", error, part=placed.name)


def _kept_secret(file: Path) -> bytes:
    """32 random bytes, made once and kept readable to their owner only."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_bytes()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = secrets.token_bytes(32)
    with contextlib.suppress(FileExistsError), open(file, "xb", opener=_private) as out:
        out.write(made)
    return file.read_bytes()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def run(
    process: Process,
    on_ready: Callable[[Process], object] = lambda _: None,
    beside: Callable[[Process], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT; a second signal ends the drain at once. `beside` runs until the process stops."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await process.start()
    collector.settle()
    on_ready(process)
    companion = asyncio.create_task(beside(process)) if beside is not None else None
    await asked.wait()
    asked.clear()
    if companion is not None:
        companion.cancel()
        await asyncio.gather(companion, return_exceptions=True)
    log.info("stopping")
    stopping = asyncio.create_task(process.stop())
    again = asyncio.create_task(asked.wait())
    await asyncio.wait((stopping, again), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
        await process.stop(0)
    again.cancel()
    telemetry.shutdown()
