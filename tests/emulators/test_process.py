"""The emulators alone in a process of their own."""

from __future__ import annotations

import asyncio
import sys

import httpx

from tests.support.loopback import PLAIN

KEY = {"authorization": "Bearer sk-test"}


async def test_runs_alone_and_ends_on_sigterm() -> None:
    """One line says where it listens; a termination ends it in order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "heliostat.emulators", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("listening http://127.0.0.1:")
    async with httpx.AsyncClient(verify=PLAIN, base_url=line.split()[1], trust_env=False) as client:
        assert (await client.get("/openai/v1/models", headers=KEY)).status_code == 200
        assert len((await client.get("/_emulator/journal")).json()["entries"]) == 1
    process.terminate()
    async with asyncio.timeout(60):
        assert await process.wait() == 0
