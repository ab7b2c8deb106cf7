"""The examples of docs/rest_api.md, pasted into a shell: each answers with the status that its fence names."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support.mesh import KEY, Mesh

PAGE = Path(__file__).parents[2] / "docs" / "rest_api.md"
FENCE = re.compile(r"^```sh ([0-9 ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The page's own curl, made to tell the status on a line of its own.
TELLING = 'curl() { command curl -sS -m 30 -w "\\nSTATUS %{http_code}\\n" "$@"; }\n'
_WITHIN_S = 60


def examples() -> list[tuple[str, str]]:
    """(statuses, commands) of every fence, in order."""
    return FENCE.findall(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_examples() -> None:
    """Or the next test would prove nothing."""
    assert len(examples()) > 10


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="curl or bash is not installed")
async def test_every_example_answers_as_the_page_says(running: Mesh, tmp_path: Path) -> None:
    """In one folder and in the page's order, because later examples use pictures of earlier ones."""
    folder = tmp_path / "shell"
    folder.mkdir()
    for statuses, commands in examples():
        pasted = commands.replace("http://127.0.0.1:8080", running.url)
        pasted = pasted.replace("http://127.0.0.1:8090", running.emulators)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", TELLING + pasted),
            cwd=folder,
            env={**os.environ, "KEY": KEY},
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
        assert re.findall(r"^STATUS ([0-9]+)$", out, re.MULTILINE) == statuses.split(), f"{commands}\n{out[-2000:]}"
