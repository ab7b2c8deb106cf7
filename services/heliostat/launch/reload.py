"""Takes up a changed configuration while the process runs: checked as a whole first, then at once, or not at all."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat.chassis import settings
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.chassis.modules import Part, Reloadable
from heliostat.chassis.settings import Refusal, Section, refused
from heliostat.launch.config import Configuration, Placed, configure
from heliostat.launch.file_watch import FileWatch

log = get_logger("heliostat.launch")

Running = Sequence[tuple[Placed, Part]]


class Reloading:
    """One process and the file that it was configured by."""

    def __init__(self, path: str, target: str, environment: Mapping[str, str], configuration: Configuration) -> None:
        self._path = path
        self._target = target
        self._environment = dict(environment)
        self._configuration = configuration

    async def follow(self, watch: FileWatch, parts: Running) -> None:
        """Takes up every change, until it is cancelled."""
        async for text in watch.changes():
            await self.reload(text, parts)

    async def reload(self, text: str, parts: Running) -> bool:
        """Takes up one text; False where it was refused, and what ran before goes on."""
        reloadable = [(placed, part) for placed, part in parts if isinstance(part, Reloadable)]
        try:
            configuration = await asyncio.to_thread(self._configured, text)
            new = {placed.name: placed.settings for placed in configuration.parts}
            steps = [await asyncio.to_thread(part.prepare, new[placed.name]) for placed, part in reloadable]
        except MeshError as error:
            if isinstance(error, Refusal):
                error = await asyncio.to_thread(error.located, self._path, text)
            log.warning(
                "a changed configuration was refused; the one before goes on", file=self._path, why=error.message
            )
            for _, part in reloadable:
                part.refused(error)
            return False
        live = {placed.name: part.live for placed, part in reloadable}
        later = sorted(_restarts(self._configuration, configuration, live))
        for take_up in steps:
            take_up(self._path, later)
        if later:
            log.warning("changed settings that need a restart are not in use yet", file=self._path, keys=later)
        log.info("a changed configuration was taken up", file=self._path)
        return True

    def _configured(self, text: str) -> Configuration:
        if not text.strip():
            raise refused(f"{self._path} is empty: it would take everything away.")
        configuration = configure(settings.tree_of(text, self._path, self._environment), self._target)
        missing = {part.name for part in self._configuration.parts} - {part.name for part in configuration.parts}
        if missing:
            raise refused(
                f"{self._path} has no {', '.join(sorted(missing))} any more, which runs here; restart for that."
            )
        return configuration


def _restarts(old: Configuration, new: Configuration, live: Mapping[str, Any]) -> Iterator[str]:
    """Keys that differ from what the process was started with and cannot change while it runs."""
    yield from _differing(old.process, new.process, "")
    before = {part.name: part.settings for part in old.parts}
    for part in new.parts:
        place = part.name.replace("adapter-", "adapters.", 1)
        if part.name not in before:
            yield place
        else:
            yield from _differing(before[part.name], part.settings, f"{place}.", live.get(part.name, ()))
    for name in old.adapters.keys() | new.adapters.keys():
        if old.adapters.get(name) != new.adapters.get(name):
            yield f"adapters.{name}"


def _differing(old: Section, new: Section, place: str, but: Sequence[str] = ()) -> Iterator[str]:
    for name in type(new).model_fields:
        if name not in but and getattr(old, name) != getattr(new, name):
            yield f"{place}{name}"
