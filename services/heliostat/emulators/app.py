"""All emulated providers in one app, each below its own name."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator, Mapping

from starlette.applications import Starlette

from heliostat.emulators.controls import control_routes
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Painter, Pictures
from heliostat.emulators.provider import Options, Provider

PROVIDERS = ("openai", "compat", "fal")
"""Each is a package here with an `open_provider`."""


def create_app(
    easel: Painter,
    *,
    job_seconds: float = 0.15,
    openai_legacy: bool = False,
    compat_prices_micros: Mapping[str, int] | None = None,
) -> Starlette:
    """Make the app. `easel` paints and stays the caller's to close.

    Serve it with `EmulatorServer`, whose connections can be cut and stalled. `job_seconds` is how long a queued job
    takes beside its painting; `openai_legacy` lets OpenAI's retired models answer; `compat_prices_micros` prices
    models of the self-hosted server, in micro-USD per picture.
    """
    options = Options(job_seconds, openai_legacy, compat_prices_micros or {})
    journal = Journal()
    pictures = Pictures(easel)
    providers = [_open(name, pictures, journal, options) for name in PROVIDERS]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for provider in providers:
            await provider.aclose()

    routes = control_routes(journal, [provider.room for provider in providers])
    return Starlette(routes=routes + [route for provider in providers for route in provider.routes], lifespan=lifespan)


def _open(name: str, pictures: Pictures, journal: Journal, options: Options) -> Provider:
    package = importlib.import_module(f"heliostat.emulators.{name}")
    provider: Provider = package.open_provider(pictures, journal, options)
    return provider
