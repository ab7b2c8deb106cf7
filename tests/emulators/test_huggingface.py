"""The emulated Hugging Face: router, Hub, hf-inference, and the providers behind the router in their own words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image

from heliostat.emulators.huggingface.catalogue import SERVED
from tests.emulators.conftest import Bench, decoded, picture

KEY = {"authorization": "Bearer hf_key"}
SCHNELL, DEV, KONTEXT = (f"black-forest-labs/FLUX.1-{name}" for name in ("schnell", "dev", "Kontext-dev"))
CLOTHES = "mattmdjaga/segformer_b2_clothes"
INFER, FAL, REPLICATE, TOGETHER, NSCALE, WAVESPEED = (
    f"/hf-inference/models/{SCHNELL}",
    "/fal-ai/fal-ai/flux/dev?_subdomain=queue",
    "/replicate/v1/models/black-forest-labs/flux-dev/predictions",
    "/together/v1/images/generations",
    "/nscale/v1/images/generations",
    "/wavespeed/api/v3/wavespeed-ai/flux-dev",
)


async def posted(bench: Bench, path: str, body: Any, **headers: str) -> httpx.Response:
    """The answer to a call."""
    return await bench.http.post(f"/huggingface{path}", json=body, headers=KEY | headers)


async def until(bench: Bench, path: str, field: str, words: set[str]) -> dict[str, Any]:
    """What is told of a job once its state is one of `words`."""
    async with asyncio.timeout(30):
        while True:
            told: dict[str, Any] = (await bench.http.get(f"/huggingface{path}", headers=KEY)).json()
            if (told.get("data") or told)[field] in words:
                return told


async def test_hf_inference_answers_with_the_pictures_bytes(bench: Bench) -> None:
    """JPEG of the wished size; what it costs is in the journal only."""
    answer = await posted(bench, INFER, {"inputs": "a boat", "parameters": {"width": 512, "height": 256, "seed": 7}})
    assert (answer.headers["content-type"], decoded(answer.content).size) == ("image/jpeg", (512, 256))
    assert (await bench.last("huggingface"))["cost_micros"] == 1_200


@pytest.mark.parametrize(
    ("path", "body", "micros"),
    [
        (INFER, {"inputs": "x"}, 1_200),
        (TOGETHER, {"model": SCHNELL, "prompt": "x", "n": 2, "width": 1024, "height": 1024}, 5_662),
        (TOGETHER, {"model": SCHNELL, "prompt": "x", "steps": 8, "width": 1000, "height": 1000}, 5_400),
        (NSCALE, {"model": SCHNELL, "prompt": "x", "size": "512x512"}, 3_000),
    ],
)
async def test_calls_cost_what_the_provider_asks(bench: Bench, path: str, body: dict[str, Any], micros: int) -> None:
    """By picture or by megapixel."""
    assert (await posted(bench, path, body)).status_code == 200
    assert (await bench.last("huggingface"))["cost_micros"] == micros


async def test_fals_queue_is_behind_the_router(bench: Bench) -> None:
    """The addresses are of fal's own host; their path is the router's."""
    submitted = (await posted(bench, FAL, {"prompt": "x", "image_size": {"width": 1200, "height": 1024}})).json()
    path = httpx.URL(submitted["response_url"]).path
    assert httpx.URL(submitted["response_url"]).host == "queue.fal.run"
    await until(bench, f"/fal-ai{path}/status?_subdomain=queue", "status", {"COMPLETED"})
    told = (await bench.http.get(f"/huggingface/fal-ai{path}?_subdomain=queue", headers=KEY)).json()
    assert decoded((await bench.http.get(told["images"][0]["url"])).content).size == (1200, 1024)
    assert (await bench.journal("huggingface"))["entries"][0]["cost_micros"] == 50_000


async def test_replicate_waits_where_it_is_asked_to(bench: Bench) -> None:
    """One answer then has the picture."""
    told = (await posted(bench, REPLICATE, {"input": {"prompt": "x", "aspect_ratio": "16:9"}}, prefer="wait")).json()
    assert told["status"] == "succeeded"
    assert decoded((await bench.http.get(told["output"][0])).content).size == (1344, 768)


async def test_a_prediction_by_its_version(bench: Bench) -> None:
    """As the Hub names those of models that are not official."""
    version = next(one.own_id for one in SERVED if ":" in one.own_id).partition(":")[2]
    told = (await posted(bench, "/replicate/v1/predictions", {"version": version, "input": {"prompt": "x"}})).json()
    done = await until(bench, f"/replicate/v1/predictions/{told['id']}", "status", {"succeeded"})
    assert (done["model"], done["version"]) == ("qwen/qwen-image", version)


async def test_wavespeed_tells_where_to_look(bench: Bench) -> None:
    """At a path below its own."""
    told = (await posted(bench, WAVESPEED, {"prompt": "x", "size": "512*256"})).json()
    path = httpx.URL(told["data"]["urls"]["get"]).path
    done = await until(bench, f"/wavespeed{path}", "status", {"completed"})
    assert decoded((await bench.http.get(done["data"]["outputs"][0])).content).size == (512, 256)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/hf-inference/models/a/b", {"inputs": "x"}, 404, "error"),
        (INFER, {"parameters": {}}, 400, "error"),
        (INFER, {"inputs": "x", "parameters": {"steps": 4}}, 400, "error"),
        (INFER, {"inputs": "x", "parameters": {"width": 7, "height": 7}}, 400, "error"),
        (f"/hf-inference/models/{KONTEXT}", {"inputs": "???", "parameters": {"prompt": "x"}}, 400, "error"),
        (FAL, {"prompt": "x", "steps": 4}, 422, "detail"),
        (FAL, {"prompt": "x", "num_images": 9}, 422, "detail"),
        ("/fal-ai/fal-ai/none?_subdomain=queue", {"prompt": "x"}, 400, "error"),
        (REPLICATE, {"input": {"prompt": "x", "aspect_ratio": "7:1"}}, 422, "detail"),
        (TOGETHER, {"model": SCHNELL, "prompt": "nsfw"}, 422, "error"),
        (TOGETHER, {"model": "none", "prompt": "x"}, 400, "error"),
        (NSCALE, {"model": SCHNELL, "prompt": "x", "size": "big"}, 400, "error"),
        ("/else/v1/images/generations", {"model": SCHNELL, "prompt": "x"}, 404, "error"),
        (WAVESPEED, {"prompt": 7}, 400, "message"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_wrong_call_is_refused_in_the_providers_words(
    bench: Bench, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    """Nothing is billed."""
    answer = await posted(bench, path, body)
    assert (answer.status_code, said in answer.json()) == (status, True)
    assert (await bench.journal("huggingface"))["billable"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer bad"}, 401),
        ({"authorization": "Bearer hf_bad"}, 401),
        ({"authorization": "Bearer hf_poor"}, 402),
    ],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int) -> None:
    """Missing, somebody else's, wrong, without credit."""
    answer = await bench.http.post(f"/huggingface{INFER}", json={"inputs": "x"}, headers=headers)
    assert answer.status_code == status


@pytest.fixture
def client(bench: Bench) -> Iterator[Any]:
    """A maker of stock clients, whose transport takes the router and the Hub for what runs here."""
    base = httpx2.URL(bench.base)

    class Redirected(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.host in {"router.huggingface.co", "huggingface.co"}:
                path = b"/huggingface" + request.url.raw_path
                request.url = request.url.copy_with(scheme="http", host=base.host, port=base.port, raw_path=path)
                request.headers["host"] = f"{base.host}:{base.port}"
            return super().handle_request(request)

    huggingface_hub.set_client_factory(lambda: httpx2.Client(transport=Redirected(), trust_env=False, timeout=60))
    yield lambda provider, key="hf_key": huggingface_hub.InferenceClient(provider=provider, api_key=key)
    huggingface_hub.close_session()
    huggingface_hub.set_client_factory(httpx2.Client)


@pytest.mark.parametrize("provider", [one.provider for one in SERVED if one.name == SCHNELL], ids=str)
async def test_hugging_faces_own_client_draws_through_every_provider(client: Any, bench: Bench, provider: str) -> None:
    """It asks the emulated Hub for the name, speaks the provider's dialect, and shows a picture."""
    made: Image.Image = await asyncio.to_thread(client(provider).text_to_image, "a boat", model=SCHNELL, seed=None)
    assert made.size == (1024, 1024)
    (entry,) = [one for one in (await bench.journal("huggingface"))["entries"] if one["kind"] == "submit"]
    assert entry["billed"]


@pytest.mark.parametrize("provider", [one.provider for one in SERVED if one.name == KONTEXT] + ["wavespeed"])
async def test_hugging_faces_own_client_edits(client: Any, provider: str) -> None:
    """A picture goes in as the client sends it, and one comes out."""
    model = KONTEXT if provider != "wavespeed" else "Qwen/Qwen-Image-Edit"
    work = client(provider).image_to_image
    made: Image.Image = await asyncio.to_thread(work, picture((96, 64)), prompt="red", model=model)
    assert made.size == (96, 64)


async def test_hugging_faces_own_client_segments(client: Any) -> None:
    """Labels and masks, white on the thing."""
    found = await asyncio.to_thread(client("hf-inference").image_segmentation, picture((96, 64)), model=CLOTHES)
    assert [(one.label, one.score, one.mask.size) for one in found] == [("thing", 0.98, (96, 64))]


@pytest.mark.parametrize(
    ("key", "status", "model"), [("hf_bad", 401, SCHNELL), ("hf_poor", 402, SCHNELL), ("hf_key", 404, "a/b")]
)
async def test_hugging_faces_own_client_reads_the_errors(client: Any, key: str, status: int, model: str) -> None:
    """As errors of its own, with the status."""
    with pytest.raises(HfHubHTTPError) as caught:
        await asyncio.to_thread(client("hf-inference", key).text_to_image, "x", model=model)
    assert caught.value.response.status_code == status
