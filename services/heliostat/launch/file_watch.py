"""A file that is looked at once a second: its text, whenever that is another one and has come to rest."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from heliostat.chassis import settings
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger

log = get_logger("heliostat.launch")

Stamp = tuple[int, int, int]


class FileWatch:
    """Watches one file by its time, size and number; a link that leads elsewhere is a change as well."""

    def __init__(self, path: str, text: str, poll_s: float = 1.0) -> None:
        """`text` is what is known already."""
        self._path = path
        self._text = text
        self._poll_s = poll_s
        self._asked = asyncio.Event()

    def look(self) -> None:
        """Looks now, as after SIGHUP."""
        self._asked.set()

    async def changes(self) -> AsyncGenerator[str, None]:
        """Each new text. A file that is being written is waited for: two looks must see the same."""
        # Not taken yet: the file may have changed since its text was read.
        taken: Stamp | None = None
        seen = await asyncio.to_thread(self._stamp)
        while True:
            asked = await self._pause()
            now = await asyncio.to_thread(self._stamp)
            settled, seen = now == seen, now
            if not asked and (now == taken or not settled):
                continue
            taken = now
            try:
                text = await asyncio.to_thread(settings.read_text, self._path)
            except MeshError as error:
                log.warning("the configuration stays as it is", why=error.message)
                continue
            if text != self._text:
                self._text = text
                yield text
            elif asked:
                log.info("the configuration has not changed", file=self._path)

    async def _pause(self) -> bool:
        """Waits until it is time to look again; True where somebody asked for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    def _stamp(self) -> Stamp | None:
        try:
            found = os.stat(Path(self._path))
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
