"""The emulated Recraft: its operations and prices, its errors, and OpenAI's own client at its door."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"authorization": "Bearer a-token"}
IMAGE = picture((400, 200))


def data_url(data: bytes) -> str:
    """A picture as JSON carries it."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


async def asked(bench: Bench, path: str, files: dict[str, bytes] | None = None, /, **fields: Any) -> httpx.Response:
    """Ask for pictures, with a form where there are files."""
    url = f"/recraft/v1/images/{path}"
    if files is None:
        return await bench.http.post(url, json=fields, headers=KEY)
    parts = {name: (f"{name}.png", data, "image/png") for name, data in files.items()}
    return await bench.http.post(url, data=fields, files=parts, headers=KEY)


async def test_openais_client_draws(bench: Bench) -> None:
    """With Recraft's own words in its extra body."""
    async with bench.openai("recraft") as client:
        answer = await client.images.generate(
            model="recraftv3",
            prompt="x",
            n=2,
            size="1820x1024",
            response_format="b64_json",
            extra_body={"style": "digital_illustration", "image_format": "png"},
        )
        models = [model.id async for model in client.models.list()]
    images = [decoded(base64.b64decode(item.b64_json)) for item in answer.data]
    assert [(image.format, image.size) for image in images] == [("PNG", (1820, 1024))] * 2
    assert answer.model_extra["credits"] == 80
    assert "recraftv4_1" in models
    assert (await bench.last("recraft", "submit"))["cost_micros"] == 80_000


async def test_pictures_are_hosted_as_webp(bench: Bench) -> None:
    """Unless something else is asked for."""
    answer = (await asked(bench, "generations", prompt="x", calculate_features=True)).json()
    image = decoded((await bench.http.get(answer["data"][0]["url"])).content)
    assert (image.format, image.size, answer["credits"]) == ("WEBP", (1024, 1024), 35)
    assert "nsfw_score" in answer["data"][0]["features"]


@pytest.mark.parametrize(
    ("path", "fields", "files", "size", "units"),
    [
        ("generations", {"model": "recraftv4_1_pro", "size": "16:9"}, None, (2688, 1536), 210),
        ("generations", {"model": "recraftv4_pro"}, None, (2048, 2048), 250),
        ("generations", {"model": "recraftv2", "n": 3, "size": "1024x1707"}, None, (1024, 1707), 66),
        ("generations", {"model": "recraftv3"}, {"style_references": IMAGE}, (1024, 1024), 80),
        ("imageToImage", {"strength": "0.3", "n": "2"}, {"image": IMAGE}, (400, 200), 80),
        ("imageToImage", {"strength": 0.3, "image_url": data_url(IMAGE)}, None, (400, 200), 40),
        ("inpaint", {}, {"image": IMAGE, "mask": IMAGE}, (400, 200), 40),
        ("outpaint", {"expand_left": "10", "expand_bottom": "20"}, {"image": IMAGE}, (410, 220), 40),
        ("replaceBackground", {}, {"image": IMAGE}, (400, 200), 40),
        ("variateImage", {"size": "2:1"}, {"image": IMAGE}, (2048, 1024), 40),
        ("removeBackground", {}, {"file": IMAGE}, (400, 200), 10),
        ("crispUpscale", {}, {"image": IMAGE}, (2828, 1414), 4),
        ("creativeUpscale", {"upscale": "upscale16mp"}, {"image": IMAGE}, (5657, 2828), 250),
        ("eraseRegion", {}, {"image": IMAGE, "mask": IMAGE}, (400, 200), 2),
    ],
)
async def test_an_operation_makes_its_size_for_its_price(
    bench: Bench,
    path: str,
    fields: dict[str, Any],
    files: dict[str, bytes] | None,
    size: tuple[int, int],
    units: int,
) -> None:
    """Tools answer one picture, the others a list."""
    answer = (await asked(bench, path, files, prompt="x", **fields)).json()
    item = answer["image"] if "image" in answer else answer["data"][0]
    assert ("image" in answer) == (path in ("removeBackground", "crispUpscale", "creativeUpscale", "eraseRegion"))
    assert decoded((await bench.http.get(item["url"])).content).size == size
    assert answer["credits"] == units
    assert (await bench.last("recraft", "submit"))["cost_micros"] == 1_000 * units


@pytest.mark.parametrize(
    ("path", "fields", "files", "status", "word"),
    [
        ("generations", {}, None, 400, "prompt"),
        ("generations", {"prompt": "x", "size": "1000x1000"}, None, 400, "size"),
        ("generations", {"prompt": "x", "n": 7}, None, 400, "n must"),
        ("generations", {"prompt": "x", "model": "recraftv9"}, None, 400, "model"),
        ("generations", {"prompt": "x", "style": "realistic_image"}, None, 400, "style"),
        ("generations", {"prompt": "x" * 1001, "model": "recraftv3"}, None, 400, "prompt"),
        ("generations", {"prompt": "x", "random_seed": True}, None, 400, "random_seed"),
        ("imageToImage", {"prompt": "x"}, {"image": IMAGE}, 400, "strength"),
        ("imageToImage", {"prompt": "x", "strength": "2"}, {"image": IMAGE}, 400, "strength"),
        ("imageToImage", {"prompt": "x", "strength": "half"}, {"image": IMAGE}, 400, "strength"),
        ("inpaint", {"prompt": "x"}, {"image": IMAGE}, 400, "mask"),
        ("inpaint", {"prompt": "x"}, {"image": IMAGE, "mask": picture()}, 400, "mask"),
        ("inpaint", {"prompt": "x", "model": "recraftv4"}, {"image": IMAGE, "mask": IMAGE}, 400, "model"),
        ("removeBackground", {}, {"image": b"no picture"}, 400, "image"),
        ("removeBackground", {"image_url": "https://example.com/a.png"}, None, 400, "image_url"),
        ("crispUpscale", {}, {"image": picture((16, 16))}, 400, "sides"),
        ("crispUpscale", {}, {"image": encoded(decoded(IMAGE), "image/gif")}, 400, "PNG"),
        ("vectorise", {}, {"image": IMAGE}, 404, "404 page not found"),
    ],
)
async def test_a_wrong_body_is_refused(
    bench: Bench, path: str, fields: dict[str, Any], files: dict[str, bytes] | None, status: int, word: str
) -> None:
    """With the field's name; nothing runs."""
    answer = await asked(bench, path, files, **fields)
    assert (answer.status_code, word in answer.text) == (status, True)
    assert (await bench.journal("recraft"))["billable"] == 0


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, "text/plain; charset=utf-8"),
        ({"authorization": "Bearer bad"}, 401, "text/plain; charset=utf-8"),
        ({"authorization": "Bearer poor"}, 402, "application/json"),
    ],
)
async def test_tokens(bench: Bench, headers: dict[str, str], status: int, kind: str) -> None:
    """A wrong one is told in plain text."""
    answer = await bench.http.post("/recraft/v1/images/generations", json={"prompt": "x"}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert answer.headers["x-recraft-requestid"] == (await bench.last("recraft"))["request_id"]


async def test_an_unsafe_prompt_is_free(bench: Bench) -> None:
    """It never runs."""
    answer = await asked(bench, "generations", prompt="NSFW")
    assert (answer.status_code, answer.json()["code"]) == (422, "content_policy")
    assert (await bench.journal("recraft"))["billable"] == 0


async def test_the_account(bench: Bench) -> None:
    """Tells its units."""
    assert (await bench.http.get("/recraft/v1/users/me", headers=KEY)).json()["credits"] == 100_000
