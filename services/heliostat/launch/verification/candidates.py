"""Whom a verification tries: the adapter with the operator's settings, and its twin before an emulated provider."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from heliostat.launch import sandbox
from heliostat.launch.emulator_process import EmulatorProcess
from heliostat.launch.targets import ADAPTER, kind_of, load
from heliostat.launch.verification.servicer import make_stub
from heliostat.launch.verification.trial import Candidate


def live_candidate(provider: str, section: Mapping[str, Any], model: str) -> Candidate:
    """The adapter of a section. Raises INVALID_FIELD where there is none of that name."""
    module = load(ADAPTER + provider, kind_of(provider, section))
    return Candidate(module, section, make_stub, model)


@asynccontextmanager
async def emulated_candidate(provider: str, candidate: Candidate, folder: Path) -> AsyncIterator[Candidate | None]:
    """The same adapter before the emulated provider of its kind, which runs meanwhile; None where there is none."""
    kind = kind_of(provider, candidate.settings)
    sample = import_module("heliostat.emulators.app").samples().get(kind)
    if sample is None:
        yield None
        return
    emulators = EmulatorProcess(0, folder / "emulators.log")
    emulators.start()
    try:
        address = await asyncio.to_thread(emulators.ready)
        key = f"env:{sandbox.PROVIDER_KEY_VARIABLE}"
        settings = {**candidate.settings, "base_url": address + sample.path, "api_key": key}
        yield replace(candidate, settings=settings)
    finally:
        await asyncio.to_thread(emulators.stop)
