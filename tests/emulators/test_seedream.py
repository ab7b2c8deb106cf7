"""The emulated Ark, asked by its maker's own client, by OpenAI's, and by hand."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
import volcenginesdkarkruntime as ark
from volcenginesdkarkruntime import _exceptions as ark_errors
from volcenginesdkarkruntime.types.images import OptimizePromptOptions, SequentialImageGenerationOptions

from tests.emulators.conftest import Bench, decoded, picture
from tests.support.loopback import PLAIN

KEY = {"authorization": "Bearer ark-test"}
V3, V4, V45 = "seedream-3-0-t2i-250415", "seedream-4-0-250828", "seedream-4-5-251128"
LITE, PRO, V55 = "seedream-5-0-260128", "dola-seedream-5-0-pro-260628", "seedream-5-5-261028"
EDITOR = "seededit-3-0-i2i-250628"
PATH = "/seedream/api/v3/images/generations"


def uri(size: tuple[int, int] = (64, 64)) -> str:
    """A picture as Ark takes it."""
    return "data:image/png;base64," + base64.b64encode(picture(size)).decode()


@asynccontextmanager
async def client(bench: Bench, key: str = "ark-test") -> AsyncIterator[Any]:
    """The maker's client, without retries; untyped, for its types want fields that no answer has."""
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=60) as http:
        base = f"{bench.base}/seedream/api/v3"
        yield ark.AsyncArk(base_url=base, api_key=key, max_retries=0, http_client=http)


async def asked(bench: Bench, **fields: Any) -> httpx.Response:
    """Ask by hand."""
    return await bench.http.post(PATH, json={"model": V4, "prompt": "x", **fields}, headers=KEY)


async def test_the_makers_client_draws(bench: Bench) -> None:
    """An address by default, base64 on request."""
    async with client(bench) as made:
        hosted = await made.images.generate(model=V4, prompt="a red fox")
        whole = await made.images.generate(
            model=LITE,
            prompt="a red fox",
            size="2848x1600",
            response_format="b64_json",
            output_format="png",
            watermark=False,
            optimize_prompt_options=OptimizePromptOptions(mode="standard"),
        )
    file = await bench.http.get(hosted.data[0].url)
    assert (decoded(file.content).format, decoded(file.content).size) == ("JPEG", (2048, 2048))
    assert (hosted.model, hosted.data[0].size) == (V4, "2048x2048")
    assert (hosted.usage.generated_images, hosted.usage.input_images, hosted.usage.output_tokens) == (1, 0, 16384)
    image = decoded(base64.b64decode(whole.data[0].b64_json))
    assert (image.format, image.size) == ("PNG", (2848, 1600))
    assert [one["cost_micros"] for one in (await bench.journal("seedream"))["entries"] if one["billed"]] == [
        30_000,
        35_000,
    ]


async def test_the_makers_client_edits(bench: Bench) -> None:
    """One picture or several; SeedEdit keeps the size."""
    async with client(bench) as made:
        one = await made.images.generate(
            model=EDITOR, prompt="x", image=uri((96, 64)), size="adaptive", seed=7, guidance_scale=5.5
        )
        several = await made.images.generate(model=V55, prompt="x", image=[uri(), uri()], size="2K")
    assert (one.data[0].size, several.data[0].size) == ("96x64", "2048x2048")
    assert several.usage.input_images == 2
    assert (await bench.last("seedream"))["cost_micros"] == 51_000


async def test_the_makers_client_draws_a_set(bench: Bench) -> None:
    """As many pictures as the prompt names; what may not be seen is an error in the place of the picture."""
    options = SequentialImageGenerationOptions(max_images=4)
    async with client(bench) as made:
        drawn = await made.images.generate(
            model=V45,
            prompt="3 seasons with some gore",
            sequential_image_generation="auto",
            sequential_image_generation_options=options,
        )
    assert drawn.data[0].error["code"] == "OutputImageSensitiveContentDetected"
    assert [one.size for one in drawn.data[1:]] == ["2048x2048"] * 2
    assert drawn.usage.generated_images == 2
    assert (await bench.last("seedream"))["cost_micros"] == 80_000


async def test_the_makers_client_reads_a_stream(bench: Bench) -> None:
    """Each picture as it comes, the counts at the end."""
    async with client(bench) as made:
        events = await made.images.generate(
            model=V4,
            prompt="2 boats",
            size="1K",
            sequential_image_generation="auto",
            stream=True,
            response_format="b64_json",
        )
        told = [event async for event in events]
    assert [one.type for one in told] == [
        "image_generation.partial_succeeded",
        "image_generation.partial_succeeded",
        "image_generation.completed",
    ]
    assert [one.image_index for one in told[:2]] == [0, 1]
    assert decoded(base64.b64decode(told[1].b64_json)).size == (1024, 1024)
    assert told[2].usage["generated_images"] == 2
    assert (await bench.last("seedream"))["cost_micros"] == 60_000


@pytest.mark.parametrize(
    ("key", "fields", "error", "code"),
    [
        ("bad", {}, ark_errors.ArkAuthenticationError, "AuthenticationError"),
        ("poor", {}, ark_errors.ArkPermissionDeniedError, "AccountOverdueError"),
        ("k", {"size": "10x10"}, ark_errors.ArkBadRequestError, "InvalidParameter"),
        ("k", {"prompt": "nsfw"}, ark_errors.ArkBadRequestError, "InputTextSensitiveContentDetected"),
        ("k", {"prompt": "gore"}, ark_errors.ArkBadRequestError, "OutputImageSensitiveContentDetected"),
        ("k", {"model": "seedream-9"}, ark_errors.ArkNotFoundError, "InvalidEndpointOrModel.NotFound"),
    ],
)
async def test_the_makers_client_reads_errors(
    bench: Bench, key: str, fields: dict[str, Any], error: type[Exception], code: str
) -> None:
    """By their codes; none is billed."""
    async with client(bench, key) as made:
        with pytest.raises(error) as caught:
            await made.images.generate(**{"model": V4, "prompt": "x", **fields})
    assert getattr(caught.value, "code", None) == code
    assert (await bench.journal())["billable"] == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, ark_errors.ArkRateLimitError), (500, ark_errors.ArkInternalServerError)],
)
async def test_the_makers_client_reads_scripted_errors(bench: Bench, status: int, error: type[Exception]) -> None:
    """The usual body goes with the status."""
    await bench.script("seedream", {"status": status})
    async with client(bench) as made:
        with pytest.raises(error):
            await made.images.generate(model=V4, prompt="x")


async def test_openais_client_draws(bench: Bench) -> None:
    """Ark's words go along as extra fields."""
    base = f"{bench.base}/seedream/api/v3"
    async with openai.AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as made:
        drawn = await made.images.generate(
            model=V55,
            prompt="x",
            size="1024x1024",
            response_format="b64_json",
            extra_body={"watermark": False, "background": "transparent", "output_format": "png"},
        )
    assert drawn.data is not None
    assert decoded(base64.b64decode(drawn.data[0].b64_json or "")).size == (1024, 1024)


@pytest.mark.parametrize(
    ("fields", "size", "micros"),
    [
        ({"size": "1K"}, (1024, 1024), 30_000),
        ({"size": "4K", "image": uri((64, 32))}, (5792, 2896), 30_000),
        ({"model": V45}, (2048, 2048), 40_000),
        ({"model": "ep-20261101-abcde"}, (2048, 2048), 40_000),
        ({"model": LITE, "size": "3K"}, (3072, 3072), 35_000),
        ({"model": PRO, "size": "1K"}, (1024, 1024), 45_000),
        ({"model": PRO, "image": [uri()] * 3}, (2048, 2048), 96_000),
        ({"model": V55, "size": "1.5K"}, (1536, 1536), 20_000),
        ({"model": V55, "size": "2K", "image": [uri()] * 2}, (2048, 2048), 51_000),
        ({"model": V3, "size": "512x2048", "seed": -1}, (512, 2048), 30_000),
        ({"model": "doubao-seedream-4-0-250828", "size": "1K"}, (1024, 1024), 28_000),
    ],
)
async def test_sizes_and_prices(bench: Bench, fields: dict[str, Any], size: tuple[int, int], micros: int) -> None:
    """The worked examples among them."""
    answer = await asked(bench, response_format="b64_json", **fields)
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["data"]
    assert decoded(base64.b64decode(item["b64_json"])).size == size
    assert (await bench.last("seedream"))["cost_micros"] == micros


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"prompt": ""}, "MissingParameter", "prompt"),
        ({"model": ""}, "MissingParameter", "model"),
        ({"n": 2}, "InvalidParameter", "n"),
        ({"mask": uri()}, "InvalidParameter", "mask"),
        ({"watermark": "no"}, "InvalidParameter", "watermark"),
        ({"size": "2k"}, "InvalidParameter", "size"),
        ({"size": "3K"}, "InvalidParameter", "size"),
        ({"size": "8192x8192"}, "InvalidParameter", "size"),
        ({"size": "9000x500"}, "InvalidParameter", "size"),
        ({"model": V45, "size": "1024x1024"}, "InvalidParameter", "size"),
        ({"model": V3, "size": "500x500"}, "InvalidParameter", "size"),
        ({"output_format": "png"}, "InvalidParameter", "output_format"),
        ({"model": V55, "background": "transparent"}, "InvalidParameter", "background"),
        ({"guidance_scale": 3}, "InvalidParameter", "guidance_scale"),
        ({"seed": 2**31}, "InvalidParameter", "seed"),
        ({"optimize_prompt_options": {"mode": "slow"}}, "InvalidParameter", "optimize_prompt_options"),
        ({"model": V55, "sequential_image_generation": "auto"}, "InvalidParameter", "sequential_image_generation"),
        ({"model": V55, "image": [uri()] * 11}, "InvalidParameter", "image"),
        ({"model": EDITOR}, "MissingParameter", "image"),
        ({"image": "https://example.com/a.png"}, "InvalidImageURL.InvalidFormat", "image"),
        ({"image": "data:image/png;base64,aGk="}, "InvalidImageURL.InvalidFormat", "image"),
        (
            {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 16}},
            "InvalidParameter",
            "sequential_image_generation_options.max_images",
        ),
        (
            {
                "sequential_image_generation": "auto",
                "sequential_image_generation_options": {"max_images": 14},
                "image": [uri()] * 2,
            },
            "InvalidParameter",
            "sequential_image_generation_options.max_images",
        ),
    ],
)
async def test_a_wrong_body_is_refused(bench: Bench, fields: dict[str, Any], code: str, param: str) -> None:
    """In Ark's own shape, and free."""
    answer = await asked(bench, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert (await bench.journal())["billable"] == 0


async def test_what_is_transparent_has_alpha(bench: Bench) -> None:
    """An edit loses its ground."""
    fields = {"background": "transparent", "output_format": "png", "image": uri(), "size": "1K"}
    answer = await asked(bench, model=V55, response_format="b64_json", **fields)
    data = base64.b64decode(answer.json()["data"][0]["b64_json"])
    assert decoded(data).mode == "RGBA"


async def test_there_is_no_answer_without_a_key(bench: Bench) -> None:
    """Nor to a body that is no JSON."""
    answer = await bench.http.post(PATH, json={"model": V4, "prompt": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationError")
    assert (await bench.http.post(PATH, content=b"{", headers=KEY)).status_code == 400
