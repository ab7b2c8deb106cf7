"""The emulated Replicate: predictions, models, files, webhooks; and Replicate's own Python client on top."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

from heliostat.emulators.replicate.catalogue import BY_ID
from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"authorization": "Bearer r8_test"}
SCHNELL, ESRGAN = "black-forest-labs/flux-schnell", "nightmareai/real-esrgan"
URI = "data:image/png;base64," + base64.b64encode(picture((512, 512))).decode()


async def created(bench: Bench, model: str, headers: dict[str, str] | None = None, /, **given: Any) -> httpx.Response:
    """Start a prediction, by the way that the model wants."""
    known = BY_ID.get(model)
    body: dict[str, Any] = {"input": given}
    path = f"/replicate/v1/models/{model}/predictions"
    if known is not None and not known.official:
        path, body = "/replicate/v1/predictions", body | {"version": known.version}
    return await bench.http.post(path, json=body, headers=KEY | (headers or {}))


async def ended(bench: Bench, model: str, /, **given: Any) -> dict[str, Any]:
    """Start a prediction and wait for its end."""
    answer = await created(bench, model, {"prefer": "wait"}, **given)
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def hosted(bench: Bench, url: str) -> Any:
    """Decode the picture behind an address of a result."""
    return decoded((await bench.http.get(url)).content)


async def test_a_prediction_from_create_to_file(bench: Bench) -> None:
    """201 with its addresses; at its end its pictures, its time and its bill."""
    first = await created(bench, SCHNELL, prompt="x", num_outputs=2, aspect_ratio="16:9", seed=7)
    job = first.json()
    address = f"{bench.base}/replicate/v1/predictions/{job['id']}"
    assert (first.status_code, job["version"], job["output"], job["error"]) == (201, "hidden", None, None)
    assert (job["urls"]["get"], job["urls"]["cancel"]) == (address, f"{address}/cancel")
    assert first.headers["ratelimit-remaining"] == "599"
    async with asyncio.timeout(30):
        while (job := (await bench.http.get(address, headers=KEY)).json())["status"] != "succeeded":
            assert job["status"] in {"starting", "processing"}
    assert (job["metrics"]["predict_time"], len(job["output"])) == (2.0, 2)
    assert job["completed_at"] >= job["started_at"] >= job["created_at"]
    image = await hosted(bench, job["output"][0])
    assert (image.format, image.size) == ("WEBP", (1344, 768))
    entry = await bench.last("replicate", "submit")
    assert (entry["billed"], entry["cost_micros"], entry["request_id"]) == (True, 6_000, job["id"])


@pytest.mark.parametrize(
    ("model", "given", "size", "micros"),
    [
        (SCHNELL, {}, (1024, 1024), 3_000),
        (SCHNELL, {"megapixels": "0.25"}, (512, 512), 3_000),
        ("black-forest-labs/flux-dev", {"image": URI, "prompt_strength": 0.4}, (512, 512), 25_000),
        (
            "black-forest-labs/flux-1.1-pro",
            {"aspect_ratio": "custom", "width": 1440, "height": 256},
            (1440, 256),
            40_000,
        ),
        ("black-forest-labs/flux-1.1-pro-ultra", {"aspect_ratio": "16:9"}, (2736, 1536), 60_000),
        ("black-forest-labs/flux-kontext-max", {"input_image": URI}, (1024, 1024), 80_000),
        ("black-forest-labs/flux-2-pro", {}, (1024, 1024), 30_000),
        ("black-forest-labs/flux-2-pro", {"input_images": [URI]}, (1024, 1024), 45_000),
        ("google/nano-banana", {"image_input": [URI, URI]}, (1024, 1024), 39_000),
        ("bytedance/seedream-4", {"size": "custom", "width": 2048, "height": 1024}, (2048, 1024), 30_000),
        ("recraft-ai/recraft-v3", {"size": "1365x1024"}, (1365, 1024), 40_000),
        ("ideogram-ai/ideogram-v3-quality", {"aspect_ratio": "10:16"}, (816, 1296), 90_000),
        ("qwen/qwen-image", {"negative_prompt": "rain"}, (1024, 1024), 25_000),
        (ESRGAN, {"image": URI, "scale": 2}, (1024, 1024), 450),
        ("philz1337x/clarity-upscaler", {"image": URI}, (1024, 1024), 1_950),
        ("bria/remove-background", {"image": URI}, (512, 512), 18_000),
        (
            "bria/expand-image",
            {"image": URI, "canvas_size": [640, 512], "original_image_location": [128, 0]},
            (640, 512),
            40_000,
        ),
    ],
)
async def test_a_model_makes_its_size_for_its_price(
    bench: Bench, model: str, given: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """Each takes its own inputs; the output is one address or a list, as the model has it."""
    output = (await ended(bench, model, prompt="x", **given))["output"]
    assert isinstance(output, list) is (BY_ID[model].answer == "list")
    image = await hosted(bench, output[0] if isinstance(output, list) else output)
    assert image.size == size
    assert (await bench.last("replicate", "submit"))["cost_micros"] == micros


async def test_segments_are_an_object(bench: Bench) -> None:
    """One combined mask and single ones."""
    output = (await ended(bench, "meta/sam-2", image=URI))["output"]
    assert set(output) == {"combined_mask", "individual_masks"}
    assert (await hosted(bench, output["individual_masks"][0])).mode == "L"


async def test_fill_paints_where_the_mask_is_white(bench: Bench) -> None:
    """And keeps what is black."""
    mask = decoded(picture((512, 512), "black"))
    mask.paste((255, 255, 255), (0, 0, 256, 512))
    uri = "data:image/png;base64," + base64.b64encode(encoded(mask)).decode()
    given = {"image": URI, "mask": uri, "output_format": "png", "prompt": "x"}
    image = await hosted(bench, (await ended(bench, "black-forest-labs/flux-fill-pro", **given))["output"])
    assert (image.getpixel((10, 10)), image.getpixel((500, 10))) == ((0, 0, 0), (0, 0, 255))


@pytest.mark.parametrize(
    ("model", "given", "field", "kind"),
    [
        (SCHNELL, {}, "input.prompt", "required"),
        (SCHNELL, {"prompt": 1}, "input.prompt", "invalid_type"),
        (SCHNELL, {"prompt": "x", "aspect_ratio": "5:1"}, "input.aspect_ratio", "enum"),
        (SCHNELL, {"prompt": "x", "num_outputs": 9}, "input.num_outputs", "number_lte"),
        (SCHNELL, {"prompt": "x", "go_fast": 1}, "input.go_fast", "invalid_type"),
        ("black-forest-labs/flux-2-pro", {"prompt": "x", "aspect_ratio": "custom"}, "input.width", "required"),
        ("black-forest-labs/flux-2-pro", {"prompt": "x", "input_images": URI}, "input.input_images", "invalid_type"),
        ("bria/expand-image", {"image": URI, "canvas_size": [1]}, "input.canvas_size", "invalid_type"),
        (ESRGAN, {"image": URI, "scale": 11}, "input.scale", "number_lte"),
    ],
)
async def test_a_wrong_input_is_named(bench: Bench, model: str, given: dict[str, Any], field: str, kind: str) -> None:
    """422 at the create; nothing runs."""
    answer = await created(bench, model, **given)
    fault = answer.json()["invalid_fields"][0]
    assert (answer.status_code, fault["field"], fault["type"]) == (422, field, kind)
    assert (await bench.journal("replicate"))["billable"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("models/nobody/nothing/predictions", {"input": {}}, 404),
        (f"models/{ESRGAN}/predictions", {"input": {}}, 404),
        ("predictions", {"input": {}, "version": "0" * 64}, 422),
        ("predictions", {"input": {"image": URI}, "version": ESRGAN}, 422),
        ("predictions", {"input": {"prompt": "x"}, "version": SCHNELL}, 201),
        ("predictions", {"input": {"image": URI}, "version": f"{ESRGAN}:{BY_ID[ESRGAN].version}"}, 201),
        ("predictions", {"input": {"image": URI}, "version": f"x/y:{BY_ID[ESRGAN].version}"}, 422),
        (f"models/{SCHNELL}/predictions", {"input": {"prompt": "x"}, "colour": "red"}, 422),
        (f"models/{SCHNELL}/predictions", {}, 422),
    ],
)
async def test_official_models_run_by_name_and_others_by_version(
    bench: Bench, path: str, body: dict[str, Any], status: int
) -> None:
    """Unknown members beside the input are refused."""
    assert (await bench.http.post(f"/replicate/v1/{path}", json=body, headers=KEY)).status_code == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("Bearer bad", 401), ("Basic x", 401), ("Token r8_x", 201), ("Bearer poor", 402)],
)
async def test_tokens(bench: Bench, authorization: str | None, status: int) -> None:
    """Both schemes open; an empty account is told apart."""
    headers = {} if authorization is None else {"authorization": authorization}
    body = {"input": {"prompt": "x"}}
    answer = await bench.http.post(f"/replicate/v1/models/{SCHNELL}/predictions", json=body, headers=headers)
    assert answer.status_code == status
    if status > 400:
        assert set(answer.json()) == {"type", "title", "status", "detail"}


async def test_cancel_before_the_end_costs_nothing(slow_bench: Bench) -> None:
    """Cancelled is told with one l; cancelling again changes nothing."""
    job = (await created(slow_bench, SCHNELL, prompt="x")).json()
    for _ in range(2):
        answer = await slow_bench.http.post(job["urls"]["cancel"], headers=KEY)
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert (await slow_bench.journal("replicate"))["billable"] == 0
    missing = await slow_bench.http.post("/replicate/v1/predictions/unknown/cancel", headers=KEY)
    assert missing.status_code == 404


async def test_an_answer_may_be_waited_for(slow_bench: Bench) -> None:
    """`Prefer: wait` ends with 202 where the work takes longer."""
    answer = await created(slow_bench, SCHNELL, {"prefer": "wait=0"}, prompt="x")
    assert (answer.status_code, answer.json()["status"]) == (202, "starting")


@pytest.mark.parametrize(("text", "status"), [("30s", 201), ("1h30m45s", 201), ("4s", 400), ("soon", 400), ("", 400)])
async def test_cancel_after_is_a_duration(slow_bench: Bench, text: str, status: int) -> None:
    """Five seconds at least; the prediction tells its deadline."""
    answer = await created(slow_bench, SCHNELL, {"cancel-after": text}, prompt="x")
    assert answer.status_code == status
    assert ("deadline" in answer.json()) is (status == 201)


@pytest.mark.parametrize(
    ("step", "status", "error"),
    [
        ({"status": 500}, "failed", "Something went wrong."),
        ({"status": 500, "body": {"error": "CUDA out of memory"}}, "failed", "CUDA out of memory"),
        ({"body": {"output": None, "data_removed": True}}, "succeeded", None),
    ],
)
async def test_a_scripted_job_ends_as_told(bench: Bench, step: dict[str, Any], status: str, error: str | None) -> None:
    """A step for "job" is the work's end."""
    await bench.script("replicate", {"path": "job", **step})
    job = await ended(bench, SCHNELL, prompt="x")
    assert (job["status"], job["error"], job["output"]) == (status, error, None)


async def test_unsafe_prompts_fail_unbilled(bench: Bench) -> None:
    """As a failed prediction, not as an HTTP error."""
    job = await ended(bench, SCHNELL, prompt="something NSFW")
    assert job["status"] == "failed"
    assert job["error"].startswith("NSFW content detected")
    assert (await bench.journal("replicate"))["billable"] == 0


async def test_uploads_belong_to_their_token(bench: Bench) -> None:
    """A model can read a file of the same token; others do not find it."""
    files = {"content": ("input.png", picture((64, 64)), "image/png")}
    answer = await bench.http.post("/replicate/v1/files", files=files, headers=KEY)
    file = answer.json()
    assert (answer.status_code, file["content_type"]) == (201, "image/png")
    assert (await ended(bench, ESRGAN, image=file["urls"]["get"]))["status"] == "succeeded"
    stranger = {"authorization": "Bearer r8_other"}
    assert (await bench.http.get(file["urls"]["get"], headers=stranger)).status_code == 404
    assert (await bench.http.delete(file["urls"]["get"], headers=KEY)).status_code == 204
    gone = await ended(bench, ESRGAN, image=file["urls"]["get"])
    assert (gone["status"], "cannot identify image" in gone["error"]) == ("failed", True)


async def test_webhooks_are_signed_and_tried_again(
    bench: Bench, sink: tuple[str, asyncio.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    """The whole prediction, under a signature that the account's secret verifies."""
    address, received = sink
    body = {"input": {"prompt": "x"}, "webhook": address, "webhook_events_filter": ["completed"]}
    job = (await bench.http.post(f"/replicate/v1/models/{SCHNELL}/predictions", json=body, headers=KEY)).json()
    async with asyncio.timeout(30):
        deliveries = [await received.get() for _ in range(2)]
    secret = (await bench.http.get("/replicate/v1/webhooks/default/secret", headers=KEY)).json()["key"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    for headers, told in deliveries:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + told
        digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        assert (json.loads(told)["id"], json.loads(told)["status"]) == (job["id"], "succeeded")


@contextlib.asynccontextmanager
async def own_client(bench: Bench) -> AsyncIterator[Client]:
    """Replicate's own client; nothing is changed but its base URL, its token, and who closes its connections."""
    async with httpx.AsyncHTTPTransport() as transport:
        yield Client(api_token="r8_test", base_url=f"{bench.base}/replicate", transport=transport)


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    """One at a server whose work takes no time."""
    async with own_client(bench) as one:
        yield one


async def test_replicates_own_client_runs_an_official_model(bench: Bench, client: Client) -> None:
    """It makes files of https addresses only, so on loopback its output are the addresses."""
    (url,) = cast(list[str], await client.async_run(SCHNELL, input={"prompt": "x", "output_format": "png"}))
    assert (await hosted(bench, url)).size == (1024, 1024)


async def test_replicates_own_client_uploads_and_runs_a_version(bench: Bench, client: Client) -> None:
    """An open file travels as a data URL or through the files API."""
    version = (await client.models.async_get(ESRGAN)).latest_version
    assert version is not None
    given = {"image": io.BytesIO(picture((32, 32))), "scale": 3}
    url = await client.async_run(f"{ESRGAN}:{version.id}", input=given, file_encoding_strategy="base64")
    assert (await hosted(bench, str(url))).size == (96, 96)
    url = await client.async_run(f"{ESRGAN}:{version.id}", input={"image": io.BytesIO(picture((32, 32)))})
    assert (await hosted(bench, str(url))).size == (128, 128)
    kinds = [entry["kind"] for entry in (await bench.journal("replicate"))["entries"]]
    assert (kinds.count("upload"), kinds.count("submit")) == (1, 2)


async def test_replicates_own_client_follows_and_cancels(slow_bench: Bench) -> None:
    """A prediction is made, read again, listed and cancelled."""
    async with own_client(slow_bench) as client:
        job = await client.models.predictions.async_create(SCHNELL, input={"prompt": "x"})
        assert (await client.predictions.async_get(job.id)).status == "starting"
        assert [one.id for one in await client.predictions.async_list()] == [job.id]
        assert (await client.predictions.async_cancel(job.id)).status == "canceled"


async def test_replicates_own_client_understands_failures(bench: Bench, client: Client) -> None:
    """A failed model is its ModelError, a refused request its ReplicateError."""
    await bench.script("replicate", {"path": "job", "status": 500, "body": {"error": "boom"}, "times": 1})
    with pytest.raises(ModelError, match="boom"):
        await client.async_run(SCHNELL, input={"prompt": "x"})
    with pytest.raises(ReplicateError) as caught:
        await client.async_run(SCHNELL, input={"prompt": "x", "num_outputs": 9})
    assert (caught.value.status, caught.value.title) == (422, "Input validation failed")
