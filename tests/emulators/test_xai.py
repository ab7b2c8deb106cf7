"""The emulated xAI, asked by OpenAI's stock client, which xAI says fits its generations, and by hand."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from heliostat.emulators.xai.catalogue import BY_NAME
from tests.emulators.conftest import Bench, decoded, picture

KEY = {"authorization": "Bearer xai-test"}
PLAIN, FINE, SECOND = "grok-imagine-image", "grok-imagine-image-quality", "grok-imagine-image-2.0"
GENERATIONS, EDITS = "/xai/v1/images/generations", "/xai/v1/images/edits"


def uri(size: tuple[int, int] = (64, 64)) -> dict[str, str]:
    """A picture as edits take it."""
    return {"type": "image_url", "url": "data:image/png;base64," + base64.b64encode(picture(size)).decode()}


async def test_openais_client_draws(bench: Bench) -> None:
    """Addresses by default, base64 on request; what OpenAI does not know goes along as extra fields."""
    async with bench.openai("xai") as client:
        hosted = await client.images.generate(model=PLAIN, prompt="a red fox", n=2)
        shape = {"aspect_ratio": "2:1", "resolution": "2k"}
        whole = await client.images.generate(model=FINE, prompt="x", response_format="b64_json", extra_body=shape)
    files = [await bench.http.get(item.url) for item in hosted.data]
    assert [decoded(file.content).size for file in files] == [(1024, 1024)] * 2
    assert files[0].headers["content-type"] == "image/jpeg"
    assert hosted.usage.cost_in_usd_ticks == 400_000_000
    assert decoded(base64.b64decode(whole.data[0].b64_json)).size == (2896, 1456)
    assert whole.data[0].respect_moderation is True
    assert [one["cost_micros"] for one in (await bench.journal("xai"))["entries"] if one["billed"]] == [40_000, 70_000]


@pytest.mark.parametrize(
    ("key", "fields", "error", "words"),
    [
        ("bad", {}, openai.BadRequestError, "Incorrect API key"),
        ("poor", {}, openai.PermissionDeniedError, "credits"),
        ("k", {"size": "1024x1024"}, openai.BadRequestError, "Argument not supported: size"),
        ("k", {"prompt": "nsfw"}, openai.BadRequestError, "content moderation"),
        ("k", {"model": "grok-2-image"}, openai.NotFoundError, "does not exist"),
    ],
)
async def test_openais_client_reads_errors(
    bench: Bench, key: str, fields: dict[str, Any], error: type[openai.APIStatusError], words: str
) -> None:
    """A wrong key is a 400; `size` is OpenAI's word, and refused."""
    async with bench.openai("xai", key) as client:
        with pytest.raises(error) as caught:
            await client.images.generate(**{"model": PLAIN, "prompt": "x", **fields})
    assert words in caught.value.response.json()["error"]


@pytest.mark.parametrize(("status", "error"), [(429, openai.RateLimitError), (503, openai.InternalServerError)])
async def test_openais_client_reads_scripted_errors(
    bench: Bench, status: int, error: type[openai.APIStatusError]
) -> None:
    """The usual body goes with the status."""
    await bench.script("xai", {"status": status})
    async with bench.openai("xai") as client:
        with pytest.raises(error):
            await client.images.generate(model=PLAIN, prompt="x")


async def test_openais_client_cannot_edit(bench: Bench) -> None:
    """It sends a form, and edits are JSON."""
    async with bench.openai("xai") as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.images.edit(model=PLAIN, prompt="x", image=("a.png", picture()))
    assert caught.value.status_code == 415


async def test_openais_client_lists_models(bench: Bench) -> None:
    """Those that draw."""
    async with bench.openai("xai") as client:
        assert [one.id async for one in client.models.list()] == list(BY_NAME)


@pytest.mark.parametrize(
    ("fields", "size", "micros"),
    [
        ({"model": SECOND}, (1024, 1024), 40_000),
        ({"model": SECOND, "n": 3}, (1024, 1024), 120_000),
        ({"model": SECOND, "quality": "medium", "resolution": "2k"}, (2048, 2048), 80_000),
        ({"model": PLAIN, "aspect_ratio": "9:19.5"}, (688, 1504), 20_000),
        ({"model": PLAIN, "image": uri((96, 64))}, (96, 64), 22_000),
        ({"model": FINE, "resolution": "2k", "images": [uri()] * 3}, (2048, 2048), 100_000),
    ],
)
async def test_sizes_and_prices(bench: Bench, fields: dict[str, Any], size: tuple[int, int], micros: int) -> None:
    """Of the worked examples too: the ticks are the bill."""
    path = EDITS if fields.keys() & {"image", "images"} else GENERATIONS
    body = {"prompt": "x", "response_format": "b64_json", **fields}
    answer = (await bench.http.post(path, json=body, headers=KEY)).json()
    assert decoded(base64.b64decode(answer["data"][0]["b64_json"])).size == size
    assert answer["usage"]["cost_in_usd_ticks"] == micros * 10_000
    assert (await bench.last("xai"))["cost_micros"] == micros


async def test_what_is_moderated_has_no_picture(bench: Bench) -> None:
    """Under status 200; what is not shown is not billed."""
    body = {"model": PLAIN, "prompt": "some gore", "n": 2}
    answer = (await bench.http.post(GENERATIONS, json=body, headers=KEY)).json()
    assert [(one["respect_moderation"], bool(one["url"])) for one in answer["data"]] == [(False, False), (True, True)]
    assert (await bench.last("xai"))["cost_micros"] == 20_000
    answer = (await bench.http.post(GENERATIONS, json={**body, "prompt": "gore"}, headers=KEY)).json()
    assert answer["usage"]["cost_in_usd_ticks"] == 0
    assert (await bench.journal())["billable"] == 1


@pytest.mark.parametrize(
    ("path", "fields", "status", "words"),
    [
        (GENERATIONS, {"n": 0}, 400, "n must be"),
        (GENERATIONS, {"n": 11}, 400, "n must be"),
        (GENERATIONS, {"n": True}, 400, "n must be"),
        (GENERATIONS, {"prompt": 7}, 422, "deserialize"),
        (GENERATIONS, {"aspect_ratio": "5:4"}, 400, "aspect_ratio"),
        (GENERATIONS, {"resolution": "4k"}, 400, "resolution"),
        (GENERATIONS, {"quality": "low"}, 400, "Argument not supported: quality"),
        (GENERATIONS, {"seed": 1}, 400, "Argument not supported: seed"),
        (GENERATIONS, {"image": uri()}, 400, "Argument not supported: image"),
        (GENERATIONS, {"response_format": "file"}, 400, "response_format"),
        (EDITS, {}, 400, "Exactly one"),
        (EDITS, {"image": uri(), "images": [uri()]}, 400, "Exactly one"),
        (EDITS, {"images": [uri()] * 5}, 400, "At most 4"),
        (EDITS, {"image": {"file_id": "f"}}, 422, "deserialize"),
        (EDITS, {"image": {"url": "https://example.com/a.png"}}, 400, "Failed to download"),
        (EDITS, {"image": {"url": "data:image/png;base64,aGk="}}, 400, "decode image"),
        (EDITS, {"image": uri(), "mask": uri()}, 400, "Argument not supported: mask"),
    ],
)
async def test_a_wrong_body_is_refused(
    bench: Bench, path: str, fields: dict[str, Any], status: int, words: str
) -> None:
    """In xAI's own shape, and free."""
    answer = await bench.http.post(path, json={"model": PLAIN, "prompt": "x", **fields}, headers=KEY)
    assert (answer.status_code, set(answer.json())) == (status, {"code", "error"})
    assert words in answer.json()["error"]
    assert (await bench.journal())["billable"] == 0


async def test_there_is_no_answer_without_a_key(bench: Bench) -> None:
    """Nor to a body that is no JSON."""
    assert (await bench.http.post(GENERATIONS, json={"model": PLAIN, "prompt": "x"})).status_code == 401
    assert (await bench.http.post(GENERATIONS, content=b"{", headers=KEY)).status_code == 400
