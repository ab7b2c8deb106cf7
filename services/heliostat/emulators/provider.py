"""What each provider's package hands to the app, and what it may be told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from heliostat.emulators.exchange import Room


@dataclass(frozen=True)
class Options:
    """How the emulated providers differ from their defaults."""

    job_seconds: float = 0.15
    """How long a queued job waits and runs, not counting the painting."""
    openai_legacy: bool = False
    """Let OpenAI's retired models answer, and variations."""
    compat_prices_micros: Mapping[str, int] = field(default_factory=dict)
    """Micro-USD per picture by model of the self-hosted server; a model that is not named is free."""


@dataclass(frozen=True)
class Sample:
    """How an adapter of the same name is pointed at an emulated provider, and what it may ask it for.

    A package of an emulated provider that has an adapter says so in its `SAMPLE`: the sandbox and the conformance suite
    find it there.
    """

    path: str
    """Behind the server's address: together they are the adapter's `base_url`."""
    model: str
    """A provider model that draws from words and is quick."""
    key: str
    """A key that the emulated provider takes."""


async def _nothing() -> None:
    """Close nothing."""


@dataclass(frozen=True)
class Provider:
    """A provider that is ready to serve."""

    room: Room
    routes: Sequence[BaseRoute]
    aclose: Callable[[], Awaitable[None]] = _nothing
