"""What goes on in the sandbox: one stream for all pages, faults and counters kept fresh on each."""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.console.desk import Desk
from heliostat.console.live import Live
from heliostat.console.wording import key

TOPIC = "sandbox"
COUNTERS = "counters"
_AGAIN_S = 0.5

log = get_logger("heliostat.console")


def element_of(provider: str) -> str:
    """The id of the element that shows a provider."""
    return f"provider-{key(provider)}"


@dataclass
class SandboxState:
    """The last that was told."""

    providers: dict[str, sandbox_pb2.Provider] = field(default_factory=dict)
    """By name, in their order."""
    counters: sandbox_pb2.Counters = field(default_factory=sandbox_pb2.Counters)


class SandboxFeed:
    """Keeps the state fresh. `render_provider` and `render_counters` are set by the page that knows how they look."""

    def __init__(self, desk: Desk, live: Live) -> None:
        self._desk = desk
        self._live = live
        self.state = SandboxState()
        self.render_provider: Callable[[str], str] = str
        self.render_counters: Callable[[], str] = str
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch, where there are controls."""
        if self._desk.controls is not None:
            self._task = asyncio.create_task(self._again_and_again())

    async def stop(self) -> None:
        """Ends the stream."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _again_and_again(self) -> None:
        while True:
            try:
                await self._watch()
            except MeshError:
                # The controls stand beside the ledger: the banner says already that it is away.
                pass
            except Exception as error:
                log.unforeseen("a stream of the console broke", error, peer="sandbox")
            await asyncio.sleep(_AGAIN_S)

    async def _watch(self) -> None:
        if self._desk.controls is None:
            return
        async with self._desk.watch(self._desk.controls.WatchSandbox, sandbox_pb2.WatchSandboxRequest()) as messages:
            async for message in messages:
                for provider in message.providers:
                    self.take(provider)
                if message.counters != self.state.counters:
                    self.state.counters = message.counters
                    self._live.publish(TOPIC, COUNTERS, self.render_counters)

    def take(self, provider: sandbox_pb2.Provider) -> None:
        """A provider is now like this."""
        if self.state.providers.get(provider.name) != provider:
            self.state.providers[provider.name] = provider
            render = functools.partial(self.render_provider, provider.name)
            self._live.publish(TOPIC, element_of(provider.name), render)
