"""The example for gRPC in Python as it stands in docs/examples/python: a synchronous client in a process of its own."""

import asyncio
import os
import sys
from pathlib import Path

from PIL import Image

from tests.support.mesh import KEY, Mesh

ROOT = Path(__file__).parents[2]
_WITHIN_S = 60


async def run(running: Mesh, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of the example; it sees nothing of this project but the generated code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "docs" / "examples" / "python" / "generate.py"), *arguments),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "protos" / "gen"),
            "KEY": KEY,
            "HELIOSTAT_GRPC": running.grpc_address(),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_example_makes_a_picture(running: Mesh, tmp_path: Path) -> None:
    """What was asked, who made it and for how much is printed; the file is whole."""
    file = tmp_path / "picture.webp"
    code, out, err = await run(running, "flux-schnell", "A sunset over mountains", str(file))
    assert code == 0, err
    assert out.splitlines() == ["asking fal/fal-ai/flux/schnell", "made by fal for 0.003 USD"]
    with Image.open(file) as image:
        image.load()
        assert image.format == "WEBP"


async def test_the_example_tells_the_reason_of_a_failure(running: Mesh, tmp_path: Path) -> None:
    """Out of google.rpc.ErrorInfo, before the sentence for people."""
    code, _, err = await run(running, "flux-schnel", "x", str(tmp_path / "picture.webp"))
    assert code == 1
    assert err.startswith("MODEL_NOT_FOUND: ")
