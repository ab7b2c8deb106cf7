"""A whole mesh over emulated providers, at any kind of address, started and stopped in one loop."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from heliostat.emulators import EmulatorServer, create_app
from heliostat.launch import sandbox
from heliostat.launch.config import configure
from heliostat.launch.process import Process
from heliostat.launch.supervisor import spread
from heliostat.painting import Easel
from tests.support.checker import check

KEY = "test-key-of-the-sandbox"
KINDS = ("local", "unix", "dns")


@dataclass
class Mesh:
    """A running mesh, as a client sees it, with the controls of its providers."""

    url: str
    emulators: str
    state_dir: Path
    http: httpx.AsyncClient
    processes: list[Process]

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
    connection = sqlite3.connect(state_dir / "heliostat.db")
    try:
        requests = connection.execute("SELECT count(*) FROM requests WHERE state = 1").fetchone()[0]
        return int(requests) + int(connection.execute("SELECT count(*) FROM attempts WHERE state = 1").fetchone()[0])
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says, section by section."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(out.get(key), dict) and isinstance(value, dict) else value
    return out


@asynccontextmanager
async def emulated(job_seconds: float = 0.02) -> AsyncIterator[str]:
    """The emulated providers in this loop; gives their base URL."""
    easel = Easel()
    server = EmulatorServer(create_app(easel, job_seconds=job_seconds))
    try:
        yield await server.start()
    finally:
        await server.stop()
        await easel.aclose()


@asynccontextmanager
async def mesh(
    folder: Path, kind: str = "local", over: Mapping[str, Any] | None = None, *, checked: bool = True
) -> AsyncIterator[Mesh]:
    """Starts edge, core and adapters: in one process for "local", else each behind an address of its own.

    When it ends, the checker of invariants runs over ledger, journals and blobs.
    """
    state_dir = folder / "state"
    state_dir.mkdir()
    (folder / "key").write_text(KEY)
    sandbox.provide_key()
    async with AsyncExitStack() as stack:
        emulators = await stack.enter_async_context(emulated())
        ports = sandbox.Ports(http=0, grpc=0, emulator=int(emulators.rpartition(":")[2]))
        tree = merged(sandbox.tree(state_dir, ports, f"file:{folder}/key"), over or {})
        processes = [Process(configure(part, target), seed=7) for part, target in _processes(tree, kind, folder)]
        for process in processes:
            await process.start()
            stack.push_async_callback(process.stop, 5)
        url = next(process.http_url() for process in processes if process.http_url())
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
        )
        running = Mesh(url, emulators, state_dir, http, processes)
        yield running
        journal = await running.journal()
    if checked:
        check(state_dir, journal["entries"])


def _processes(tree: dict[str, Any], kind: str, folder: Path) -> list[tuple[dict[str, Any], str]]:
    if kind == "local":
        return [(tree, "all")]
    tree = spread(tree, folder if kind == "unix" else None)
    if kind == "dns":
        tree = json.loads(json.dumps(tree))
        tree["edge"]["router"] = "dns:///" + tree["edge"]["router"]
        for section in tree["adapters"].values():
            section["address"] = "dns:///" + section["address"]
    adapters = ",".join(f"adapter-{name}" for name in tree["adapters"])
    return [
        (tree, adapters),
        ({**tree, "admin": {"listen": f"unix:{folder}/admin.sock"}}, "ledger,router"),
        (tree, "edge"),
    ]
