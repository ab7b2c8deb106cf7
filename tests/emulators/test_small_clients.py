"""The emulated providers of mapping files, driven by the makers' own SDKs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import openai
import pybase64
import pytest
from leonardo_ai_sdk import LeonardoAiSDK
from leonardo_ai_sdk.models import shared
from lumaai import AsyncLumaAI, AuthenticationError, UnprocessableEntityError
from novita_client import NovitaClient, V3TaskResponseStatus
from novita_client.exceptions import NovitaResponseError

from tests.emulators.conftest import Bench, decoded, picture
from tests.support.loopback import PLAIN


def client() -> httpx.AsyncClient:
    """A transport for an SDK that is ours to close."""
    return httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=60)


async def test_luma_generates_and_is_polled(bench: Bench) -> None:
    """Every field of the answer has the SDK's type; the picture is where it says."""
    async with client() as http:
        luma = AsyncLumaAI(auth_token="luma-1", base_url=f"{bench.base}/luma/dream-machine/v1", http_client=http)
        made = await luma.generations.image.create(
            prompt="a boat",
            model="photon-flash-1",
            aspect_ratio="16:9",
            format="png",
            image_ref=[{"url": "https://pictures.example/a.png", "weight": 0.5}],
        )
        async with asyncio.timeout(60):
            while (now := await luma.generations.get(str(made.id))).state != "completed":
                await asyncio.sleep(0)
        credits = await luma.credits.get()
        assert made.state == "queued"
        assert now.assets is not None
        assert decoded((await http.get(str(now.assets.image))).content).size == (1920, 1088)
        assert credits.credit_balance
    assert (await bench.last("luma", "submit"))["cost_micros"] == 4000


async def test_luma_refuses_in_the_sdks_classes(bench: Bench) -> None:
    """A wrong shape, a wrong key."""
    async with client() as http:
        base = f"{bench.base}/luma/dream-machine/v1"
        luma = AsyncLumaAI(auth_token="luma-1", base_url=base, http_client=http, max_retries=0)
        wrong: Any = "5:4"
        with pytest.raises(UnprocessableEntityError, match="aspect_ratio"):
            await luma.generations.image.create(prompt="a boat", model="photon-1", aspect_ratio=wrong)
        bad = AsyncLumaAI(auth_token="bad", base_url=base, http_client=http, max_retries=0)
        with pytest.raises(AuthenticationError):
            await bad.credits.get()


async def test_leonardo_generates_and_tells_its_cost(bench: Bench) -> None:
    """In dollars, before the picture is there."""
    async with client() as http:
        leonardo = LeonardoAiSDK(
            bearer_auth="leo-1",
            server_url=f"{bench.base}/leonardo/api/rest/v1",
            async_client=http,
            client=httpx.Client(),
        )
        made = await leonardo.image.create_generation_async(
            request={
                "model_id": "7b592283-e8a7-4c5a-9ba6-d18c31f258b9",
                "prompt": "a boat",
                "num_images": 2,
                "width": 512,
                "height": 512,
                "alchemy": False,
                "public": False,
            }
        )
        job = made.object.sd_generation_job
        assert (job.cost.amount, job.cost.unit) == ("0.0294", shared.Unit.DOLLARS)
        async with asyncio.timeout(60):
            while True:
                now = (await leonardo.image.get_generation_by_id_async(id=job.generation_id)).object.generations_by_pk
                if now.status == shared.JobStatus.COMPLETE:
                    break
                await asyncio.sleep(0)
        images = [decoded((await http.get(one.url)).content).size for one in now.generated_images]
        leonardo.sdk_configuration.client.close()
    assert images == [(512, 512)] * 2


async def test_novitas_tools_and_tasks(bench: Bench) -> None:
    """The maker's SDK reads tools' answers and tasks' states; it waits in threads."""
    novita = NovitaClient("nov-1", f"{bench.base}/novita")
    given = pybase64.b64encode_as_string(picture((64, 48)))
    try:
        cut = await asyncio.to_thread(novita.remove_background, given, "png")
        again = await asyncio.to_thread(novita.reimagine, given, "webp")
        staged = await asyncio.to_thread(novita.replace_background, given, "grass")
        body = {"prompt": "a boat", "size": "512*256"}
        answer = await bench.http.post(
            "/novita/v3/async/qwen-image-txt2img", json=body, headers={"authorization": "Bearer nov-1"}
        )
        async with asyncio.timeout(60):
            while not (task := await asyncio.to_thread(novita.async_task_result, answer.json()["task_id"])).finished():
                await asyncio.sleep(0)
        with pytest.raises(NovitaResponseError, match="404"):
            await asyncio.to_thread(novita.async_task_result, "nobody")
    finally:
        novita.session.close()
    assert task.task.status == V3TaskResponseStatus.TASK_STATUS_SUCCEED
    assert decoded((await bench.http.get(task.get_image_urls()[0])).content).size == (512, 256)
    for one in (cut, again, staged):
        assert decoded(pybase64.b64decode(one.image_file)).size == (64, 48)
    assert (cut.image_type, again.image_type, staged.image_type) == ("png", "webp", "jpeg")


async def test_deepinfras_edits_by_openais_sdk(bench: Bench) -> None:
    """Its path for clients of OpenAI's."""
    async with client() as http:
        base = f"{bench.base}/deepinfra/v1/openai"
        sdk = openai.AsyncOpenAI(api_key="di-1", base_url=base, http_client=http, max_retries=0)
        made = await sdk.images.edit(
            model="Qwen/Qwen-Image-Edit", image=("a.png", picture((64, 48))), prompt="grass", size="512x512", n=2
        )
        with pytest.raises(openai.NotFoundError):
            await sdk.images.edit(model="nobody/none", image=("a.png", picture((64, 48))), prompt="grass")
    assert made.data is not None
    assert [decoded(pybase64.b64decode(one.b64_json or "")).size for one in made.data] == [(512, 512)] * 2
