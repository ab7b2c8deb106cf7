"""A mesh for clients that know nothing of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh, mesh


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh in this process over emulated providers; the checker of invariants runs when it ends."""
    async with mesh(tmp_path) as started:
        yield started
