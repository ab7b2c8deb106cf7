"""fal's queue, its synchronous host and its webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from heliostat.adapters.fal.endpoints import ENDPOINTS
from heliostat.emulators.fal.catalogue import BY_ID
from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"authorization": "Key id:secret"}
URL = "data:image/png;base64," + base64.b64encode(picture((512, 512))).decode()


async def submitted(bench: Bench, model: str, /, **fields: Any) -> dict[str, Any]:
    """Queue a job."""
    answer = await bench.http.post(f"/fal/{model}", json=fields, headers=KEY)
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def ended(bench: Bench, job: dict[str, Any]) -> dict[str, Any]:
    """Follow a job's status to its end, and give the last one."""
    request = bench.http.stream("GET", job["status_url"] + "/stream", params={"logs": "1"}, headers=KEY)
    async with request as answer:
        lines = [line async for line in answer.aiter_lines() if line]
    status: dict[str, Any] = json.loads(lines[-1].removeprefix("data: "))
    assert status["status"] == "COMPLETED"
    return status


async def result(bench: Bench, model: str, /, **fields: Any) -> httpx.Response:
    """Queue a job, wait for it and fetch its result."""
    job = await submitted(bench, model, **fields)
    await ended(bench, job)
    return await bench.http.get(job["response_url"], headers=KEY)


async def test_a_job_from_submit_to_file(bench: Bench) -> None:
    """The addresses lead to this server and leave out the path of the model; the hosted file is the picture."""
    job = await submitted(bench, "fal-ai/flux/dev", prompt="x", num_images=2, image_size="portrait_4_3", seed=7)
    assert job["status"] == "IN_QUEUE"
    assert job["response_url"] == f"{bench.base}/fal/fal-ai/flux/requests/{job['request_id']}"
    assert job["status_url"] == job["response_url"] + "/status"
    assert job["cancel_url"] == job["response_url"] + "/cancel"
    status = await ended(bench, job)
    assert status["metrics"]["inference_time"] >= 0
    assert status["logs"][0]["level"] == "INFO"
    answer = await bench.http.get(job["response_url"], headers=KEY)
    assert answer.headers["x-fal-billable-units"] == "2"
    assert answer.headers["x-fal-request-id"] == job["request_id"]
    content = answer.json()
    assert (content["seed"], content["has_nsfw_concepts"], content["prompt"]) == (7, [False, False], "x")
    first = content["images"][0]
    assert (first["width"], first["height"], first["content_type"]) == (768, 1024, "image/jpeg")
    hosted = await bench.http.get(first["url"])
    assert (decoded(hosted.content).format, decoded(hosted.content).size) == ("JPEG", (768, 1024))
    entry = await bench.last("fal", "submit")
    assert (entry["billed"], entry["cost_micros"], entry["request_id"]) == (True, 50_000, job["request_id"])
    assert entry["images"][0]["sha256"] == hashlib.sha256(hosted.content).hexdigest()


async def test_status_is_202_until_the_job_has_ended(slow_bench: Bench) -> None:
    """A waiting job tells its place; its result is not there yet; nothing is billed."""
    job = await submitted(slow_bench, "fal-ai/flux/schnell", prompt="x")
    status = await slow_bench.http.get(job["status_url"], headers=KEY)
    assert (status.status_code, status.json()["status"], status.json()["queue_position"]) == (202, "IN_QUEUE", 0)
    early = await slow_bench.http.get(job["response_url"] + "/response", headers=KEY)
    assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
    assert (await slow_bench.journal("fal"))["billable"] == 0


async def test_cancel_while_queued_is_not_billed(slow_bench: Bench) -> None:
    """PUT cancels; the job reads COMPLETED with an error; cancelling again says so."""
    job = await submitted(slow_bench, "fal-ai/flux/schnell", prompt="x")
    assert (await slow_bench.http.get(job["cancel_url"], headers=KEY)).status_code == 405
    cancelled = await slow_bench.http.put(job["cancel_url"], headers=KEY)
    assert (cancelled.status_code, cancelled.json()) == (200, {"status": "OK"})
    status = await slow_bench.http.get(job["status_url"], headers=KEY)
    assert (status.status_code, status.json()["error_type"]) == (200, "client_cancelled")
    assert (await slow_bench.http.get(job["response_url"], headers=KEY)).status_code == 499
    again = await slow_bench.http.put(job["cancel_url"], headers=KEY)
    assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert (await slow_bench.journal("fal"))["billable"] == 0


async def test_cancel_while_running_is_only_asked_for(bench: Bench) -> None:
    """A running job answers 202 to a cancel."""
    await bench.script("fal", {"path": "job", "delay_s": 600})
    job = await submitted(bench, "fal-ai/flux/schnell", prompt="x")
    async with asyncio.timeout(30):
        while (await bench.http.get(job["status_url"], headers=KEY)).json()["status"] != "IN_PROGRESS":
            continue
    answer = await bench.http.put(job["cancel_url"], headers=KEY)
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})


async def test_a_wrong_input_fails_the_job(bench: Bench) -> None:
    """The queue takes it; the job ends COMPLETED with an error, and its result is the 422."""
    job = await submitted(bench, "fal-ai/flux/dev", num_images=9, prompt="x")
    status = await ended(bench, job)
    assert (status["error"], status["error_type"]) == ("Unexpected status code: 422", "less_than_equal")
    answer = await bench.http.get(job["response_url"], headers=KEY)
    fault = answer.json()["detail"][0]
    assert (answer.status_code, fault["loc"], fault["ctx"]) == (422, ["body", "num_images"], {"le": 4})
    assert (await bench.journal("fal"))["billable"] == 0


@pytest.mark.parametrize(
    ("model", "fields", "field", "type_"),
    [
        ("fal-ai/flux/dev", {}, "prompt", "missing"),
        ("fal-ai/flux/dev", {"prompt": 1}, "prompt", "string_type"),
        ("fal-ai/flux/dev", {"prompt": "x", "image_size": "huge"}, "image_size", "literal_error"),
        ("fal-ai/flux/dev", {"prompt": "x", "image_size": {"width": 20_000, "height": 1}}, "image_size", None),
        ("fal-ai/flux/dev", {"prompt": "x", "image_size": {"width": 9_000, "height": 9_000}}, "image_size", None),
        ("fal-ai/flux/dev", {"prompt": "x", "output_format": "webp"}, "output_format", "literal_error"),
        ("fal-ai/flux/dev", {"prompt": "x", "seed": "one"}, "seed", "int_type"),
        ("fal-ai/flux/dev", {"prompt": "x", "guidance_scale": 99}, "guidance_scale", "less_than_equal"),
        ("fal-ai/flux/dev/image-to-image", {"prompt": "x"}, "image_url", "missing"),
        ("fal-ai/flux-2-pro", {"prompt": "x", "safety_tolerance": 2}, "safety_tolerance", "literal_error"),
        ("fal-ai/flux-2-pro/edit", {"prompt": "x", "image_urls": []}, "image_urls", "too_short"),
        ("fal-ai/flux-pro/kontext", {"prompt": "x", "image_url": URL, "aspect_ratio": "5:1"}, "aspect_ratio", None),
        ("fal-ai/flux-pro/v1/fill", {"prompt": "x", "image_url": URL}, "mask_url", "missing"),
        ("fal-ai/esrgan", {"image_url": "data:,x"}, "image_url", "file_download_error"),
        ("fal-ai/esrgan", {"image_url": "https://example.com/a.png"}, "image_url", "file_download_error"),
        ("fal-ai/esrgan", {"image_url": "data:text/plain;base64,aGk="}, "image_url", "image_load_error"),
    ],
)
async def test_wrong_inputs(bench: Bench, model: str, fields: dict[str, Any], field: str, type_: str | None) -> None:
    """The synchronous host answers pydantic's body at once."""
    answer = await bench.http.post(f"/fal/run/{model}", json=fields, headers=KEY)
    fault = answer.json()["detail"][0]
    assert (answer.status_code, fault["loc"]) == (422, ["body", field])
    assert type_ is None or fault["type"] == answer.headers["x-fal-error-type"] == type_


@pytest.mark.parametrize(
    ("model", "fields", "size", "cost"),
    [
        ("fal-ai/flux/schnell", {}, (1024, 768), 3_000),
        ("fal-ai/flux/dev", {"image_size": {"width": 1536, "height": 1024}, "num_images": 2}, (1536, 1024), 100_000),
        ("fal-ai/flux/dev/image-to-image", {"image_url": URL, "strength": 0.5}, (512, 512), 25_000),
        ("fal-ai/flux-pro/v1.1", {"image_size": "square_hd"}, (1024, 1024), 40_000),
        ("fal-ai/flux-pro/v1.1-ultra", {}, (2720, 1536), 60_000),
        ("fal-ai/flux-pro/kontext", {"image_url": URL}, (1024, 1024), 40_000),
        ("fal-ai/flux-pro/kontext/max", {"image_url": URL, "aspect_ratio": "1:1"}, (1024, 1024), 80_000),
        ("fal-ai/flux-pro/kontext/max/multi", {"image_urls": [URL, URL]}, (1024, 1024), 80_000),
        ("fal-ai/flux-pro/kontext/text-to-image", {}, (1024, 1024), 40_000),
        ("fal-ai/flux-2-pro", {"image_size": {"width": 1920, "height": 1080}}, (1920, 1080), 45_000),
        ("fal-ai/flux-2-pro/edit", {"image_urls": [URL], "image_size": "square_hd"}, (1024, 1024), 45_000),
        ("fal-ai/nano-banana", {}, (1024, 1024), 39_000),
        ("fal-ai/nano-banana/edit", {"image_urls": [URL], "aspect_ratio": "16:9"}, (1376, 768), 39_000),
        ("openai/gpt-image-2", {"image_size": "square_hd", "quality": "medium"}, (1024, 1024), 52_715),
        ("fal-ai/recraft/v3/text-to-image", {}, (1024, 1024), 40_000),
        ("fal-ai/qwen-image", {"negative_prompt": "rain"}, (1024, 768), 20_000),
    ],
)
async def test_models_that_paint(
    bench: Bench, model: str, fields: dict[str, Any], size: tuple[int, int], cost: int
) -> None:
    """Each takes its own inputs, paints its size, and bills its price."""
    content = (await result(bench, model, prompt="x", **fields)).json()
    hosted = await bench.http.get(content["images"][0]["url"])
    assert decoded(hosted.content).size == size
    assert hosted.headers["content-type"] == f"image/{BY_ID[model].formats[0]}"
    assert (await bench.last("fal", "submit"))["cost_micros"] == cost


@pytest.mark.parametrize(
    ("model", "fields", "size"),
    [
        ("fal-ai/esrgan", {"scale": 2}, (1024, 1024)),
        ("fal-ai/clarity-upscaler", {"upscale_factor": 3}, (1536, 1536)),
        ("fal-ai/topaz/upscale/image", {"upscale_factor": 2}, (1024, 1024)),
        ("fal-ai/seedvr/upscale/image", {"upscale_factor": 2, "output_format": "jpg"}, (1024, 1024)),
        ("fal-ai/bria/background/remove", {}, (512, 512)),
        ("fal-ai/imageutils/rembg", {}, (512, 512)),
        ("fal-ai/birefnet/v2", {"output_mask": True}, (512, 512)),
        ("fal-ai/sam2/image", {"prompts": [{"x": 5, "y": 5, "label": 1}]}, (512, 512)),
    ],
)
async def test_models_that_work_on_a_picture(
    bench: Bench, model: str, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    """They answer one `image`; background removal adds its mask when asked."""
    content = (await result(bench, model, image_url=URL, **fields)).json()
    assert (content["image"]["width"], content["image"]["height"]) == size
    assert ("mask_image" in content) is ("output_mask" in fields)


async def test_fill_paints_where_the_mask_is_white(bench: Bench) -> None:
    """White is painted anew; pictures may also be addressed on this machine."""
    mask = decoded(picture((512, 512), "black"))
    mask.paste((255, 255, 255), (0, 0, 256, 512))
    mask_url = "data:image/png;base64," + base64.b64encode(encoded(mask)).decode()
    made = (await result(bench, "fal-ai/qwen-image", prompt="x", image_size="square", output_format="png")).json()
    fields = {"image_url": made["images"][0]["url"], "mask_url": mask_url, "output_format": "png", "prompt": "y"}
    filled = (await result(bench, "fal-ai/flux-pro/v1/fill", **fields)).json()
    image = decoded((await bench.http.get(filled["images"][0]["url"])).content).convert("RGB")
    kept = decoded((await bench.http.get(made["images"][0]["url"])).content).convert("RGB")
    assert image.getpixel((10, 10)) == (0, 0, 0)
    assert image.getpixel((500, 10)) == kept.getpixel((500, 10))


async def test_sync_mode_puts_the_picture_into_the_answer(bench: Bench) -> None:
    """A data URI, and nothing hosted."""
    content = (await result(bench, "fal-ai/flux/schnell", prompt="x", sync_mode=True)).json()
    head, _, data = content["images"][0]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert decoded(base64.b64decode(data)).size == (1024, 768)


async def test_the_safety_checker_blackens(bench: Bench) -> None:
    """An unsafe prompt is a success with a flag and a black picture, and it is billed."""
    content = (await result(bench, "fal-ai/flux/dev", prompt="something NSFW", image_size="square")).json()
    assert content["has_nsfw_concepts"] == [True]
    image = decoded((await bench.http.get(content["images"][0]["url"])).content).convert("RGB")
    assert image.getextrema() == ((0, 0), (0, 0), (0, 0))
    assert (await bench.journal("fal"))["billable"] == 1


@pytest.mark.parametrize(
    ("authorization", "status", "words"),
    [
        (None, 401, ""),
        ("Bearer id:secret", 401, ""),
        ("Key bad", 401, ""),
        ("Key locked", 403, "Exhausted balance"),
    ],
)
async def test_keys(bench: Bench, authorization: str | None, status: int, words: str) -> None:
    """Only `Key …` opens; a locked account reads as fal says it."""
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await bench.http.post("/fal/fal-ai/flux/dev", json={"prompt": "x"}, headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


async def test_unknown_things(bench: Bench) -> None:
    """An unknown model and an unknown job are 404; a job is found under its own app only."""
    assert (await bench.http.post("/fal/fal-ai/nothing", json={}, headers=KEY)).status_code == 404
    job = await submitted(bench, "fal-ai/flux/dev", prompt="x")
    for path in ("fal-ai/flux/requests/unknown/status", f"fal-ai/other/requests/{job['request_id']}/status"):
        assert (await bench.http.get(f"/fal/{path}", headers=KEY)).status_code == 404
    missing = await bench.http.put("/fal/fal-ai/flux/requests/unknown/cancel", headers=KEY)
    assert (missing.status_code, missing.json()) == (404, {"status": "NOT_FOUND"})


@pytest.mark.parametrize(
    ("model", "status", "type_"),
    [("sandbox/rate-limited", 429, "concurrency_limit"), ("sandbox/down", 503, "runner_scheduling_failure")],
)
async def test_sandbox_faults(bench: Bench, model: str, status: int, type_: str) -> None:
    """Some models always fail, without a script."""
    answer = await bench.http.post(f"/fal/{model}", json={"prompt": "x"}, headers=KEY)
    assert (answer.status_code, answer.json()["error_type"]) == (status, type_)
    assert answer.headers["x-fal-retryable"] == "true"
    assert answer.headers.get("retry-after") == ("30" if status == 429 else None)


async def test_the_slow_model_runs_on(bench: Bench) -> None:
    """Its job is taken at once and is still running when others have ended."""
    slow = await submitted(bench, "sandbox/slow", prompt="x")
    assert (await result(bench, "fal-ai/flux/dev", prompt="x")).status_code == 200
    status = await bench.http.get(slow["status_url"], headers=KEY)
    assert (status.status_code, status.json()["status"]) == (202, "IN_PROGRESS")


async def test_a_scripted_job_fails_unbilled(bench: Bench) -> None:
    """A step for "job" is the work's end: COMPLETED with an error. 5xx are not billed, unless the step says so."""
    await bench.script("fal", {"path": "job", "status": 500}, {"path": "job", "status": 504, "bill": True})
    first = await submitted(bench, "fal-ai/flux/dev", prompt="x")
    assert (await ended(bench, first))["error_type"] == "internal_server_error"
    assert (await bench.http.get(first["response_url"], headers=KEY)).status_code == 500
    assert (await bench.journal("fal"))["billable"] == 0
    assert (await result(bench, "fal-ai/flux/dev", prompt="x")).status_code == 504
    assert (await bench.journal("fal"))["billable"] == 1


async def test_scripted_polls_leave_the_job_alone(bench: Bench) -> None:
    """Steps for "status" and "result" break those answers; the job is done and billed once."""
    steps = [{"path": "status", "status": 500, "times": 2}, {"path": "result", "cut_after_bytes": 5, "times": 1}]
    await bench.script("fal", *steps)
    job = await submitted(bench, "fal-ai/flux/dev", prompt="x")
    polls = [(await bench.http.get(job["status_url"], headers=KEY)).status_code for _ in range(3)]
    assert polls[:2] == [500, 500]
    assert polls[2] in (200, 202)
    await ended(bench, job)
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.http.get(job["response_url"], headers=KEY)
    assert (await bench.http.get(job["response_url"], headers=KEY)).status_code == 200
    assert (await bench.journal("fal"))["billable"] == 1


async def test_a_lost_submit_may_run_and_bill(bench: Bench) -> None:
    """The connection is reset after the job was taken: it ends and is billed though nobody knows its id."""
    await bench.script("fal", {"connection": "reset", "bill": True})
    with pytest.raises(httpx.ReadError):
        await submitted(bench, "fal-ai/flux/dev", prompt="x")
    async with asyncio.timeout(30):
        while not (await bench.journal("fal"))["billable"]:
            continue


async def test_a_broken_file(bench: Bench) -> None:
    """Hosted files can be scripted too, by raw bytes and type."""
    await bench.script("fal", {"path": "file", "body": "<html>", "headers": {"content-type": "image/png"}})
    content = (await result(bench, "fal-ai/flux/dev", prompt="x")).json()
    hosted = await bench.http.get(content["images"][0]["url"])
    assert (hosted.content, hosted.headers["content-type"]) == (b"<html>", "image/png")


async def test_webhooks_are_signed_and_tried_again(
    bench: Bench, sink: tuple[str, asyncio.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    """The result comes with a signature that the published key verifies; a refused delivery is repeated."""
    address, received = sink
    answer = await bench.http.post(
        "/fal/fal-ai/flux/dev", params={"fal_webhook": address}, json={"prompt": "x"}, headers=KEY
    )
    assert answer.json()["gateway_request_id"]
    async with asyncio.timeout(30):
        deliveries = [await received.get() for _ in range(2)]
    key_set = (await bench.http.get("/fal/.well-known/jwks.json")).json()
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key_set["keys"][0]["x"] + "="))
    for headers, body in deliveries:
        parts = [headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
        message = "\n".join([*parts, hashlib.sha256(body).hexdigest()])
        public.verify(bytes.fromhex(headers["x-fal-webhook-signature"]), message.encode())
        content = json.loads(body)
        assert (content["status"], content["request_id"]) == ("OK", answer.json()["request_id"])
        assert len(content["payload"]["images"]) == 1


def test_every_model_that_the_adapter_asks_for_is_emulated() -> None:
    """The sandbox offers what fal's adapter knows; none of it is a name without a picture behind it."""
    assert ENDPOINTS.keys() <= BY_ID.keys()


@pytest.mark.parametrize(
    ("model", "answer", "cost_micros"), [("fal-ai/sam-3/image", "masks", 5_000), ("fal-ai/evf-sam", "image", 1_000)]
)
async def test_a_thing_is_found_by_its_name(bench: Bench, model: str, answer: str, cost_micros: int) -> None:
    """sam-3 answers a list of masks for the price of one job, evf-sam one mask."""
    done = await result(bench, model, image_url=URL, prompt="thing", return_multiple_masks=True)
    assert done.headers["x-fal-billable-units"] == "1"
    told = done.json()[answer]
    assert isinstance(told, list) is (answer == "masks")
    (mask,) = told if isinstance(told, list) else [told]
    assert decoded((await bench.http.get(mask["url"])).content).size == (512, 512)
    assert (await bench.last("fal", "submit"))["cost_micros"] == cost_micros
