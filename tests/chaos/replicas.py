"""An installation with two of everything over one PostgreSQL, and a balancer in front: what a cluster has, on loopback.

The balancer is a client that does what any does: it asks `/readyz` and sends requests to those edges that are ready.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import yaml

from heliostat.launch import sandbox
from tests.support.evidence import Evidence, gather
from tests.support.loopback import PLAIN
from tests.support.mesh import KEY, SECRETS, emulated, free_port, merged, provide_keys
from tests.support.watching import Ears, connections

DATABASE_VARIABLE = "HELIOSTAT_CHAOS_DATABASE"
_COUNT = 2
_PROBE_S = 0.05
# As minReadySeconds of a rollout: the next process is stopped so long after the last one is ready.
_MIN_READY_S = 1.0
_MODEL = "flux-schnell"
_TARGET = "fal/fal-ai/flux/schnell"
TARGETS = ("adapter-fal", "ledger,router", "edge")


@dataclass
class Replica:
    """One process."""

    target: str
    file: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it; returns when it says that it is ready. Raises RuntimeError where it does not start."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "heliostat.launch", "serve"),
            *("--config", str(self.file), f"--target={self.target}"),
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "HELIOSTAT_READY_LINE": "1"},
        )
        assert self.process.stdout is not None
        if (await self.process.stdout.readline()).strip() != b"ready":
            raise RuntimeError(f"{self.target} did not start")

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits until it is over; gives its exit code."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await self.process.wait()


@dataclass
class Balancer:
    """Sends requests to the edges in turn, those only that said that they are ready when they were asked last."""

    edges: list[httpx.AsyncClient]
    ready: list[bool] = field(default_factory=list)
    _turn: Any = field(default_factory=count)

    async def probe(self) -> None:
        """Asks every edge again and again, until it is cancelled."""

        async def one(place: int, edge: httpx.AsyncClient) -> None:
            while True:
                self.ready[place] = await self._is_ready(edge)
                await asyncio.sleep(_PROBE_S)

        await asyncio.gather(*(one(place, edge) for place, edge in enumerate(self.edges)))

    async def _is_ready(self, edge: httpx.AsyncClient) -> bool:
        try:
            return (await edge.get("/readyz", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    async def generate(self, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """POST /v1/images/generations at the next edge that is ready; another one where nobody took the connection."""
        for _ in range(_COUNT):
            places = [place for place, ready in enumerate(self.ready) if ready] or list(range(len(self.edges)))
            edge = self.edges[places[next(self._turn) % len(places)]]
            with suppress(httpx.ConnectError):
                return await edge.post("/v1/images/generations", json=body, headers=headers)
        return httpx.Response(503)


@dataclass
class Cluster:
    """Two of everything, running."""

    replicas: list[Replica]
    balancer: Balancer
    emulators: str
    state_dir: Path
    left: Evidence | None = None

    def of(self, target: str) -> list[Replica]:
        """The replicas of one target."""
        return [replica for replica in self.replicas if replica.target == target]

    async def restart(self, replica: Replica) -> float:
        """SIGTERM, and a new process in its place when the old one is over; gives seconds until that is ready."""
        began = time.monotonic()
        code = await replica.end()
        assert code == 0, f"{replica.target} ended with {code}"
        await replica.start()
        took_s = time.monotonic() - began
        await self.connected()
        return took_s

    async def connected(self) -> None:
        """Waits until all processes are known to those who call them: what a rollout's pause is for."""
        async with asyncio.timeout(30):
            while not all(self.balancer.ready):
                await asyncio.sleep(_PROBE_S)
            for replica in self.replicas:
                while replica.target != "edge" and connection_count(replica.port) < _COUNT:
                    await asyncio.sleep(_PROBE_S)
        # A connection is used once the peer's health has been told on it, which nobody outside can see.
        await asyncio.sleep(_MIN_READY_S)


def connection_count(port: int) -> int:
    """Connections that a listener at this port of this machine has."""
    return sum(each.state == "01" and each.local_port == port for each in connections())


@asynccontextmanager
async def cluster(folder: Path, database: str, over: Mapping[str, Any] | None = None) -> AsyncIterator[Cluster]:
    """Two edges, two cores, two of each adapter. When it ends, `left` holds what was left behind."""
    state_dir = folder / "state"
    key = provide_keys(folder)
    os.environ[DATABASE_VARIABLE] = database
    async with AsyncExitStack() as stack:
        stack.callback(os.environ.pop, DATABASE_VARIABLE)
        emulators = await stack.enter_async_context(emulated(0.1))
        ports = sandbox.Ports(http=0, grpc=0, emulator=int(emulators.rpartition(":")[2]))
        own = {
            "database": {"url_secret": f"env:{DATABASE_VARIABLE}", "wait_s": 20},
            "mesh": {"drain_s": 10, "notice_s": 2},
            "log": {"file": str(state_dir / "heliostat.log")},
        }
        tree = merged(merged(sandbox.tree(state_dir, ports, key), own), over or {})
        tree["router"]["routes"] = [{"model": _MODEL, "targets": [{"target": _TARGET}]}]
        tree["adapters"] = {"fal": tree["adapters"]["fal"]}
        replicas, http_ports = _replicas(tree, folder)
        for replica in replicas:
            stack.push_async_callback(_end, replica)
        # The first core makes the tables.
        for place in range(_COUNT):
            await asyncio.gather(*(replica.start() for replica in replicas[place::_COUNT]))
        ears = Ears()
        edges = []
        for port in http_ports:
            client = httpx.AsyncClient(
                verify=PLAIN,
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=60,
                event_hooks={"response": [ears.hear]},
            )
            edges.append(await stack.enter_async_context(client))
        balancer = Balancer(edges, [True] * _COUNT)
        running = Cluster(replicas, balancer, emulators, state_dir)
        probing = asyncio.create_task(balancer.probe())
        try:
            await running.connected()
            yield running
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        journal = (await edges[0].get(f"{emulators}/_emulator/journal")).json()
        await asyncio.gather(*(_end(replica) for replica in replicas))
        running.left = gather(
            state_dir,
            journal["entries"],
            database=database,
            answers=[answer for answer in ears.answers if answer.status == 200],
            secrets=SECRETS,
            texts={name: text for name, text in ears.texts().items() if b"unready" not in text},
        )


def _replicas(tree: dict[str, Any], folder: Path) -> tuple[list[Replica], list[int]]:
    """Every process with a file of its own, and the edges' ports."""
    cores = [f"127.0.0.1:{free_port()}" for _ in range(_COUNT)]
    adapters = [f"127.0.0.1:{free_port()}" for _ in range(_COUNT)]
    http_ports = [free_port() for _ in range(_COUNT)]
    fal = {**tree["adapters"]["fal"], "address": "ipv4:" + ",".join(adapters)}
    replicas = []
    for target in TARGETS:
        for place in range(_COUNT):
            own: dict[str, Any] = {
                "adapters": {"fal": {**fal, "listen": [adapters[place]]}},
                "ledger": {"listen": [cores[place]]},
                "edge": {"router": "ipv4:" + ",".join(cores), "port": http_ports[place], "pictures": "store"},
                "admin": {"listen": f"unix:{folder}/admin{place}.sock"},
            }
            if target == "edge":
                # A balancer on a busy machine may be slow to ask whether an edge is still ready.
                own["mesh"] = {"notice_s": 3}
            file = folder / f"{target.replace(',', '-')}-{place}.yaml"
            file.write_text(yaml.safe_dump(merged(tree, own)))
            address = adapters[place] if target == "adapter-fal" else cores[place]
            replicas.append(Replica(target, file, int(address.rpartition(":")[2])))
    return replicas, http_ports


async def _end(replica: Replica) -> None:
    if replica.process is None or replica.process.returncode is not None:
        return
    try:
        await asyncio.wait_for(replica.end(), 20)
    except TimeoutError:
        replica.process.kill()
        await replica.process.wait()
