"""Folders that tests of several processes install and build in: one changes it at a time, and no file is half there."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO


def lay(file: Path, folder: Path) -> None:
    """Puts a file into a folder from which programs of other processes may just be read: it is whole at any time."""
    new = folder / f".{file.name}.{os.getpid()}"
    shutil.copy(file, new)
    new.replace(folder / file.name)


@asynccontextmanager
async def alone(folder: Path) -> AsyncIterator[None]:
    """Tests of other processes use the same folder: one changes it at a time."""
    lock = await asyncio.to_thread(_locked, folder)
    try:
        yield
    finally:
        lock.close()


def _locked(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
