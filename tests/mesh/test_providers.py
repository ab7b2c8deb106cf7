"""Every emulated provider behind the whole mesh: the sandbox has it without an entry anywhere."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from heliostat.emulators.app import samples
from heliostat.launch.sandbox import emulated
from heliostat.launch.targets import load
from heliostat.painting.blank import blank_png
from tests.support.mesh import mesh

BALL = "data:image/png;base64," + base64.b64encode(blank_png(1024, 1024)).decode()


@pytest.mark.parametrize("provider", sorted(emulated()))
async def test_a_provider_works_in_the_sandbox_for_what_it_bills(tmp_path: Path, provider: str) -> None:
    """Asked for by its own name of a model: it draws, or cuts out where it draws nothing. The picture has the size that
    was asked for or the answer says what became of that, and its cost is the provider's bill.
    """
    async with mesh(tmp_path) as running:
        target = f"{provider}/{samples()[provider].model}"
        draws = "text_to_image" in (await running.http.get(f"/v1/models/{target}")).json()["capabilities"]
        if draws:
            answer = await running.generate(
                model=target, prompt="a red boat", size="1024x1024", response_format="b64_json"
            )
        else:
            body = {"model": target, "image": BALL, "response_format": "b64_json"}
            answer = await running.http.post("/v1/images/backgrounds", json=body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        with Image.open(io.BytesIO(base64.b64decode(told["data"][0]["b64_json"]))) as picture:
            adjusted = {adjustment["parameter"] for adjustment in told["metadata"]["adjustments"]}
            assert picture.size == (1024, 1024) or "size" in adjusted
        journal = await running.journal(provider)
        assert journal["billable"] == 1
        billed = sum(entry["cost_micros"] for entry in journal["entries"])
        assert round(told["metadata"]["cost"] * 1_000_000) == billed
        # Only engines of one's own bill nobody.
        assert billed or getattr(load(f"adapter-{provider}", provider).settings, "address_variable", "")
