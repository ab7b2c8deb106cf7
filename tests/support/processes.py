"""A mesh whose parts are processes of their own, as an installation has them: started, killed, stopped, looked into."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from heliostat.launch import sandbox
from heliostat.launch.supervisor import Supervisor
from tests.support.checker import check
from tests.support.collector import collecting
from tests.support.evidence import gather
from tests.support.loopback import PLAIN
from tests.support.mesh import KEY, SECRETS, Mesh, emulated, free_port, merged, provide_keys
from tests.support.watching import Ears, Sockets, descriptor_count

ROUTED = "flux-schnell"
_LOOK_S = 0.25


@dataclass
class Installation(Mesh):
    """A mesh of processes, with the hands that do them harm."""

    supervisor: Supervisor | None = None
    sockets: Sockets = field(default_factory=lambda: Sockets(set()))
    killed: bool = False
    """True as soon as a process was killed: what it had not exported is gone."""
    descriptors: dict[str, int] = field(default_factory=dict)
    router_deaths_us: list[int] = field(default_factory=list)

    @property
    def mesh_of_processes(self) -> Supervisor:
        """The supervisor; there always is one."""
        assert self.supervisor is not None
        return self.supervisor

    def log_bytes(self) -> bytes:
        """What all parts have logged until now."""
        return (self.state_dir / "heliostat.log").read_bytes()

    def pids(self) -> dict[str, int]:
        """Process ids of the parts that are up."""
        supervisor = self.mesh_of_processes
        return {name: pid for name in supervisor.children if (pid := supervisor.pid(name))}

    def kill(self, name: str) -> int:
        """kill -9; gives how often the part had been started until now."""
        self.killed = True
        if "router" in name:
            self.router_deaths_us.append(time.time_ns() // 1000)
        starts = self.mesh_of_processes.children[name].ready
        os.kill(self.mesh_of_processes.pid(name), signal.SIGKILL)
        return starts

    async def ready(self, within_s: float) -> None:
        """Returns when the edge says that requests may come. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not await self._is_ready():
                await asyncio.sleep(0.02)

    async def reached(self, provider: str) -> None:
        """Returns when the core has heard from an adapter; a core is ready before its adapters are."""
        await self.ready(30)
        async with asyncio.timeout(30):
            while not await self._is_reached(provider):
                await asyncio.sleep(0.05)

    async def _is_reached(self, provider: str) -> bool:
        targets = (await self.http.get("/v1/models/flux-schnell")).json()["targets"]
        return any(target["provider"] == provider and target["available"] for target in targets)

    async def heard_of(self, adapters: Collection[str]) -> None:
        """Returns when the core knows what these adapters can do, or after a while: some tests keep them from it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while not await self._has_heard_of(adapters):
                    await asyncio.sleep(0.05)

    async def _has_heard_of(self, adapters: Collection[str]) -> bool:
        try:
            answer = await self.http.get("/v1/providers")
        except httpx.TransportError:
            return False
        told = answer.json().get("data", []) if answer.status_code == 200 else []
        return set(adapters) <= {provider["id"] for provider in told if provider["status"] == "up"}

    async def _is_ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def watch_sockets(self) -> None:
        """Looks at the connections of all parts again and again, until it is cancelled."""
        while True:
            self.sockets.look(self.pids().values())
            await asyncio.sleep(_LOOK_S)

    def facts_of_processes(self) -> dict[str, Any]:
        """The evidence that only processes leave."""
        counts = {name: descriptor_count(pid) for name, pid in self.pids().items()}
        return {
            "spans_may_be_lost": self.killed,
            "router_deaths_us": self.router_deaths_us,
            "strangers": sorted(self.sockets.strangers),
            "descriptors": {name: (self.descriptors[name], count) for name, count in counts.items()},
        }


@asynccontextmanager
async def installed(
    folder: Path,
    over: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    adapters: tuple[str, ...] = ("fal", "compat"),
    job_seconds: float = 0.02,
    compat_prices: Mapping[str, int] | None = None,
    supervisor_type: type[Supervisor] = Supervisor,
    checked: bool = True,
) -> AsyncIterator[Installation]:
    """Edge, core and adapters as processes on unix sockets, over emulated providers in this one.

    `environment` is for the first start of each process. When the block ends everything is stopped in order, and the
    checker of invariants runs.
    """
    state_dir = folder / "state"
    key = provide_keys(folder)
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting())
        emulators = await stack.enter_async_context(emulated(job_seconds, compat_prices))
        ports = sandbox.Ports(http=free_port(), grpc=0, emulator=int(emulators.rpartition(":")[2]))
        own = {
            "mesh": {"drain_s": 2, "notice_s": 0},
            "database": {"wait_s": 20},
            "log": {"file": str(state_dir / "heliostat.log")},
            "telemetry": {"otlp_endpoint": collector.address},
        }
        tree = merged(merged(sandbox.tree(state_dir, ports, key), own), over or {})
        if not (over or {}).get("router", {}).get("routes"):
            tree["router"]["routes"] = [route for route in sandbox.ROUTES if route["model"] == ROUTED]
        tree["adapters"] = {name: tree["adapters"][name] for name in adapters}
        supervisor = supervisor_type(tree, state_dir, folder / "s", environment or {})
        stack.push_async_callback(supervisor.stop)
        await supervisor.start()
        url = f"http://127.0.0.1:{ports.http}"
        ears = Ears()
        client = httpx.AsyncClient(
            verify=PLAIN,
            base_url=url,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=60,
            event_hooks={"response": [ears.hear]},
        )
        http = await stack.enter_async_context(client)
        sockets = Sockets({ports.emulator, int(collector.address.rpartition(":")[2])}, {ports.http})
        running = Installation(
            url, emulators, state_dir, http, [], ears, collector, supervisor=supervisor, sockets=sockets
        )
        running.descriptors = {name: descriptor_count(pid) for name, pid in running.pids().items()}
        looking = asyncio.create_task(running.watch_sockets())
        await running.heard_of(adapters)
        try:
            yield running
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        entries = (await running.journal())["entries"]
        facts = running.facts_of_processes()
        # Spans are exported when a process stops in order; the collector has to be there still.
        await supervisor.stop()
    more = {**facts, **running.facts}
    running.left = gather(
        state_dir,
        entries,
        answers=ears.answers,
        spans=collector.spans,
        secrets=SECRETS,
        texts={**ears.texts(), **more.pop("texts", {})},
        **more,
    )
    if checked:
        check(running.left)
