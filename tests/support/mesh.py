"""A whole mesh over emulated providers, at any kind of address, started and stopped in one loop."""

import asyncio
import json
import os
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from heliostat.chassis import telemetry
from heliostat.chassis.modules import Lookup
from heliostat.emulators import EmulatorServer, create_app
from heliostat.launch import sandbox
from heliostat.launch.config import configure
from heliostat.launch.process import Process
from heliostat.launch.supervisor import spread
from heliostat.painting import Easel
from tests.support.checker import check
from tests.support.collector import Collector, collecting
from tests.support.evidence import Evidence, gather
from tests.support.loopback import PLAIN
from tests.support.stores import FAR, pictures_at, rows, rows_at
from tests.support.watching import Ears, connections_out, log_lines

KEY = "test-key-of-the-sandbox"
PROVIDER_KEY = "canary-key-of-the-providers"
SECRETS = {"the caller's key": KEY.encode(), "the providers' key": PROVIDER_KEY.encode()}
KINDS = ("local", "unix", "dns")


@dataclass
class Mesh:
    """A running mesh, as a client sees it, with the controls of its providers."""

    url: str
    emulators: str
    state_dir: Path
    http: httpx.AsyncClient
    processes: list[Process]
    ears: Ears = field(default_factory=Ears)
    collector: Collector = field(default_factory=Collector)
    facts: dict[str, Any] = field(default_factory=dict)
    """Fields of Evidence that only the test knows."""
    left: Evidence | None = None
    """What was left behind, once everything has stopped."""

    async def generate(self, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """POST /v1/images/generations."""
        return await self.http.post("/v1/images/generations", json=body, headers=headers)

    async def script(self, provider: str, *steps: Mapping[str, Any]) -> None:
        """What the provider does to the next requests."""
        answer = await self.http.put(f"{self.emulators}/{provider}/_emulator/script", json=list(steps))
        assert answer.status_code < 300, answer.text

    async def journal(self, provider: str = "") -> dict[str, Any]:
        """What the providers were asked and what they billed."""
        path = f"/{provider}/_emulator/journal" if provider else "/_emulator/journal"
        journal: dict[str, Any] = (await self.http.get(f"{self.emulators}{path}")).json()
        return journal

    async def quiet(self, within_s: float) -> None:
        """Returns when no request and no attempt is open any more; gives up after `within_s` seconds."""
        async with asyncio.timeout(within_s):
            while open_rows(self.state_dir):
                await asyncio.sleep(0.05)

    def grpc_address(self) -> str:
        """Where the public gRPC face listens."""
        return next(process.addresses["ledger"][0] for process in self.processes if "ledger" in process.addresses)


def open_rows(state_dir: Path) -> int:
    """Requests and attempts without a terminal state."""
    return sum(len(rows(state_dir, f"SELECT state FROM {table} WHERE state = 1")) for table in ("requests", "attempts"))


# Below what the system gives out, and apart for each worker of a run: another test must not take it meanwhile. In an
# order of its own, because another run on this machine has workers of the same names.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = cycle(random.sample(range(18_000 + 500 * (_WORKER % 8), 18_500 + 500 * (_WORKER % 8)), 500))


def free_port() -> int:
    """A port that nobody listens on now."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports do not end")


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says, section by section."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(out.get(key), dict) and isinstance(value, dict) else value
    return out


@asynccontextmanager
async def emulated(
    job_seconds: float = 0.02, compat_prices: Mapping[str, int] | None = None, port: int = 0
) -> AsyncIterator[str]:
    """The emulated providers in this loop; gives their base URL. Prices of the plain server are in micro-dollars."""
    app = create_app(shared_easel(), job_seconds=job_seconds, compat_prices_micros=compat_prices)
    server = EmulatorServer(app, port=port)
    try:
        yield await server.start()
    finally:
        await server.stop()


@cache
def shared_easel() -> Easel:
    """One for all tests of this process, which ends its worker: starting one takes as long as a short test."""
    return Easel()


@asynccontextmanager
async def tracing() -> AsyncIterator[Collector]:
    """Spans of this process go to a collector meanwhile; they are all there when the block has ended."""
    async with collecting() as collector:
        telemetry.configure("heliostat-test", collector.address)
        try:
            yield collector
        finally:
            await asyncio.to_thread(telemetry.shutdown)


def provide_keys(folder: Path) -> str:
    """Gives the mesh its caller's key and its providers' key, both canaries; gives the reference to the former."""
    (folder / "key").write_text(KEY)
    os.environ[sandbox.PROVIDER_KEY_VARIABLE] = PROVIDER_KEY
    return f"file:{folder}/key"


@asynccontextmanager
async def mesh(
    folder: Path,
    kind: str = "local",
    over: Mapping[str, Any] | None = None,
    *,
    checked: bool = True,
    database: str = "",
    lookup: Lookup | None = None,
    emulator_port: int = 0,
) -> AsyncIterator[Mesh]:
    """Starts edge, core and adapters: in one process for "local", else each behind an address of its own.

    When it ends, the checker of invariants runs over ledger, journals, pictures, answers, spans, logs and connections.
    `database` is the address of the database where `over` says another one than a file of the state folder; `lookup`
    finds the addresses of providers' names. The emulated providers listen at `emulator_port`, or at a free one.
    """
    state_dir = folder / "state"
    state_dir.mkdir()
    key = provide_keys(folder)
    async with AsyncExitStack() as traced:
        lines = traced.enter_context(log_lines())
        strangers = traced.enter_context(connections_out())
        collector = await traced.enter_async_context(tracing())
        async with AsyncExitStack() as stack:
            emulators = await stack.enter_async_context(emulated(port=emulator_port))
            ports = sandbox.Ports(http=0, grpc=0, emulator=int(emulators.rpartition(":")[2]))
            # A database that shares a busy machine with other tests is slow, not down.
            patient = {"database": {"wait_s": 20}}
            tree = merged(merged(sandbox.tree(state_dir, ports, key), patient), over or {})
            if FAR and not (over or {}).get("database"):
                database = rows_at(state_dir)
                tree = merged(tree, {"database": {"url": database}})
            if FAR and not (over or {}).get("blobs"):
                tree = merged(tree, {"blobs": {"url": pictures_at(state_dir)}})
            processes = [
                Process(configure(part, target), seed=7, lookup=lookup)
                for part, target in _processes(tree, kind, folder)
            ]
            for process in processes:
                await process.start()
                stack.push_async_callback(process.stop, 5)
            url = next(process.http_url() for process in processes if process.http_url())
            ears = Ears()
            headers = {"Authorization": f"Bearer {KEY}"}
            client = httpx.AsyncClient(
                verify=PLAIN, base_url=url, headers=headers, timeout=60, event_hooks={"response": [ears.hear]}
            )
            http = await stack.enter_async_context(client)
            running = Mesh(url, emulators, state_dir, http, processes, ears, collector)
            yield running
            entries = (await running.journal())["entries"]
            metrics = (await http.get("/metrics")).content
    running.left = gather(
        state_dir,
        entries,
        database=database,
        far_pictures="url" in tree.get("blobs", {}),
        answers=ears.answers,
        spans=collector.spans,
        strangers=sorted(strangers),
        secrets=SECRETS,
        texts={**ears.texts(), "log": "\n".join(lines).encode(), "metrics": metrics},
        **running.facts,
    )
    if checked:
        check(running.left)


def _processes(tree: dict[str, Any], kind: str, folder: Path) -> list[tuple[dict[str, Any], str]]:
    if kind == "local":
        return [(tree, "all")]
    tree = spread(tree, folder)
    if kind == "dns":
        tree = _at_ports(tree)
    adapters = ",".join(f"adapter-{name}" for name in tree["adapters"])
    return [
        (tree, adapters),
        ({**tree, "admin": {"listen": f"unix:{folder}/admin.sock"}}, "ledger,router"),
        (tree, "edge"),
    ]


def _at_ports(tree: dict[str, Any]) -> dict[str, Any]:
    """The same at ports of this worker in place of unix sockets: `spread` would choose among those of all workers."""
    tree = json.loads(json.dumps(tree))
    core = f"127.0.0.1:{free_port()}"
    tree["ledger"]["listen"][-1] = core
    for name in ("edge", "console"):
        if tree.get(name) is not None:
            tree[name]["router" if name == "edge" else "core"] = f"dns:///{core}"
    for section in tree["adapters"].values():
        if "listen" in section:
            section["listen"] = [f"127.0.0.1:{free_port()}"]
            section["address"] = f"dns:///{section['listen'][0]}"
    return tree
