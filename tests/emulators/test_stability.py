"""The emulated Stability AI: forms, pictures, jobs, prices, errors."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest

from heliostat.emulators.stability.catalogue import ENDPOINTS
from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"authorization": "Bearer sk-a-key"}
ROOM = "/stability/v2beta/stable-image"
IMAGE = picture((256, 256))


async def sent(bench: Bench, path: str, *, accept: str = "image/*", **fields: Any) -> httpx.Response:
    """Send a form; bytes are files."""
    form = [(name, (None, value) if isinstance(value, str) else ("x.png", value)) for name, value in fields.items()]
    files: Any = form or [("none", (None, ""))]
    return await bench.http.post(f"{ROOM}/{path}", files=files, headers={**KEY, "accept": accept})


WORK: list[tuple[str, dict[str, Any], tuple[int, int], int]] = [
    ("generate/ultra", {"prompt": "x", "aspect_ratio": "16:9"}, (1344, 768), 80_000),
    ("generate/ultra", {"prompt": "x", "image": IMAGE, "strength": "0.5"}, (256, 256), 80_000),
    ("generate/core", {"prompt": "x"}, (1248, 1248), 30_000),
    ("generate/sd3", {"prompt": "x"}, (1024, 1024), 65_000),
    ("generate/sd3", {"prompt": "x", "model": "sd3.5-large-turbo"}, (1024, 1024), 40_000),
    ("generate/sd3", {"prompt": "x", "model": "sd3.5-medium", "aspect_ratio": "9:21"}, (640, 1536), 35_000),
    ("generate/sd3", {"prompt": "x", "model": "sd3.5-flash"}, (1024, 1024), 25_000),
    ("edit/erase", {"image": IMAGE, "mask": IMAGE}, (256, 256), 50_000),
    ("edit/inpaint", {"image": IMAGE, "mask": IMAGE, "prompt": "x"}, (256, 256), 50_000),
    ("edit/outpaint", {"image": IMAGE, "left": "64", "down": "32"}, (320, 288), 40_000),
    ("edit/search-and-replace", {"image": IMAGE, "prompt": "x", "search_prompt": "y"}, (256, 256), 50_000),
    ("edit/search-and-recolor", {"image": IMAGE, "prompt": "x", "select_prompt": "y"}, (256, 256), 50_000),
    ("edit/remove-background", {"image": IMAGE, "output_format": "webp"}, (256, 256), 50_000),
    ("edit/replace-background-and-relight", {"subject_image": IMAGE, "background_prompt": "x"}, (256, 256), 80_000),
    ("upscale/fast", {"image": IMAGE}, (1024, 1024), 20_000),
    ("upscale/conservative", {"image": IMAGE, "prompt": "x"}, (2048, 2048), 400_000),
    ("upscale/creative", {"image": IMAGE, "prompt": "x"}, (2048, 2048), 600_000),
    ("control/sketch", {"image": IMAGE, "prompt": "x"}, (256, 256), 50_000),
    ("control/structure", {"image": IMAGE, "prompt": "x"}, (256, 256), 50_000),
    ("control/style", {"image": IMAGE, "prompt": "x", "aspect_ratio": "3:2"}, (1216, 832), 50_000),
    ("control/style-transfer", {"init_image": IMAGE, "style_image": IMAGE}, (256, 256), 80_000),
]


@pytest.mark.parametrize(("path", "fields", "size", "micros"), WORK, ids=lambda value: str(value)[:30])
async def test_an_endpoint_makes_its_size_for_its_price(
    bench: Bench, path: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """The picture itself is the answer, or that of a look at the job."""
    answer = await sent(bench, path, **fields)
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/json":
        answer = await ended(bench, answer.json()["id"])
    assert (answer.headers["finish-reason"], int(answer.headers["seed"]) > 0) == ("SUCCESS", True)
    assert decoded(answer.content).size == size
    entry = await bench.last("stability", "submit")
    assert (entry["billed"], entry["cost_micros"]) == (True, micros)


async def ended(bench: Bench, job: str, accept: str = "image/*") -> httpx.Response:
    """Look at a job until it is over."""
    async with asyncio.timeout(30):
        while True:
            headers = {**KEY, "accept": accept}
            answer = await bench.http.get(f"/stability/v2beta/results/{job}", headers=headers)
            if answer.status_code != 202:
                return answer
            assert answer.json() == {"id": job, "status": "in-progress"}


def test_every_endpoint_is_tried() -> None:
    """None is forgotten above."""
    assert {endpoint.path for endpoint in ENDPOINTS} == {path for path, *_ in WORK}


async def test_json_is_answered_where_it_is_asked_for(bench: Bench) -> None:
    """`image` for what comes at once, `result` for a job."""
    answer = await sent(bench, "generate/core", accept="application/json", prompt="x", seed="7", output_format="jpeg")
    assert answer.headers["content-type"] == "application/json; type=image/jpeg"
    body = answer.json()
    assert (body["finish_reason"], body["seed"]) == ("SUCCESS", 7)
    assert decoded(base64.b64decode(body["image"])).format == "JPEG"
    job = (await sent(bench, "upscale/creative", image=IMAGE, prompt="x")).json()["id"]
    assert (len(job), set(job) <= set("0123456789abcdef")) == (64, True)
    found = (await ended(bench, job, "application/json")).json()
    assert decoded(base64.b64decode(found["result"])).size == (2048, 2048)


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("generate/core", {}, 400, "prompt: is required"),
        ("generate/core", {"prompt": "x" * 10_001}, 400, "prompt: cannot exceed 10000 characters"),
        ("generate/core", {"prompt": "x", "image": IMAGE}, 400, "image: is not allowed"),
        ("generate/core", {"prompt": "x", "seed": "-1"}, 400, "seed: must be between 0 and"),
        ("generate/core", {"prompt": "x", "seed": "z"}, 400, "seed: must be a number"),
        ("generate/core", {"prompt": "x", "style_preset": "z"}, 400, "style_preset: must be one of"),
        ("generate/ultra", {"prompt": "x", "image": IMAGE}, 400, "strength: is required"),
        ("generate/sd3", {"prompt": "x", "mode": "image-to-image"}, 400, "image: is required"),
        (
            "generate/sd3",
            {"prompt": "x", "mode": "image-to-image", "image": IMAGE, "strength": "1", "aspect_ratio": "1:1"},
            400,
            "aspect_ratio: is not allowed",
        ),
        ("generate/sd3", {"prompt": "x", "output_format": "webp"}, 400, "output_format: must be one of png, jpeg"),
        ("edit/erase", {"image": b"x"}, 400, "image: must be a valid image file"),
        ("edit/erase", {"image": picture((32, 256))}, 400, "image: sides must be at least 64 px"),
        ("edit/outpaint", {"image": IMAGE}, 400, "left: one of"),
        ("edit/outpaint", {"image": picture((300, 100)), "left": "8"}, 400, "image: aspect ratio"),
        ("edit/replace-background-and-relight", {"subject_image": IMAGE}, 400, "background_prompt: one of"),
        ("upscale/fast", {"image": picture((1100, 1000))}, 400, "image: pixel count"),
        ("edit/erase", {"image": "text"}, 400, "image: must be a file"),
        ("edit/erase", {"image": bytes(11 * 1024 * 1024)}, 413, "request body size"),
        ("generate/core", {"prompt": "nsfw"}, 403, "Your request was flagged"),
        ("generate/core", {"prompt": "the president"}, 422, "Our system detected the likeness"),
        ("generate/core", {"prompt": "ein schöner Tag"}, 422, "English is the only"),
        ("generate/none", {"prompt": "x"}, 404, "The specified resource"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_form_is_named(bench: Bench, path: str, fields: dict[str, Any], status: int, said: str) -> None:
    """In the API's shape, whatever type was asked for; nothing is billed."""
    answer = await sent(bench, path, **fields)
    body = answer.json()
    assert (answer.status_code, set(body)) == (status, {"id", "name", "errors"})
    assert body["errors"][0].startswith(said)
    assert (await bench.journal("stability"))["billable"] == 0


async def test_json_bodies_are_rejected(bench: Bench) -> None:
    """Every request is a form."""
    answer = await bench.http.post(f"{ROOM}/generate/core", json={"prompt": "x"}, headers=KEY)
    assert (answer.status_code, answer.json()["name"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer bad"}, 401),
        ({"authorization": "x"}, 401),
        ({"authorization": "Bearer poor"}, 402),
    ],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int) -> None:
    """Missing, wrong, without credit."""
    answer = await bench.http.post(f"{ROOM}/generate/core", files={"prompt": (None, "x")}, headers=headers)
    assert answer.status_code == status
    assert (await bench.http.get("/stability/v1/user/balance", headers=headers)).status_code == status


async def test_the_balance(bench: Bench) -> None:
    """In credits."""
    assert (await bench.http.get("/stability/v1/user/balance", headers=KEY)).json() == {"credits": 1000.0}


async def test_a_filtered_result_is_a_success_and_billed(bench: Bench) -> None:
    """As the reference has it; only a header tells."""
    answer = await sent(bench, "generate/core", prompt="much gore")
    assert (answer.status_code, answer.headers["finish-reason"]) == (200, "CONTENT_FILTERED")
    assert (await bench.journal("stability"))["billable"] == 1


async def test_a_job_of_nobody_and_one_that_fails(bench: Bench) -> None:
    """404, and the scripted end."""
    assert (await bench.http.get("/stability/v2beta/results/none", headers=KEY)).status_code == 404
    await bench.script("stability", {"path": "job", "status": 500})
    job = (await sent(bench, "upscale/creative", image=IMAGE, prompt="x")).json()["id"]
    assert (await ended(bench, job)).status_code == 500
    assert (await bench.journal("stability"))["billable"] == 0


async def test_the_mask_is_white_or_the_picture_transparent_where_it_is_painted(bench: Bench) -> None:
    """Either way the left half is new; a mask wins."""
    mask = decoded(picture((64, 64), "black"))
    mask.paste((255, 255, 255), (0, 0, 32, 64))
    hole = decoded(picture((64, 64), "blue", "RGBA"))
    hole.paste((0, 0, 0, 0), (0, 0, 32, 64))
    given: list[dict[str, Any]] = [{"image": picture((64, 64)), "mask": encoded(mask)}, {"image": encoded(hole)}]
    for fields in given:
        image = decoded((await sent(bench, "edit/erase", **fields)).content).convert("RGB")
        assert (image.getpixel((8, 8)), image.getpixel((56, 8))) == ((0, 0, 0), (0, 0, 255))
