"""The sandbox on the pages: counters in the head, faults on the street, nothing of either elsewhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.sandbox.v1 import sandbox_pb2, sandbox_pb2_grpc
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Service
from heliostat.chassis.money import to_money
from heliostat.chassis.server import MeshServer
from heliostat.chassis.settings import MeshSettings
from heliostat.console.passwords import hashed
from heliostat.console.sandbox_feed import element_of
from tests.console.browser import browsing, needs_chromium
from tests.console.conftest import Bench, OpenBench
from tests.console.test_street import opened

HOSTILE = "<script>alert(1)</script>\"'\u202e"


def bill(pictures: int, micros: int) -> sandbox_pb2.Bill:
    """A bill."""
    return sandbox_pb2.Bill(picture_count=pictures, cost=to_money(micros))


class ScriptedSandbox(sandbox_pb2_grpc.SandboxServiceServicer):
    """Controls in memory: what is set is told to who watches."""

    def __init__(self) -> None:
        names = ("fal", "compat", HOSTILE)
        self.providers = {
            name: sandbox_pb2.Provider(name=name, adapters=[name], bill=bill(0, 0), killable=True) for name in names
        }
        self.counters = sandbox_pb2.Counters(billed=bill(1, 3000), without_gateway=bill(3, 9000), repeat_count=2)
        self.killed: list[str] = []
        self.cleared: list[str] = []
        self.watched = 0
        self._watchers: list[asyncio.Queue[sandbox_pb2.WatchSandboxResponse]] = []

    def tell(self, *providers: sandbox_pb2.Provider) -> None:
        """Tells who watches."""
        for queue in self._watchers:
            queue.put_nowait(sandbox_pb2.WatchSandboxResponse(providers=providers, counters=self.counters))

    async def WatchSandbox(self, request: Any, context: Any) -> AsyncIterator[sandbox_pb2.WatchSandboxResponse]:
        """All, then what is told."""
        queue: asyncio.Queue[sandbox_pb2.WatchSandboxResponse] = asyncio.Queue()
        self.watched += 1
        self._watchers.append(queue)
        yield sandbox_pb2.WatchSandboxResponse(providers=self.providers.values(), counters=self.counters)
        while True:
            yield await queue.get()

    async def ListProviders(self, request: Any, context: Any) -> sandbox_pb2.ListProvidersResponse:
        """All."""
        return sandbox_pb2.ListProvidersResponse(providers=self.providers.values())

    async def SetFault(self, request: Any, context: Any) -> sandbox_pb2.SetFaultResponse:
        """Sets it."""
        if not request.fault.kind:
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, "Choose a fault.", field="fault.kind")
        provider = self.providers[request.provider]
        provider.fault.CopyFrom(request.fault)
        return sandbox_pb2.SetFaultResponse(provider=provider)

    async def ClearFaults(self, request: Any, context: Any) -> sandbox_pb2.ClearFaultsResponse:
        """Clears one or all."""
        self.cleared.append(request.provider)
        for name, provider in self.providers.items():
            if request.provider in ("", name):
                provider.ClearField("fault")
        self.tell(*self.providers.values())
        return sandbox_pb2.ClearFaultsResponse()

    async def KillAdapter(self, request: Any, context: Any) -> sandbox_pb2.KillAdapterResponse:
        """Notes it."""
        self.killed.append(request.adapter)
        return sandbox_pb2.KillAdapterResponse()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, ScriptedSandbox]]:
    """Controls, and where they are."""
    scripted, address = ScriptedSandbox(), f"unix:{folder}/sandbox.sock"
    add = sandbox_pb2_grpc.add_SandboxServiceServicer_to_server
    server = MeshServer([Service("heliostat.api.sandbox.v1.SandboxService", add, scripted)], MeshSettings())
    await server.listen(address)
    server.ready()
    try:
        yield address, scripted
    finally:
        await server.stop(0)


@asynccontextmanager
async def controlled(folder: Path, console_with: OpenBench) -> AsyncIterator[tuple[Bench, ScriptedSandbox]]:
    """A console with controls."""
    async with served(folder) as (address, scripted), console_with(sandbox_controls=address) as bench:
        await bench.until(lambda: len(bench.console.console.sandbox.state.providers) == 3)
        yield bench, scripted


def words(markup: str) -> str:
    """The text of markup, white space pressed together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).strip()


async def test_every_page_shows_both_bills(tmp_path: Path, console_with: OpenBench) -> None:
    """In the head, and an open page hears of a change within a second."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        for path in ("/street", "/requests", "/playground"):
            head = words((await bench.page(path)).partition("</header>")[0])
            assert "billed by providers 1 $0.003" in head
            assert "without a gateway 3 $0.009" in head
        async with opened(bench, "/requests") as page:
            scripted.counters.billed.CopyFrom(bill(2, 6000))
            scripted.tell()
            async with asyncio.timeout(60):
                fresh = await page.until('id="counters"')
            assert "billed by providers 2 $0.006" in words(fresh)


async def test_a_button_breaks_a_provider_and_mends_it(tmp_path: Path, console_with: OpenBench) -> None:
    """The pressed button is the fault; pressing it again clears it; the wait goes along."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        answer = await bench.send("/sandbox/fault", provider="fal", fault="429", wait="7")
        assert re.search(r'aria-pressed="true"[^>]*>429 7 s<', answer.text)
        assert scripted.providers["fal"].fault.kind == sandbox_pb2.FAULT_KIND_RATE_LIMITED
        assert scripted.providers["fal"].fault.wait.seconds == 7
        answer = await bench.send("/sandbox/fault", provider="fal", fault="down")
        assert scripted.providers["fal"].fault.kind == sandbox_pb2.FAULT_KIND_DOWN
        async with opened(bench) as page:
            answer = await bench.send("/sandbox/fault", provider="fal", fault="down")
            assert 'aria-pressed="true"' not in answer.text
            assert 'aria-pressed="true"' not in await page.until(f'id="{element_of("fal")}"')
        assert (await bench.send("/sandbox/clear")).status_code == 204
        assert scripted.cleared == ["fal", ""]
        assert (await bench.send("/sandbox/kill", adapter="fal")).status_code == 204
        assert scripted.killed == ["fal"]


@pytest.mark.parametrize(
    "form",
    [
        {"fault": "fire"},
        {"fault": "slow", "wait": "soon"},
        {"fault": "slow", "wait": "nan"},
        {"fault": "slow", "wait": "1e9"},
        {},
    ],
)
async def test_nonsense_is_refused_with_a_sentence(
    tmp_path: Path, console_with: OpenBench, form: dict[str, str]
) -> None:
    """An unknown fault or a wait that is no time changes nothing."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        answer = await bench.send("/sandbox/fault", provider="fal", **form)
        assert answer.status_code == 400
        assert answer.text.rstrip().endswith(".")
        assert not scripted.providers["fal"].HasField("fault")


async def test_a_provider_is_text(tmp_path: Path, console_with: OpenBench) -> None:
    """Markup in its name is shown, never run; its buttons name it all the same."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        page = await bench.page("/street")
        assert "<script>alert" not in page
        await bench.send("/sandbox/fault", provider=HOSTILE, fault="down")
        assert scripted.providers[HOSTILE].fault.kind == sandbox_pb2.FAULT_KIND_DOWN


async def test_providers_that_nothing_happens_to_come_when_they_are_asked_for(
    tmp_path: Path, console_with: OpenBench
) -> None:
    """The page names how many there are; one that fails, or has billed something, is on it from the beginning."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        names = [f"quiet-{number:02}" for number in range(20)]
        scripted.tell(*(sandbox_pb2.Provider(name=name) for name in names))
        scripted.tell(sandbox_pb2.Provider(name="busy", bill=bill(1, 3000)))
        await bench.until(lambda: len(bench.console.console.sandbox.state.providers) == 24)
        page, more = await bench.page("/street"), await bench.page("/sandbox/providers")
        assert "18 more providers" in page
        assert [name for name in names if name in page] == names[:2]
        assert [name for name in names if name in more] == names[2:]
        assert ("busy" in page, "busy" in more) == (True, False)


@needs_chromium
async def test_the_other_providers_open_with_a_click(tmp_path: Path, console_with: OpenBench) -> None:
    """Their buttons work there, and follow what happens."""
    async with controlled(tmp_path, console_with) as (bench, scripted):
        quiet = {f"quiet-{number}": sandbox_pb2.Provider(name=f"quiet-{number}") for number in range(20)}
        scripted.providers |= quiet
        scripted.tell(*quiet.values())
        await bench.until(lambda: len(bench.console.console.sandbox.state.providers) == 23)
        async with browsing() as window:
            await window.page.goto(f"{bench.console.url}/street")
            await window.until("window.heliostat !== undefined")
            await window.page.get_by_text("17 more providers").click()
            row = window.page.locator(".fault", has_text="quiet-19")
            await row.get_by_role("button", name="down").click()
            await row.locator("[aria-pressed=true]").wait_for()
            assert scripted.providers["quiet-19"].fault.kind == sandbox_pb2.FAULT_KIND_DOWN
            await window.page.get_by_role("button", name="Mend all").click()
            await row.locator("[aria-pressed=true]").wait_for(state="detached")
            assert window.complaints == []


async def test_without_controls_there_is_nothing_to_press(bench: Bench) -> None:
    """No counters, no buttons, no address behind them."""
    page = await bench.page("/street")
    assert "counters" not in page
    assert "/sandbox/" not in page
    assert (await bench.send("/sandbox/fault", provider="fal", fault="down")).status_code in (404, 405)


async def test_outside_of_a_sandbox_controls_are_not_asked(tmp_path: Path, console_with: OpenBench) -> None:
    """A setting alone does not make a sandbox: the console behind a login has no such buttons."""
    (tmp_path / "hash").write_text(hashed("a long enough password"))
    told = {"sandbox": False, "password_hash": f"file:{tmp_path}/hash"}
    async with served(tmp_path) as (address, scripted), console_with(**told, sandbox_controls=address) as bench:
        form = {"password": "a long enough password", "csrf": await login_token(bench)}
        assert (await bench.client.post("/login", data=form)).status_code == 303
        page = await bench.page("/street")
        assert "/sandbox/" not in page
        assert "counters" not in page
        assert scripted.watched == 0


async def login_token(bench: Bench) -> str:
    """The token of the form that asks for the password."""
    found = re.search(r'name="csrf" value="([^"]+)"', await bench.page("/login"))
    assert found
    return found[1]
