"""The emulated Fireworks AI: its three dialects, prices, errors, states of jobs."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench, decoded, picture

KEY = {"authorization": "Bearer fw-a-key"}
ROOM = "/fireworks/inference/v1"
MODELS = "accounts/fireworks/models"
FLUX, SDXL, KONTEXT = "flux-1-schnell-fp8", "stable-diffusion-xl-1024-v1-0", "flux-kontext-pro"
IMAGE = base64.b64encode(picture((512, 256))).decode()


async def drawn(bench: Bench, model: str, *, accept: str = "application/json", **fields: Any) -> httpx.Response:
    """Ask FLUX for a picture."""
    headers = {**KEY, "accept": accept}
    return await bench.http.post(f"{ROOM}/workflows/{MODELS}/{model}/text_to_image", json=fields, headers=headers)


async def older(bench: Bench, model: str, *, accept: str = "image/png", **fields: Any) -> httpx.Response:
    """Ask the older API for a picture."""
    headers = {**KEY, "accept": accept}
    return await bench.http.post(f"{ROOM}/image_generation/{MODELS}/{model}", json=fields, headers=headers)


async def submitted(bench: Bench, model: str = KONTEXT, **fields: Any) -> httpx.Response:
    """Give a job."""
    return await bench.http.post(f"{ROOM}/workflows/{MODELS}/{model}", json=fields, headers=KEY)


async def looked(bench: Bench, job: str, model: str = KONTEXT) -> dict[str, Any]:
    """Look at a job once."""
    answer = await bench.http.post(f"{ROOM}/workflows/{MODELS}/{model}/get_result", json={"id": job}, headers=KEY)
    state: dict[str, Any] = answer.json()
    return state


async def ended(bench: Bench, model: str = KONTEXT, **fields: Any) -> dict[str, Any]:
    """Give a job and wait for its end."""
    job = (await submitted(bench, model, **fields)).json()["request_id"]
    async with asyncio.timeout(30):
        while (state := await looked(bench, job, model))["status"] == "Pending":
            continue
    return state


@pytest.mark.parametrize(
    ("model", "fields", "size", "micros"),
    [
        (FLUX, {}, (1024, 1024), 1_400),
        (FLUX, {"num_inference_steps": 1}, (1024, 1024), 350),
        ("flux-1-dev-fp8", {"num_inference_steps": 28, "aspect_ratio": "16:9"}, (1360, 768), 14_000),
        ("flux-1-dev-fp8", {}, (1024, 1024), 15_000),
    ],
)
async def test_flux_draws_a_shape_for_its_steps(
    bench: Bench, model: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """JSON holds an array of data URIs."""
    body = (await drawn(bench, model, prompt="x", seed=7, **fields)).json()
    head, _, encoded = body["base64"][0].partition(",")
    assert (head, body["finishReason"], body["seed"]) == ("data:image/png;base64", "SUCCESS", 7)
    assert decoded(base64.b64decode(encoded)).size == size
    entry = await bench.last("fireworks")
    assert (entry["billed"], entry["cost_micros"], entry["model"]) == (True, micros, f"{MODELS}/{model}")


async def test_bytes_are_answered_where_they_are_asked_for(bench: Bench) -> None:
    """With seed and reason to finish as headers."""
    answer = await drawn(bench, FLUX, accept="image/jpeg", prompt="x", seed=7)
    assert (answer.headers["finish-reason"], answer.headers["seed"]) == ("SUCCESS", "7")
    assert decoded(answer.content).format == "JPEG"
    assert answer.headers["x-ratelimit-limit-requests"] == "600"


@pytest.mark.parametrize("accept", ["image/png", "application/json"])
async def test_the_older_api_draws_buckets(bench: Bench, accept: str) -> None:
    """Numbers may be text; JSON is an array of objects."""
    answer = await older(bench, SDXL, accept=accept, prompt="x", width="1216", height=832, steps=10, seed=3)
    data = answer.content if accept == "image/png" else base64.b64decode(answer.json()[0]["base64"])
    assert decoded(data).size == (1216, 832)
    assert (await bench.last("fireworks"))["cost_micros"] == 1_300


async def test_the_older_api_changes_a_picture(bench: Bench) -> None:
    """By a form; SDXL alone."""
    form: dict[str, Any] = {"init_image": ("x.png", picture()), "prompt": (None, "x"), "image_strength": (None, "0.4")}
    for model, status in ((SDXL, 200), ("SSD-1B", 404)):
        path = f"{ROOM}/image_generation/{MODELS}/{model}/image_to_image"
        answer = await bench.http.post(path, files=form, headers={**KEY, "accept": "image/png"})
        assert answer.status_code == status
    assert (await bench.journal("fireworks"))["billable"] == 1


@pytest.mark.parametrize(
    ("model", "fields", "size", "micros"),
    [
        (KONTEXT, {}, (1024, 1024), 40_000),
        ("flux-kontext-max", {"input_image": IMAGE, "aspect_ratio": "16:9"}, (1360, 768), 80_000),
        (KONTEXT, {"input_image": f"data:image/png;base64,{IMAGE}", "output_format": "png"}, (1024, 1024), 40_000),
    ],
)
async def test_kontext_is_a_job(
    bench: Bench, model: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """Looked at by POST; its picture has an address."""
    state = await ended(bench, model, prompt="x", **fields)
    assert (state["status"], state["progress"]) == ("Ready", 1)
    assert decoded((await bench.http.get(state["result"]["sample"])).content).size == size
    assert (await bench.last("fireworks", "submit"))["cost_micros"] == micros


async def test_a_job_that_nobody_knows(bench: Bench) -> None:
    """Of another model's either."""
    assert (await looked(bench, "none"))["status"] == "Task not found"
    job = (await submitted(bench, prompt="x")).json()["request_id"]
    assert (await looked(bench, job, "flux-kontext-max"))["status"] == "Task not found"


@pytest.mark.parametrize(
    ("prompt", "status"), [("something nsfw", "Request Moderated"), ("much gore", "Content Moderated")]
)
async def test_moderation_of_a_job_is_a_state_and_free(bench: Bench, prompt: str, status: str) -> None:
    """Of the request, or of what came out."""
    state = await ended(bench, prompt=prompt)
    assert (state["status"], state["details"]) == (status, {"Moderation Reasons": ["Safety Filter"]})
    assert (await bench.journal("fireworks"))["billable"] == 0


async def test_a_scripted_job_ends_in_error(bench: Bench) -> None:
    """A step for "job" is the work's end."""
    await bench.script("fireworks", {"path": "job", "status": 500})
    assert (await ended(bench, prompt="x"))["status"] == "Error"


async def test_a_filtered_picture_is_a_success(bench: Bench) -> None:
    """Unless the older API's check is off."""
    assert (await drawn(bench, FLUX, prompt="nsfw")).json()["finishReason"] == "CONTENT_FILTERED"
    assert (await older(bench, SDXL, prompt="nsfw")).headers["finish-reason"] == "CONTENT_FILTERED"
    assert (await older(bench, SDXL, prompt="nsfw", safety_check=False)).headers["finish-reason"] == "SUCCESS"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x", "aspect_ratio": "7:3"}, "aspect_ratio"),
        ({"prompt": "x", "num_inference_steps": 0}, "num_inference_steps"),
        ({"prompt": "x", "num_inference_steps": "4"}, "num_inference_steps"),
        ({"prompt": "x", "guidance_scale": True}, "guidance_scale"),
        ({"prompt": "x", "width": 1024}, "width"),
    ],
)
async def test_a_wrong_body_is_named(bench: Bench, fields: dict[str, Any], param: str) -> None:
    """In OpenAI's shape; nothing is billed."""
    answer = await drawn(bench, FLUX, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert (await bench.journal("fireworks"))["billable"] == 0


async def test_sizes_and_pictures_are_checked(bench: Bench) -> None:
    """Each by its dialect."""
    assert (await older(bench, SDXL, prompt="x", width=1000)).status_code == 422
    assert (await submitted(bench, prompt="x", aspect_ratio="5:1")).status_code == 422
    assert (await submitted(bench, prompt="x", input_image="???")).status_code == 422
    assert (await submitted(bench, prompt="x", input_image=IMAGE, safety_tolerance=3)).status_code == 422
    assert (await drawn(bench, SDXL, prompt="x")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Bearer bad"}, 401), ({"authorization": "Bearer poor"}, 412)],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int) -> None:
    """Missing, wrong, of a suspended account."""
    path = f"{ROOM}/workflows/{MODELS}/{FLUX}/text_to_image"
    assert (await bench.http.post(path, json={"prompt": "x"}, headers=headers)).status_code == status
