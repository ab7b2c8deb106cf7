"""All emulated providers in one app, each below its own name."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Mapping, Sequence

from starlette.applications import Starlette

from heliostat.emulators.controls import control_routes
from heliostat.emulators.journal import Journal
from heliostat.emulators.news import News
from heliostat.emulators.pictures import Painter, Pictures
from heliostat.emulators.provider import Options, Provider, Sample
from heliostat.emulators.script import Step


def create_app(
    easel: Painter,
    *,
    job_seconds: float = 0.15,
    openai_legacy: bool = False,
    compat_prices_micros: Mapping[str, int] | None = None,
    scripts: Mapping[str, Sequence[Step]] | None = None,
) -> Starlette:
    """Make the app. `easel` paints and stays the caller's to close.

    Serve it with `EmulatorServer`, whose connections can be cut and stalled. `job_seconds` is how long a queued job
    takes beside its painting; `openai_legacy` lets OpenAI's retired models answer; `compat_prices_micros` prices
    models of the self-hosted server, in micro-USD per picture. `scripts` are what providers do wrong from the start:
    where they are given, the app has no other providers than theirs.
    """
    options = Options(job_seconds, openai_legacy, compat_prices_micros or {})
    news = News()
    journal = Journal(news.tell)
    pictures = Pictures(easel)
    names = provider_names() if scripts is None else list(scripts)
    providers = [_open(name, pictures, journal, options) for name in names]
    for provider in providers:
        provider.room.script.on_change = news.tell
        provider.room.script.load(list((scripts or {}).get(provider.room.name, ())))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for provider in providers:
            await provider.aclose()

    routes = control_routes(journal, [provider.room for provider in providers], news)
    return Starlette(
        routes=[*routes, *(route for provider in providers for route in provider.routes)], lifespan=lifespan
    )


def provider_names() -> list[str]:
    """The emulated providers: the packages of this folder, each with an `opening.open_provider`; a new one edits
    nothing."""
    folder = importlib.import_module("heliostat.emulators").__path__
    return sorted(found.name for found in pkgutil.iter_modules(folder) if found.ispkg)


def samples() -> dict[str, Sample]:
    """How adapters are pointed at the emulated providers that have one, by name; loads none of them."""
    packages = {name: importlib.import_module(f"heliostat.emulators.{name}") for name in provider_names()}
    return {name: package.SAMPLE for name, package in packages.items() if hasattr(package, "SAMPLE")}


def _open(name: str, pictures: Pictures, journal: Journal, options: Options) -> Provider:
    opening = importlib.import_module(f"heliostat.emulators.{name}.opening")
    provider: Provider = opening.open_provider(pictures, journal, options)
    return provider
