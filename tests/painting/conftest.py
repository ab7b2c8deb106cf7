"""One easel for all tests of the room: its worker process starts once."""

from collections.abc import AsyncIterator

import pytest_asyncio

from heliostat.painting import Easel


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def easel() -> AsyncIterator[Easel]:
    """A shared easel with one worker, closed after the last test."""
    shared = Easel()
    yield shared
    await shared.aclose()
