"""The stock `openai` library for Python against a mesh: nothing is changed but its base URL and its key."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from tests.support.mesh import KEY, Mesh

PROMPT = "A sunset over mountains"


@pytest.fixture
async def client(running: Mesh) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's asynchronous client at /v1."""
    async with at(running, "/v1") as opened:
        yield opened


def at(running: Mesh, base: str, key: str = KEY) -> openai.AsyncOpenAI:
    """OpenAI's asynchronous client at one of the two bases; it asks once only."""
    return openai.AsyncOpenAI(base_url=running.url + base, api_key=key, max_retries=0, timeout=60)


async def fetched(url: str | None) -> Image.Image:
    """The picture behind a link, asked for by somebody without a key."""
    assert url
    async with httpx.AsyncClient() as anyone:
        return picture((await anyone.get(url)).content)


def decoded(text: str | None) -> Image.Image:
    """The picture behind base64 text."""
    assert text
    return picture(base64.b64decode(text, validate=True))


def picture(data: bytes) -> Image.Image:
    """The picture behind encoded bytes, wholly decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


async def test_a_picture_comes_as_a_link(client: openai.AsyncOpenAI) -> None:
    """Models that are not gpt-image-* answer url, and the link opens the picture without a key."""
    answer = await client.images.generate(model="flux-schnell", prompt=PROMPT, size="1024x1024", output_format="webp")
    assert answer.data
    assert answer.data[0].b64_json is None
    image = await fetched(answer.data[0].url)
    assert (image.format, image.size) == ("WEBP", (1024, 1024))


async def test_metadata_is_reachable_without_another_library(client: openai.AsyncOpenAI) -> None:
    """Provider, cost, attempts, timing and trace stand in `model_extra`, the request id where the library keeps it."""
    answer = await client.images.generate(model="flux-schnell", prompt=PROMPT, size="1024x1024")
    metadata = (answer.model_extra or {})["metadata"]
    assert metadata["provider"] == "fal"
    assert metadata["cost"] == 0.003
    assert [attempt["outcome"] for attempt in metadata["attempts"]] == ["delivered"]
    assert metadata["timing"]["total"] >= 0
    assert metadata["sandbox"] is True
    assert answer._request_id == metadata["request_id"]


async def test_three_pictures_come_as_base64(client: openai.AsyncOpenAI) -> None:
    """`n` pictures are `n` entries, in the form that was asked for and in no other."""
    answer = await client.images.generate(model="mock-image", prompt=PROMPT, n=3, response_format="b64_json")
    assert answer.data
    assert [entry.url for entry in answer.data] == [None] * 3
    assert len([decoded(entry.b64_json) for entry in answer.data]) == 3


async def test_gpt_image_models_answer_base64_unasked(client: openai.AsyncOpenAI) -> None:
    """As OpenAI does, and with the tokens that OpenAI counts."""
    answer = await client.images.generate(model="gpt-image-2", prompt=PROMPT, quality="low", size="1024x1024")
    assert answer.data
    assert answer.data[0].url is None
    assert decoded(answer.data[0].b64_json).size == (1024, 1024)
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert (answer.quality, answer.size) == ("low", "1024x1024")


@pytest.mark.parametrize("model", ["gpt-image-2", "mock-image"])
async def test_under_openai_v1_every_model_answers_links(running: Mesh, model: str) -> None:
    """The second base has one rule for all models."""
    async with at(running, "/openai/v1") as client:
        answer = await client.images.generate(model=model, prompt=PROMPT, quality="low", size="1024x1024")
    assert answer.data
    assert answer.data[0].b64_json is None
    await fetched(answer.data[0].url)


@pytest.mark.parametrize(("model", "size"), [("studio", 256), ("gpt-image-2", 1024)])
async def test_edits_take_a_mask(client: openai.AsyncOpenAI, model: str, size: int) -> None:
    """The transparent half is drawn anew; where the model keeps to masks exactly, the rest stays as it was."""
    ground = Image.new("RGB", (size, size), (20, 90, 200))
    mask = Image.new("RGBA", (size, size), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (size // 2, 0, size, size))
    answer = await client.images.edit(
        model=model,
        prompt="a red circle",
        image=("ground.png", png(ground), "image/png"),
        mask=("mask.png", png(mask), "image/png"),
        response_format="b64_json",
        extra_body={"quality": "low"} if model != "studio" else None,
    )
    assert answer.data
    edited = decoded(answer.data[0].b64_json).convert("RGB").resize((size, size))
    kept, redrawn = (0, 0, size // 2, size), (size // 2, 0, size, size)
    assert edited.crop(redrawn).tobytes() != ground.crop(redrawn).tobytes()
    if model == "studio":
        assert edited.crop(kept).tobytes() == ground.crop(kept).tobytes()


@pytest.mark.parametrize("base", ["/v1", "/openai/v1"])
async def test_models_are_listed_and_looked_up(running: Mesh, base: str) -> None:
    """The list can be walked, and a model is found by its alias too."""
    async with at(running, base) as client:
        names = {model.id async for model in client.models.list()}
        assert {"flux-schnell", "gpt-image-2", "studio", "mock-image"} <= names
        assert (await client.models.retrieve("flux.1-schnell")).id == "flux-schnell"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("flux-schnel")


async def test_a_wrong_key_is_an_authentication_error(running: Mesh) -> None:
    """And the key is not repeated in the sentence."""
    async with at(running, "/v1", "sk-nobody-knows-me") as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            await stranger.images.generate(model="flux-schnell", prompt=PROMPT)
    assert refused.value.code == "invalid_api_key"
    assert "nobody-knows-me" not in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "expected", "code", "param"),
    [
        ({"model": "flux-schnel"}, openai.NotFoundError, "model_not_found", "model"),
        ({"model": "mock-image", "size": "big"}, openai.BadRequestError, "invalid_field", "size"),
        ({"model": "mock-image", "size": "0x100"}, openai.BadRequestError, "invalid_field", "size"),
        ({"model": "mock-image", "n": 11}, openai.BadRequestError, "invalid_field", "n"),
        ({"model": "mock-image", "partial_images": 1}, openai.BadRequestError, "invalid_field", "partial_images"),
        (
            {"model": "sandbox-rate-limited", "extra_body": {"max_wait": 0}},
            openai.RateLimitError,
            "rate_limit_exceeded",
            None,
        ),
        ({"model": "sandbox-down"}, openai.InternalServerError, "provider_unavailable", None),
    ],
)
async def test_failures_are_the_library_s_own_exceptions(
    client: openai.AsyncOpenAI, asked: dict[str, Any], expected: type[openai.APIStatusError], code: str, param: str
) -> None:
    """Class, code and field are those that a caller of OpenAI knows, with a request id to ask an operator about."""
    with pytest.raises(expected) as failed:
        await client.images.generate(**{"prompt": PROMPT, **asked})
    assert (failed.value.code, failed.value.param) == (code, param)
    assert failed.value.request_id


async def test_an_unknown_model_tells_what_may_have_been_meant(client: openai.AsyncOpenAI) -> None:
    """A slip of the pen costs one look at the message."""
    with pytest.raises(openai.NotFoundError, match='did you mean "flux-schnell"'):
        await client.images.generate(model="flux-schnel", prompt=PROMPT)


async def test_a_rate_limit_says_when_to_come_back(client: openai.AsyncOpenAI) -> None:
    """The library reads Retry-After, and waits as long as it says before it asks again."""
    with pytest.raises(openai.RateLimitError) as failed:
        await client.images.generate(model="sandbox-rate-limited", prompt=PROMPT, extra_body={"max_wait": 0})
    assert 1 <= int(failed.value.response.headers["retry-after"]) <= 120


async def test_what_may_have_been_bought_is_not_asked_for_again(running: Mesh) -> None:
    """A library that asks again on its own is told not to, and the provider is asked once only."""
    await running.script("compat", {"path": "submit", "garbage": True, "bill": True})
    async with at(running, "/v1").with_options(max_retries=2) as client:
        with pytest.raises(openai.InternalServerError) as failed:
            await client.images.generate(model="compat/flux-schnell", prompt=PROMPT)
    assert failed.value.response.headers["x-should-retry"] == "false"
    submits = [entry for entry in (await running.journal("compat"))["entries"] if entry["kind"] == "generations"]
    assert len(submits) == 1


async def test_an_idempotency_key_buys_once(running: Mesh, client: openai.AsyncOpenAI) -> None:
    """Sent as `extra_headers`; the second answer is the first one, marked as replayed."""
    answers = [
        await client.images.with_raw_response.generate(
            model="flux-schnell", prompt=PROMPT, extra_headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert len({(answer.parse().model_extra or {})["id"] for answer in answers}) == 1
    assert (await running.journal())["billable"] == 1


async def test_our_own_fields_travel_in_extra_body(client: openai.AsyncOpenAI) -> None:
    """Shape, seed and routing of one request: the same seed draws the same picture, and `only` is obeyed."""
    ours = {"aspect_ratio": "16:9", "seed": 7, "provider": {"only": ["compat"]}}
    answers = [
        await client.images.generate(model="flux-schnell", prompt=PROMPT, response_format="b64_json", extra_body=ours)
        for _ in range(2)
    ]
    first, second = (decoded(answer.data[0].b64_json) for answer in answers if answer.data)
    assert abs(first.width / first.height - 16 / 9) < 0.05
    assert first.tobytes() == second.tobytes()
    assert {(answer.model_extra or {})["metadata"]["provider"] for answer in answers} == {"compat"}


async def test_the_synchronous_client_is_served_as_well(running: Mesh) -> None:
    """The same answers in a thread, without asyncio on the caller's side."""

    def work() -> tuple[str | None, str | None]:
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0, timeout=60) as client:
            made = client.images.generate(model="mock-image", prompt=PROMPT)
            try:
                client.images.generate(model="mock-image", prompt="")
            except openai.BadRequestError as error:
                return made.data[0].url if made.data else None, error.param
        return None, None

    url, param = await asyncio.to_thread(work)
    await fetched(url)
    assert param == "prompt"
