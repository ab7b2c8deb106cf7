"""An edge on a real socket, in front of a scripted ledger over the in-process channel."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from heliostat.api.ledger.v1 import ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2_grpc
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.local import LocalChannel, LocalServer
from heliostat.chassis.modules import Surroundings
from heliostat.edge.module import EdgePart, build
from heliostat.edge.settings import EdgeSettings
from tests.edge.scripted_ledger import ScriptedLedger
from tests.support.loopback import PLAIN


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file here share a loop, because they share an edge."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@dataclass
class Bench:
    """A running edge and what stands around it."""

    edge: EdgePart
    ledger: ScriptedLedger
    blobs: Blobs
    clock: FakeClock
    client: httpx.AsyncClient
    draining: list[bool]

    @property
    def url(self) -> str:
        """Where the edge listens."""
        return self.edge.url


class Listener(logging.Handler):
    """Keeps the fields of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        self.lines.append({"event": record.getMessage(), **getattr(record, "fields", {})})


OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]


@asynccontextmanager
async def open_bench(folder: Path, *, sandbox: bool = False, **settings: Any) -> AsyncIterator[Bench]:
    """Starts an edge on a free port."""
    server, ledger, clock, draining = LocalServer(), ScriptedLedger(), FakeClock(), [False]
    router_pb2_grpc.add_RouterServiceServicer_to_server(ledger, server)
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(ledger, server)
    blobs = Blobs("memory://")
    surroundings = Surroundings(
        name="edge",
        channel=lambda address: LocalChannel(server),
        adapters={},
        blobs=blobs,
        database=lambda: pytest.fail("the edge needs no database"),
        clock=clock,
        dice=random.Random(1),
        state_dir=folder,
        sandbox=sandbox,
        secret=lambda purpose: purpose.encode().ljust(32, b"."),
        draining=lambda: draining[0],
    )
    edge = build(EdgeSettings(**{"port": 0, "drain_s": 1, **settings}), surroundings)
    await edge.start()
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=edge.url, headers={"authorization": "Bearer good"}, timeout=60
    ) as client:
        try:
            yield Bench(edge, ledger, blobs, clock, client, draining)
        finally:
            await client.aclose()
            await edge.stop()
            await server.stop(0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """An edge with its defaults, for all tests of a file."""
    async with open_bench(tmp_path_factory.mktemp("edge")) as opened:
        yield opened


@pytest.fixture
def bench(running: Bench) -> Bench:
    """The edge of this file, its ledger as new."""
    running.ledger.reset()
    running.draining[0] = False
    return running


@pytest.fixture
def edge_with(tmp_path: Path) -> OpenBench:
    """Opens an edge with other settings."""

    def open_with(**settings: Any) -> AbstractAsyncContextManager[Bench]:
        return open_bench(tmp_path, **settings)

    return open_with


async def raw_exchange(bench: Bench, raw: bytes) -> bytes:
    """What the edge answers to these bytes until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]))
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
