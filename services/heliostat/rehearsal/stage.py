"""What goes on in the sandbox: followed at emulators and ledger, changed at the emulators, told to whoever watches."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import httpx

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import to_money
from heliostat.rehearsal.counting import Amount, Tally
from heliostat.rehearsal.faults import Steps, fault_of
from heliostat.rehearsal.processes import Processes
from heliostat.rehearsal.settings import RehearsalSettings

_WAIT_S = 20
_ASK_S = 5.0
_AGAIN_S = 0.5
# Changes are gathered this long: nobody reads faster.
_GATHER_S = 0.1

log = get_logger("heliostat.rehearsal")


class RepeatsRead(Protocol):
    """Opens the ledger's stream of repetitions: all that it knows, then what changes."""

    def __call__(self) -> AsyncGenerator[Mapping[str, int], None]:
        """Request id -> how often, message by message."""


class Stage:
    """The emulated providers and the two bills."""

    def __init__(self, settings: RehearsalSettings, processes: Processes, repeats: RepeatsRead) -> None:
        self._adapters: dict[str, list[str]] = {}
        for adapter, provider in sorted(settings.providers.items()):
            self._adapters.setdefault(provider, []).append(adapter)
        # The emulators speak plain HTTP; to read the certificates of the world would take longer than all else here.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(base_url=settings.emulators, timeout=_ASK_S, verify=nobody)
        self._processes = processes
        self._repeats = repeats
        self._tally = Tally()
        self._known: dict[str, Any] = {"version": 0, "bills": 0, "era": ""}
        self._scripts: dict[str, Steps] = {}
        self._version = 0
        self._changed = asyncio.Event()
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to follow."""
        follow = (("the emulated providers", self._follow_news), ("the ledger", self._follow_repeats))
        self._tasks = [asyncio.create_task(self._again_and_again(*each)) for each in follow]

    async def stop(self) -> None:
        """Ends all streams."""
        self._over = True
        self._tell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _again_and_again(self, who: str, follow: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await follow()
            except (MeshError, httpx.HTTPError) as error:
                log.info("the sandbox's controls cannot follow; they try again", peer=who, kind=type(error).__name__)
            except Exception as error:
                log.unforeseen("the sandbox's controls could not read what they were told", error, peer=who)
            await asyncio.sleep(_AGAIN_S)

    async def _follow_news(self) -> None:
        while True:
            known = {name: str(value) for name, value in self._known.items()}
            answer = await self._http.get(
                "/_emulator/news", params={**known, "wait_s": str(_WAIT_S)}, timeout=_WAIT_S + _ASK_S
            )
            self._take_news(answer.raise_for_status().json())
            await asyncio.sleep(_GATHER_S)

    def _take_news(self, news: Mapping[str, Any]) -> None:
        if news["version"] == self._known["version"] and news["era"] == self._known["era"]:
            return
        if news["era"] != self._known["era"]:
            if self._known["era"]:
                self._tally.forget_bills()
            self._known["bills"] = 0
        for bill in news["bills"]:
            self._tally.add_bill(bill)
        self._known = {
            "version": news["version"],
            "bills": self._known["bills"] + len(news["bills"]),
            "era": news["era"],
        }
        self._scripts = news["scripts"]
        self._tell()

    async def _follow_repeats(self) -> None:
        first = True
        async for counts in self._repeats():
            (self._tally.take_all_repeats if first else self._tally.take_repeats)(counts)
            first = False
            self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    # What there is

    def providers(self) -> list[sandbox_pb2.Provider]:
        """The emulated providers that an adapter speaks to, by name."""
        return [self.provider(name) for name in sorted(self._adapters)]

    def provider(self, name: str) -> sandbox_pb2.Provider:
        """One of them. Raises RESOURCE_NOT_FOUND."""
        if name not in self._adapters:
            raise MeshError(
                reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
                "There is no emulated provider of this name; look at the list.",
                field="provider",
            )
        return sandbox_pb2.Provider(
            name=name,
            adapters=self._adapters[name],
            fault=fault_of(self._scripts.get(name, ())),
            bill=_bill(self._tally.billed_by(name)),
            killable=self._processes.known,
        )

    def counters(self) -> sandbox_pb2.Counters:
        """Both bills."""
        return sandbox_pb2.Counters(
            billed=_bill(self._tally.billed()),
            without_gateway=_bill(self._tally.without_gateway()),
            repeat_count=sum(self._tally.repeats().values()),
        )

    async def watch(self) -> AsyncGenerator[sandbox_pb2.WatchSandboxResponse, None]:
        """All providers and the counters, then what changes, until this stops."""
        told: dict[str, sandbox_pb2.Provider] = {}
        counters, version = None, -1
        while not self._over:
            if version != self._version:
                version = self._version
                fresh = [each for each in self.providers() if told.get(each.name) != each]
                if fresh or counters != self.counters():
                    counters = self.counters()
                    told |= {each.name: each for each in fresh}
                    yield sandbox_pb2.WatchSandboxResponse(providers=fresh, counters=counters)
                    continue
            await self._changed.wait()
            await asyncio.sleep(_GATHER_S)

    # What can be done

    async def script(self, name: str, steps: Steps) -> sandbox_pb2.Provider:
        """Puts steps in place of a provider's script. Raises RESOURCE_NOT_FOUND, MESH_UNAVAILABLE."""
        self.provider(name)
        await self._send("PUT", f"/{name}/_emulator/script", steps)
        self._scripts[name] = steps
        self._tell()
        return self.provider(name)

    async def clear(self, name: str) -> None:
        """Lets a provider behave, or all where the name is empty. Raises RESOURCE_NOT_FOUND, MESH_UNAVAILABLE."""
        if name:
            self.provider(name)
        await self._send("DELETE", f"/{name}/_emulator/script" if name else "/_emulator/script")
        for each in (name,) if name else tuple(self._scripts):
            self._scripts[each] = []
        self._tell()

    async def _send(self, method: str, path: str, content: Any = None) -> None:
        try:
            answer = await self._http.request(method, path, json=content)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise MeshError(
                reasons.ERROR_REASON_MESH_UNAVAILABLE, "The emulated providers do not answer; try again."
            ) from error


def _bill(amount: Amount) -> sandbox_pb2.Bill:
    return sandbox_pb2.Bill(picture_count=amount.pictures, cost=to_money(amount.micros))
