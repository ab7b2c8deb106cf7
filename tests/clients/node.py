"""Runs the examples for Node, with their dependencies installed once for each lock."""

import asyncio
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.shared_folder import alone, lay

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "node"
_INSTALL_WITHIN_S = 120
_RUN_WITHIN_S = 60
# What npm says where the registry is out of reach, as opposed to a lock that is wrong.
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network")


class Node:
    """The examples beside their dependencies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def program(self, name: str) -> tuple[str, ...]:
        """The command that runs one of the programs."""
        return "node", str(self._folder / name)

    async def run(self, program: str, *arguments: str, **environment: str) -> list[dict[str, Any]]:
        """What the program prints, line by line. Its exit code is 1 where the last line is an error, else 0."""
        process = await asyncio.create_subprocess_exec(
            *self.program(program),
            *arguments,
            env={**os.environ, "HELIOSTAT_PROTOS": str(ROOT / "protos"), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_RUN_WITHIN_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
        assert lines, err.decode()
        assert process.returncode in (0, 1 if "error" in lines[-1] else 0), err.decode()
        return lines


async def installed(examples: Path = EXAMPLES) -> Node:
    """The examples of a folder, ready to run. Skips the test where Node, npm or the registry is missing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    lock = (examples / "package-lock.json").read_bytes()
    folder = ROOT / ".heliostat" / "node" / hashlib.sha256(lock).hexdigest()[:16]
    async with alone(folder):
        if not _laid_out(folder, examples):
            await _install(folder)
    return Node(folder)


def _laid_out(folder: Path, examples: Path) -> bool:
    """Puts the examples of this checkout into the folder; tells whether their dependencies are there already."""
    for file in examples.iterdir():
        if file.is_file():
            lay(file, folder)
    return (folder / "node_modules" / ".complete").exists()


async def _install(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_INSTALL_WITHIN_S):
            _, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.skip(f"npm ci did not end within {_INSTALL_WITHIN_S} s")
    told = err.decode(errors="replace")
    if process.returncode and any(word in told for word in _UNREACHABLE):
        pytest.skip("the npm registry cannot be reached")
    assert process.returncode == 0, told
    (folder / "node_modules" / ".complete").touch()
