"""The emulated Ideogram: generations, their states and prices, its errors."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from PIL import Image

from heliostat.emulators.ideogram.masks import inverted
from heliostat.emulators.pictures import PictureRefused
from tests.emulators.conftest import Bench, decoded, encoded, opened, picture

KEY = {"api-key": "a-key"}
IMAGE = picture((512, 256))
GENERATE = "generate/ideogram-3"


async def asked(bench: Bench, path: str, files: dict[str, bytes] | None = None, /, **fields: Any) -> httpx.Response:
    """Ask for pictures, with a form where there are files."""
    url = f"/ideogram/v2/image/{path}"
    if files is None:
        return await bench.http.post(url, json=fields, headers=KEY)
    parts = {name: (f"{name}.png", data, "image/png") for name, data in files.items()}
    return await bench.http.post(url, data=fields, files=parts, headers=KEY)


async def test_a_generation_at_once(bench: Bench) -> None:
    """The answer holds the pictures; their addresses are the provider's own."""
    answer = (await asked(bench, GENERATE, prompt="x", num_images=2, seed=7, resolution="1344x768")).json()
    assert [one["seed"] for one in answer["data"]] == [7, 8]
    assert all(one["is_image_safe"] for one in answer["data"])
    image = decoded((await bench.http.get(answer["data"][1]["url"])).content)
    assert (image.format, image.size, answer["data"][1]["resolution"]) == ("PNG", (1344, 768), "1344x768")
    entry = await bench.last("ideogram", "submit")
    assert (entry["billed"], entry["cost_micros"], entry["request_id"]) == (True, 120_000, answer["generation_id"])


async def test_a_generation_as_a_job(bench: Bench) -> None:
    """The submit tells its id and no pictures; the end tells them."""
    told = (await asked(bench, GENERATE, **{"prompt": "x", "async": True})).json()
    assert "data" not in told
    async with asyncio.timeout(30):
        while True:
            state = (await bench.http.get(f"/ideogram/v2/generations/{told['generation_id']}", headers=KEY)).json()
            if state["status"] != "pending":
                break
    assert (state["status"], len(state["data"])) == ("completed", 1)


@pytest.mark.parametrize(
    ("path", "fields", "files", "size", "micros"),
    [
        (GENERATE, {}, None, (1024, 1024), 60_000),
        (GENERATE, {"rendering_speed": "quality", "aspect_ratio": "16x9"}, None, (1360, 768), 90_000),
        (GENERATE, {"rendering_speed": "turbo"}, {"style_reference_images": IMAGE}, (1024, 1024), 30_000),
        ("generate/ideogram-4", {"rendering_speed": "quality"}, None, (2048, 2048), 100_000),
        ("generate/ideogram-4-5", {"size": "1600x912"}, None, (1600, 912), 100_000),
        ("generate/p-image-ideogram", {"custom_width": 512, "custom_height": 768}, None, (512, 768), 10_000),
        ("generate/p-image-ideogram", {"resolution": "2k"}, None, (2048, 2048), 10_000),
        ("precise-edit/ideogram-4-5", {"quality": "low"}, {"image": IMAGE}, (512, 256), 30_000),
        ("remix/ideogram-3", {"image_weight": "90", "num_images": "2"}, {"image": IMAGE}, (512, 256), 120_000),
        ("remix/ideogram-3-character", {}, {"image": IMAGE, "character_reference_images": IMAGE}, (512, 256), 150_000),
        ("reframe/ideogram-3", {"resolution": "1536x512"}, {"image": IMAGE}, (1536, 512), 60_000),
        ("remove-background/ideogram-1", {}, {"image": IMAGE}, (512, 256), 10_000),
        ("upscale/topaz-bloom-2", {}, {"image": picture((1024, 1024))}, (2048, 2048), 377_487),
        ("upscale/topaz-standard-2", {"upscale_factor": "x8"}, {"image": IMAGE}, (4096, 2048), 251_658),
    ],
)
async def test_an_operation_makes_its_size_for_its_price(
    bench: Bench,
    path: str,
    fields: dict[str, Any],
    files: dict[str, bytes] | None,
    size: tuple[int, int],
    micros: int,
) -> None:
    """A quote tells the same, and costs nothing."""
    answer = (await asked(bench, path, files, prompt="x", **fields)).json()
    assert decoded((await bench.http.get(answer["data"][0]["url"])).content).size == size
    assert (await bench.last("ideogram", "submit"))["cost_micros"] == micros
    quote = (await asked(bench, f"{path}?dry_run=true", files, prompt="x", **fields)).json()
    assert (quote["usd_micros"], quote["credit_millis"]) == (micros, micros // 10)
    assert not (await bench.last("ideogram", "submit"))["billed"]


@pytest.mark.parametrize(
    ("path", "fields", "files", "status", "word"),
    [
        (GENERATE, {}, None, 400, "prompt"),
        (GENERATE, {"prompt": 7}, None, 400, "prompt"),
        (GENERATE, {"prompt": "x", "resolution": "1000x1000"}, None, 400, "resolution"),
        (GENERATE, {"prompt": "x", "resolution": "1024x1024", "aspect_ratio": "1x1"}, None, 400, "exclusive"),
        (GENERATE, {"prompt": "x", "rendering_speed": "FLASH"}, None, 400, "rendering_speed"),
        (GENERATE, {"prompt": "x", "num_images": 9}, None, 400, "num_images"),
        (GENERATE, {"prompt": "x", "seed": -1}, None, 400, "seed"),
        (GENERATE, {"prompt": "x", "num_images": "many"}, {"style_reference_images": IMAGE}, 400, "num_images"),
        (GENERATE, {"prompt": "x", "style_preset": "p"}, {"style_reference_images": IMAGE}, 400, "style_preset"),
        (GENERATE, {"prompt": "x", "webhook_url": "http://127.0.0.1/"}, None, 400, "webhook_url"),
        ("generate/ideogram-4", {"prompt": "x"}, {"image": IMAGE}, 415, "json"),
        ("generate/ideogram-4-5", {"prompt": "x", "size": "128x128"}, None, 400, "size"),
        ("generate/p-image-ideogram", {"prompt": "x", "custom_width": 512}, None, 400, "custom_width"),
        ("inpaint/ideogram-3", {"prompt": "x"}, {"image": IMAGE}, 400, "mask"),
        ("inpaint/ideogram-3", {"prompt": "x"}, {"image": IMAGE, "mask": picture()}, 400, "mask"),
        ("remix/ideogram-3", {"prompt": "x"}, {"image": b"no picture"}, 400, "image"),
        ("reframe/ideogram-3", {}, {"image": IMAGE}, 400, "resolution"),
        ("generate/ideogram-9", {"prompt": "x"}, None, 404, "Not found"),
    ],
)
async def test_a_wrong_body_is_refused(
    bench: Bench, path: str, fields: dict[str, Any], files: dict[str, bytes] | None, status: int, word: str
) -> None:
    """With the field's name; nothing runs."""
    answer = await asked(bench, path, files, **fields)
    assert (answer.status_code, word in answer.json()["error"]) == (status, True)
    assert (await bench.journal("ideogram"))["billable"] == 0


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({}, 401, None),
        ({"authorization": "Bearer x"}, 401, None),
        ({"api-key": "bad"}, 401, None),
        ({"api-key": "poor"}, 402, "insufficient_funds"),
        ({"api-key": "other"}, 403, None),
    ],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int, reason: str | None) -> None:
    """A lack of money says so apart."""
    answer = await bench.http.post(f"/ideogram/v2/image/{GENERATE}", json={"prompt": "x"}, headers=headers)
    assert (answer.status_code, answer.json().get("reject_reason")) == (status, reason)


async def test_unsafe_things(bench: Bench) -> None:
    """A prompt is refused for nothing; a picture is held back and billed."""
    refused = await asked(bench, GENERATE, prompt="NSFW")
    assert (refused.status_code, "safety check" in refused.json()["error"]) == (422, True)
    held = (await asked(bench, GENERATE, prompt="gore", num_images=2)).json()["data"]
    assert [(one["url"] is None, one["is_image_safe"]) for one in held] == [(True, False), (False, True)]
    assert (await bench.last("ideogram", "submit"))["cost_micros"] == 120_000


async def test_ten_pictures_are_under_way_at_most() -> None:
    """Pictures are counted, not requests; no pause is told."""
    async for bench in opened(job_seconds=600):
        terms = {"prompt": "x", "num_images": 6, "async": True}
        assert (await asked(bench, GENERATE, **terms)).status_code == 200
        answer = await asked(bench, GENERATE, **terms)
        assert (answer.status_code, answer.json()["reject_reason"]) == (429, "inflight_limit")
        assert "retry-after" not in answer.headers


async def test_a_generation_that_nobody_knows(bench: Bench) -> None:
    """Is not found."""
    assert (await bench.http.get("/ideogram/v2/generations/none", headers=KEY)).status_code == 404


async def test_a_mask_paints_where_it_is_black(bench: Bench) -> None:
    """And leaves what is white."""
    mask = Image.new("L", (512, 256), 255)
    mask.paste(0, (0, 0, 256, 256))
    files = {"image": picture((512, 256), "white"), "mask": encoded(mask)}
    answer = (await asked(bench, "inpaint/ideogram-3", files, prompt="x")).json()
    image = decoded((await bench.http.get(answer["data"][0]["url"])).content).convert("L")
    assert (image.getpixel((10, 10)), image.getpixel((500, 10))) == (0, 255)


def test_black_and_white_are_exchanged_level_by_level() -> None:
    """Whatever the depth; anything but grey is refused."""
    ramp = Image.new("L", (256, 1))
    ramp.putdata(range(256))
    assert list(decoded(inverted(encoded(ramp))).convert("L").tobytes()) == list(range(255, -1, -1))
    assert decoded(inverted(encoded(Image.new("1", (8, 8), 1)))).convert("L").getpixel((0, 0)) == 0
    with pytest.raises(PictureRefused):
        inverted(picture())
