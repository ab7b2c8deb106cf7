"""The emulated Together AI: pictures as base64 and addresses, prices, errors, and Together's own SDK."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
import together

from tests.emulators.conftest import Bench, decoded, picture
from tests.support.loopback import PLAIN

KEY = {"authorization": "Bearer a-key"}
SCHNELL, DEV = "black-forest-labs/FLUX.1-schnell", "black-forest-labs/FLUX.1-dev"
KONTEXT, FLUX_2 = "black-forest-labs/FLUX.1-kontext-pro", "black-forest-labs/FLUX.2-pro"
IMAGE = "data:image/png;base64," + base64.b64encode(picture((512, 256))).decode()


async def asked(bench: Bench, **fields: Any) -> httpx.Response:
    """Ask for pictures."""
    return await bench.http.post("/together/v1/images/generations", json=fields, headers=KEY)


@pytest.mark.parametrize(
    ("fields", "size", "micros"),
    [
        ({"model": SCHNELL}, (1024, 1024), 2_831),
        ({"model": SCHNELL, "steps": 1}, (1024, 1024), 2_831),
        ({"model": SCHNELL, "n": 3}, (1024, 1024), 8_493),
        ({"model": DEV, "width": 1344, "height": 768, "steps": 28}, (1344, 768), 25_805),
        ({"model": DEV, "steps": 56}, (1024, 1024), 52_429),
        ({"model": KONTEXT, "image_url": IMAGE}, (512, 256), 5_243),
        ({"model": FLUX_2, "reference_images": [IMAGE, IMAGE]}, (512, 256), 30_000),
        ({"model": "google/flash-image-2.5", "reference_images": [IMAGE], "width": 1024}, (1024, 256), 39_000),
        ({"model": "Qwen/Qwen-Image"}, (1024, 1024), 5_800),
        ({"model": "stabilityai/stable-diffusion-xl-base-1.0", "n": 2}, (1024, 1024), 3_800),
    ],
)
async def test_a_model_makes_its_size_for_its_price(
    bench: Bench, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """The price table's examples among them: fewer steps lower nothing."""
    answer = await asked(bench, prompt="x", response_format="base64", **fields)
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert (body["object"], body["model"]) == ("list", fields["model"])
    assert [one["index"] for one in body["data"]] == list(range(fields.get("n", 1)))
    for one in body["data"]:
        assert one["type"] == "b64_json"
        assert decoded(base64.b64decode(one["b64_json"])).size == size
    entry = await bench.last("together")
    assert (entry["billed"], entry["cost_micros"]) == (True, micros)


async def test_addresses_are_answered_where_nothing_is_said(bench: Bench) -> None:
    """JPEG by default; limits stand in the headers."""
    answer = await asked(bench, model=SCHNELL, prompt="x")
    (one,) = answer.json()["data"]
    assert (one["type"], answer.headers["x-ratelimit-limit"]) == ("url", "600")
    assert decoded((await bench.http.get(one["url"])).content).format == "JPEG"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"prompt": "x"}, 404, None),
        ({"model": SCHNELL}, 400, "prompt"),
        ({"model": SCHNELL, "prompt": "x", "n": 5}, 400, "n"),
        ({"model": SCHNELL, "prompt": "x", "steps": 0}, 400, "steps"),
        ({"model": SCHNELL, "prompt": "x", "width": 1000}, 422, "width"),
        ({"model": SCHNELL, "prompt": "x", "height": 2048}, 422, "height"),
        ({"model": SCHNELL, "prompt": "x", "seed": True}, 400, "seed"),
        ({"model": SCHNELL, "prompt": "x", "response_format": "b64_json"}, 400, "response_format"),
        ({"model": SCHNELL, "prompt": "x", "image_url": IMAGE}, 400, "image_url"),
        ({"model": FLUX_2, "prompt": "x", "image_url": IMAGE}, 400, "image_url"),
        ({"model": "Qwen/Qwen-Image-Edit", "prompt": "x"}, 400, "image_url"),
        ({"model": KONTEXT, "prompt": "x", "image_url": "http://elsewhere.example/a.png"}, 400, "image_url"),
        ({"model": SCHNELL, "prompt": "nsfw"}, 422, None),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_wrong_body_is_named(bench: Bench, fields: dict[str, Any], status: int, param: str | None) -> None:
    """In OpenAI's shape; nothing is billed."""
    answer = await asked(bench, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], set(error)) == (status, param, {"message", "type", "param", "code"})
    assert (await bench.journal("together"))["billable"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Bearer bad"}, 401), ({"authorization": "Bearer poor"}, 402)],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int) -> None:
    """Missing, wrong, without credit."""
    answer = await bench.http.post(
        "/together/v1/images/generations", json={"model": SCHNELL, "prompt": "x"}, headers=headers
    )
    assert answer.status_code == status


async def test_unsafe_words_pass_where_the_checker_is_off(bench: Bench) -> None:
    """And are refused otherwise, as above."""
    assert (await asked(bench, model=SCHNELL, prompt="nsfw", disable_safety_checker=True)).status_code == 200


async def test_models_are_listed(bench: Bench) -> None:
    """Those that draw."""
    listed = (await bench.http.get("/together/v1/models", headers=KEY)).json()
    assert {"id": SCHNELL, "type": "image"}.items() <= listed[0].items()


async def test_togethers_own_sdk_takes_it_for_the_real_thing(bench: Bench) -> None:
    """Pictures either way, and errors of its own classes."""
    # Its own transport, so that nothing is left open.
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False) as http:
        client = together.AsyncTogether(
            base_url=f"{bench.base}/together", api_key="a-key", http_client=http, max_retries=0
        )
        made = await client.images.generate(
            model=SCHNELL, prompt="x", n=2, response_format="base64", width=512, height=256, steps=4, seed=7
        )
        pictures = [decoded(base64.b64decode(one.b64_json)) for one in made.data if one.type == "b64_json"]
        assert [one.size for one in pictures] == [(512, 256)] * 2
        hosted = await client.images.generate(model=FLUX_2, prompt="x", reference_images=[IMAGE], output_format="png")
        (address,) = [one.url for one in hosted.data if one.type == "url"]
        assert decoded((await bench.http.get(address)).content).format == "PNG"
        with pytest.raises(together.UnprocessableEntityError):
            await client.images.generate(model=SCHNELL, prompt="nsfw")
        with pytest.raises(together.NotFoundError):
            await client.images.generate(model="none", prompt="x")
