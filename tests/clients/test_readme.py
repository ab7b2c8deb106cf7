"""The tours of routing, pasted into a shell: a provider goes down and comes back, an operator moves traffic."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.mesh import KEY, Mesh, mesh

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST, SECOND = "fal/fal-ai/flux/schnell", "compat/flux-schnell"
_WITHIN_S = 120
# Longer than the page's ten seconds, in which a busy machine does not get through its six requests.
_OUT_S = 20


def commands() -> list[str]:
    """The shell blocks of the README's tour, and of the operators' page after it."""
    return [
        block
        for page in ("README.md", "docs/routing.md")
        for block in FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    ]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh whose targets are out for a while longer."""
    async with mesh(tmp_path, over={"router": {"health": {"out_s": _OUT_S}}}) as started:
        yield started


async def pasted(block: str, running: Mesh, folder: Path) -> str:
    """What a shell prints for one block, against this mesh."""
    block = block.replace("http://127.0.0.1:8080", running.url).replace("http://127.0.0.1:8090", running.emulators)
    block = block.replace(".venv/bin/heliostat", f"{sys.executable} -m heliostat.launch")
    block = block.replace("sleep 10", f"sleep {_OUT_S}")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", block),
        cwd=folder,
        env={**os.environ, "KEY": KEY, "HELIOSTAT_STATE_DIR": str(running.state_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            out = (await process.communicate())[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, out
    return out


def answered(out: str) -> list[str]:
    """Which targets answered, in order."""
    return re.findall(r'"executed_model":"([^"]*)"', out)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="curl or bash is not installed")
async def test_the_tour_of_routing_works_when_pasted(running: Mesh, tmp_path: Path) -> None:
    """No request fails; traffic moves away and back by itself, and by hand; each command tells what the page says."""
    folder = tmp_path / "shell"
    folder.mkdir()
    down, back, moved = commands()
    out = await pasted(down, running, folder)
    assert answered(out) == [SECOND] * 6
    assert re.search(rf"^2  {FIRST} .* failed 5 times in a row; back in [0-9.]+ s$", out, re.MULTILINE)
    out = await pasted(back, running, folder)
    assert answered(out) == [FIRST]
    assert re.search(rf"{FIRST} +0 +1 +enabled +healthy", out)
    out = await pasted(moved, running, folder)
    assert answered(out) == [SECOND]
    assert re.search(rf"{FIRST} +0 +0 +enabled\* ", out)
    arms = {line.split()[0]: line.split()[1:4] for line in out.splitlines() if "%" in line and line.count("  ") > 5}
    assert arms[FIRST] == ["1", "6", "16.7%"]
    assert arms[SECOND] == ["1", "2", "100.0%"]
