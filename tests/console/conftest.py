"""A console on a real socket, in front of a scripted ledger and router on real sockets."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from heliostat.chassis.blobs import Blobs
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.modules import Surroundings
from heliostat.chassis.settings import MeshSettings
from heliostat.console.module import ConsolePart, build
from heliostat.console.settings import ConsoleSettings
from tests.console.scripted_core import NOW, Core
from tests.support.loopback import PLAIN

_WITHIN_S = 60.0


@dataclass
class Bench:
    """A running console, what it talks to, and somebody who looks at it."""

    console: ConsolePart
    core: Core
    clock: FakeClock
    client: httpx.AsyncClient

    async def page(self, path: str, status: int = 200) -> str:
        """The markup of a page."""
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def token(self) -> str:
        """The CSRF token of the visitor's session."""
        found = re.search(r'data-csrf="([^"]+)"', (await self.client.get("/street")).text)
        assert found
        return found[1]

    async def send(self, path: str, **form: str) -> httpx.Response:
        """Sends a form as htmx does."""
        headers = {"x-csrf-token": await self.token(), "hx-request": "true"}
        return await self.client.post(path, data=form, headers=headers)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once something holds. Raises TimeoutError."""
        async with asyncio.timeout(_WITHIN_S):
            while not condition():
                await asyncio.sleep(0.01)


OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]


@asynccontextmanager
async def open_bench(folder: Path, *, sandbox: bool = True, **settings: Any) -> AsyncIterator[Bench]:
    """Starts a console on a free port."""
    core, clock, channels = Core(str(folder)), FakeClock(NOW), Channels(MeshSettings())
    await core.start("router")
    await core.start("ledger")
    surroundings = Surroundings(
        name="console",
        channel=channels.channel,
        adapters={},
        blobs=Blobs("memory://"),
        database=lambda: pytest.fail("the console needs no database"),
        clock=clock,
        dice=random.Random(1),
        state_dir=folder,
        sandbox=sandbox,
        secret=lambda purpose: purpose.encode().ljust(32, b"."),
        draining=lambda: False,
    )
    told = {
        "port": 0,
        "core": core.address("ledger"),
        "ledger_admin": core.address("ledger"),
        "router_admin": core.address("router"),
    }
    console = build(ConsoleSettings(**{**told, **settings}), surroundings)
    await console.start()
    async with httpx.AsyncClient(verify=PLAIN, base_url=console.url, timeout=60) as client:
        bench = Bench(console, core, clock, client)
        try:
            await bench.until(lambda: bool(core.router.watchers and core.ledger.watchers))
            await bench.until(lambda: bool(console.console.feed.state.stations()))
            yield bench
        finally:
            await client.aclose()
            await console.stop()
            await channels.close()
            await core.stop()


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A sandbox's console."""
    async with open_bench(tmp_path) as opened:
        yield opened


@pytest.fixture
def console_with(tmp_path: Path) -> OpenBench:
    """Opens a console with other settings."""

    def open_with(**settings: Any) -> AbstractAsyncContextManager[Bench]:
        return open_bench(tmp_path, **settings)

    return open_with
