"""Every emulated provider behind the whole mesh: the sandbox has it without an entry anywhere."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from heliostat.emulators.app import samples
from heliostat.launch.sandbox import emulated
from heliostat.launch.targets import load
from tests.support.mesh import mesh


@pytest.mark.parametrize("provider", sorted(emulated()))
async def test_a_provider_draws_in_the_sandbox_for_what_it_bills(tmp_path: Path, provider: str) -> None:
    """Asked for by its own name of a model; the answer's cost is the provider's bill."""
    async with mesh(tmp_path) as running:
        target = f"{provider}/{samples()[provider].model}"
        answer = await running.generate(model=target, prompt="a red boat", size="1024x1024", response_format="b64_json")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        with Image.open(io.BytesIO(base64.b64decode(told["data"][0]["b64_json"]))) as picture:
            assert picture.size == (1024, 1024)
        journal = await running.journal(provider)
        assert journal["billable"] == 1
        billed = sum(entry["cost_micros"] for entry in journal["entries"])
        assert round(told["metadata"]["cost"] * 1_000_000) == billed
        # Only engines of one's own bill nobody.
        own = bool(getattr(load(f"adapter-{provider}").settings, "address_variable", ""))
        assert own is (billed == 0)
