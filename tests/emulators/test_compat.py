"""The self-hosted server, asked by the stock OpenAI client."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest
from PIL import Image

from tests.emulators.conftest import Bench, decoded, encoded, picture

PATH = "/compat/v1/images/generations"
KEY = {"authorization": "Bearer sk-test"}


async def test_any_model_any_size_by_url(bench: Bench) -> None:
    """Without a response format the answer is an address on this server, which serves the picture; it is free."""
    async with bench.openai("compat") as client:
        answer = await client.images.generate(model="org/some-model", prompt="x", size="200x72")
    hosted = await bench.http.get(answer.data[0].url)
    assert answer.data[0].url.startswith(f"{bench.base}/compat/files/")
    assert (decoded(hosted.content).size, hosted.headers["content-type"]) == ((200, 72), "image/png")
    assert (await bench.journal())["billable"] == 1
    assert (await bench.last("compat", "generations"))["cost_micros"] == 0


async def test_seed_and_negative_prompt(bench: Bench) -> None:
    """The same seed paints the same; another seed or another negative prompt does not."""

    async def painted(**fields: Any) -> str:
        order = {"model": "m", "prompt": "x", "size": "64x64", "response_format": "b64_json", **fields}
        answer = await bench.http.post(PATH, json=order, headers=KEY)
        image: str = answer.json()["data"][0]["b64_json"]
        return image

    assert await painted(seed=1) == await painted(seed=1)
    assert await painted(seed=1) != await painted(seed=2)
    assert await painted() != await painted(negative_prompt="rain")


async def test_edit_paints_where_the_mask_is_white(bench: Bench) -> None:
    """White is painted anew, with and without an alpha channel: the opposite of OpenAI's rule."""
    mask = Image.new("RGB", (64, 64), "black")
    mask.paste("white", (0, 0, 32, 64))
    for form in (mask, mask.convert("RGBA")):
        async with bench.openai("compat") as client:
            answer = await client.images.edit(
                model="m", prompt="x", image=picture(), mask=encoded(form), response_format="b64_json"
            )
        image = decoded(base64.b64decode(answer.data[0].b64_json)).convert("RGB")
        assert (image.getpixel((10, 10)), image.getpixel((50, 10))) == ((0, 0, 0), (0, 0, 255))


async def test_a_model_may_have_a_price(legacy_bench: Bench) -> None:
    """Configured prices are per picture."""
    async with legacy_bench.openai("compat") as client:
        await client.images.generate(model="dear", prompt="x", n=3, size="64x64")
    assert (await legacy_bench.last("compat"))["cost_micros"] == 4_500


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"model": "m"}, 422),
        ({"model": "m", "prompt": "x", "n": 0}, 422),
        ({"model": "m", "prompt": "x", "seed": "one"}, 422),
        ({"model": "m", "prompt": "x", "response_format": "png"}, 422),
        ({"model": "m", "prompt": "x", "size": "1024*1024"}, 400),
        ({"model": "m", "prompt": "x", "size": "9000x64"}, 400),
        ({"model": "sandbox-rate-limited", "prompt": "x"}, 429),
        ({"model": "sandbox-down", "prompt": "x"}, 503),
    ],
)
async def test_errors_are_fastapis(bench: Bench, fields: dict[str, Any], status: int) -> None:
    """A wrong field is `detail` with a list, everything else `detail` with a sentence."""
    answer = await bench.http.post(PATH, json=fields, headers=KEY)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], list if status == 422 else str)
    assert (await bench.journal())["billable"] == 0


@pytest.mark.parametrize(
    ("key", "error"), [("bad", openai.AuthenticationError), ("locked", openai.PermissionDeniedError)]
)
async def test_keys(bench: Bench, key: str, error: type[openai.APIStatusError]) -> None:
    """The beginning of a key decides."""
    async with bench.openai("compat", key) as client:
        with pytest.raises(error):
            await client.images.generate(model="m", prompt="x")


async def test_broken_bodies(bench: Bench) -> None:
    """What is no JSON object, and what is no picture, is refused and not billed."""
    for content in (b"{", b"[]", b"null"):
        assert (await bench.http.post(PATH, content=content, headers=KEY)).status_code == 422
    fields, files = {"model": "m", "prompt": "x"}, {"image": b"no picture"}
    answer = await bench.http.post("/compat/v1/images/edits", data=fields, files=files, headers=KEY)
    assert answer.status_code == 400
    assert (await bench.journal())["billable"] == 0
