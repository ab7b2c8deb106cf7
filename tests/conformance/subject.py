"""An emulated provider as the rules' stage."""

from dataclasses import dataclass
from typing import Any

from tests.emulators.conftest import Bench


@dataclass(frozen=True)
class Emulated:
    """Where an adapter's provider is emulated: `key` is what `variable` holds."""

    provider: str
    path: str
    variable: str
    model: str
    key: str


@dataclass
class EmulatedStage:
    """Script, journal and end of one emulated provider."""

    bench: Bench
    provider: str
    key: str

    async def script(self, *steps: dict[str, Any]) -> None:
        """Puts what shall go wrong next."""
        await self.bench.script(self.provider, *steps)

    async def entries(self) -> list[dict[str, Any]]:
        """The requests that came in, the oldest first."""
        entries: list[dict[str, Any]] = (await self.bench.journal(self.provider))["entries"]
        return entries

    async def stop(self) -> None:
        """Stops listening."""
        await self.bench.server.stop()
