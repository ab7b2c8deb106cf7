"""docs/examples/chain.sh as it stands: five steps on one picture, each on what the one before it answered."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.mesh import KEY, Mesh

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "chain.sh"
_WITHIN_S = 120
NEEDED = ("sh", "curl", "python3")


def picture(folder: Path, name: str) -> Image.Image:
    """A picture that the script left, wholly decoded."""
    with Image.open(folder / name) as opened:
        opened.load()
        return opened.convert("L" if "mask" in name else "RGB")


@pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="sh, curl or python3 is not installed")
async def test_the_chain_works_when_pasted(running: Mesh, tmp_path: Path) -> None:
    """The inpaint changes what the mask says and nothing else; the last picture is twice as wide and high."""
    folder = tmp_path / "chain"
    folder.mkdir()
    process = await asyncio.create_subprocess_exec(
        "sh",
        cwd=folder,
        env={**os.environ, "KEY": KEY, "HELIOSTAT_URL": running.url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            out, _ = await process.communicate(SCRIPT.read_bytes())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, out.decode()
    assert out.decode().splitlines() == [
        "generations -> 1_generated.png",
        "segments -> 2_segments.json",
        "mask -> 3_mask.png",
        "edits -> 4_inpainted.png",
        "upscales -> 5_upscaled.webp",
    ]
    generated, mask, inpainted = (
        picture(folder, name) for name in ("1_generated.png", "3_mask.png", "4_inpainted.png")
    )
    assert generated.size == mask.size == inpainted.size == (768, 512)
    assert set(mask.tobytes()) == {0, 255}
    assert 0.05 < ImageStat.Stat(mask).mean[0] / 255 < 0.6
    kept, changed = ImageChops.invert(mask), ImageChops.difference(generated, inpainted).convert("L")
    assert ImageStat.Stat(changed, kept).extrema[0] == (0, 0)
    assert ImageStat.Stat(changed, mask).mean[0] > 20
    upscaled = picture(folder, "5_upscaled.webp")
    assert upscaled.size == (1536, 1024)
    difference = ImageChops.difference(upscaled.resize(inpainted.size), inpainted)
    assert max(ImageStat.Stat(difference).mean) < 12
