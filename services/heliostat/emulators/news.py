"""Whether something has changed since somebody looked: a count that can be waited for."""

from __future__ import annotations

import asyncio


class News:
    """Counts changes of journal and scripts."""

    def __init__(self) -> None:
        self.version = 1
        """Grows by one with every change; a reader that knows nothing says 0."""
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, version: int, wait_s: float) -> None:
        """Wait until the version is another one than this, at most so many seconds."""
        try:
            async with asyncio.timeout(wait_s):
                while self.version == version:
                    await self._changed.wait()
        except TimeoutError:
            return
