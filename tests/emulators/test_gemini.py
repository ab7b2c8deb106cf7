"""The emulated Gemini API and Vertex AI, asked by Google's own client and by hand."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from google import genai
from google.auth.credentials import Credentials
from google.genai import errors, types

from heliostat.emulators.gemini.catalogue import BY_NAME
from tests.emulators.conftest import Bench, decoded, picture
from tests.support.loopback import PLAIN

KEY = {"x-goog-api-key": "k"}
PRO, FIRST = "gemini-3-pro-image", "gemini-2.5-flash-image"


class GivenToken(Credentials):
    """Google's client takes credentials, not a token."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def refresh(self, request: Any) -> None:
        """Nothing is to be refreshed."""


@asynccontextmanager
async def google(bench: Bench, key: str = "k", *, vertex: bool = False) -> AsyncIterator[Any]:
    """Google's own client, over a connection that is closed with it."""
    async with httpx.AsyncClient(verify=PLAIN, timeout=60, trust_env=False) as http:
        options = types.HttpOptions(base_url=f"{bench.base}/gemini", httpx_async_client=http)
        if vertex:
            places = {"vertexai": True, "project": "my-project", "location": "global"}
            client = genai.Client(credentials=GivenToken(key), http_options=options, **places)  # type: ignore[arg-type]
        else:
            client = genai.Client(api_key=key, http_options=options)
        yield client.aio.models
        client.close()


async def refused(bench: Bench, body: Any, model: str = PRO) -> tuple[int, dict[str, Any]]:
    """Send a body that will not do; give the status and the error."""
    answer = await bench.http.post(f"/gemini/v1beta/models/{model}:generateContent", json=body, headers=KEY)
    return answer.status_code, answer.json()["error"]


def asked(**generation: Any) -> dict[str, Any]:
    """A body with a prompt."""
    return {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": generation}


@pytest.mark.parametrize("vertex", [False, True])
async def test_googles_client_draws_and_edits(bench: Bench, vertex: bool) -> None:
    """It reads pictures, thoughts, tokens and ids; the journal has the price."""
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K"),
        seed=5,
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, threshold=types.HarmBlockThreshold.BLOCK_NONE
            )
        ],
    )
    own = types.Part.from_bytes(data=picture((64, 64)), mime_type="image/png")
    async with google(bench, vertex=vertex) as models:
        answer = await models.generate_content(model=PRO, contents=[own, "make it red"], config=config)
    draft, part = answer.candidates[0].content.parts
    assert (draft.thought, part.inline_data.mime_type) == (True, "image/jpeg")
    assert decoded(part.inline_data.data).size == (2752, 1536)
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (1120, 200)
    assert [one.modality.value for one in usage.prompt_tokens_details] == ["TEXT", "IMAGE"]
    entry = await bench.last("gemini")
    assert entry["cost_micros"] == usage.prompt_token_count * 2 + 200 * 12 + 1120 * 120
    assert (entry["model"], answer.response_id) == (PRO, entry["request_id"])


async def test_googles_client_reads_what_is_blocked(bench: Bench) -> None:
    """All of it under status 200, and free."""
    async with google(bench) as models:
        blocked = await models.generate_content(model=PRO, contents="nsfw")
        hidden = await models.generate_content(model=PRO, contents="gore")
        words = await models.generate_content(model=PRO, contents="words only")
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    assert hidden.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY
    assert words.text == "Here is your picture."
    assert [entry["billed"] for entry in (await bench.journal("gemini"))["entries"]] == [False, False, True]


@pytest.mark.parametrize(
    ("key", "vertex", "code", "status"),
    [
        ("bad", False, 400, "INVALID_ARGUMENT"),
        ("poor", False, 429, "RESOURCE_EXHAUSTED"),
        ("bad", True, 401, "UNAUTHENTICATED"),
        ("poor", True, 403, "PERMISSION_DENIED"),
    ],
)
async def test_googles_client_reads_errors(bench: Bench, key: str, vertex: bool, code: int, status: str) -> None:
    """A wrong key is a 400 at the Gemini API, a 401 at Vertex AI."""
    async with google(bench, key, vertex=vertex) as models:
        with pytest.raises(errors.ClientError) as caught:
            await models.generate_content(model=PRO, contents="x")
    assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_googles_client_reads_scripted_errors(bench: Bench, status: int) -> None:
    """The usual body goes with the status."""
    await bench.script("gemini", {"status": status})
    async with google(bench) as models:
        with pytest.raises(errors.APIError) as caught:
            await models.generate_content(model=PRO, contents="x")
    assert caught.value.code == status


async def test_googles_client_lists_models(bench: Bench) -> None:
    """Under their long names."""
    async with google(bench) as models:
        listed = [one.name async for one in await models.list()]
    assert listed == [f"models/{name}" for name in BY_NAME]


@pytest.mark.parametrize(
    ("model", "ratio", "tier", "size", "micros"),
    [
        (FIRST, "21:9", None, (1536, 672), 2 + 38_700),
        (PRO, "1:1", "4K", (4096, 4096), 14 + 200 * 12 + 240_000),
        ("gemini-3.1-flash-image", "1:1", "512", (512, 512), 4 + 80 * 3 + 747 * 60),
        ("gemini-3.1-flash-lite-image", "3:4", None, (896, 1200), 2 + 33_600),
        ("gemini-nano-banana-2.1", "4:1", "1K", (2048, 512), 11 + 120 * 15 // 2 + 33_600),
    ],
)
async def test_sizes_and_prices(
    bench: Bench, model: str, ratio: str, tier: str | None, size: tuple[int, int], micros: int
) -> None:
    """The prompt has 7 tokens; money is rounded half up."""
    shape = {"aspectRatio": ratio} | ({"imageSize": tier} if tier else {})
    body = asked(responseModalities=["IMAGE"], imageConfig=shape)
    answer = (await bench.http.post(f"/gemini/v1beta/models/{model}:generateContent", json=body, headers=KEY)).json()
    part = answer["candidates"][0]["content"]["parts"][-1]
    assert decoded(base64.b64decode(part["inlineData"]["data"])).size == size
    assert (await bench.last("gemini"))["cost_micros"] == micros


@pytest.mark.parametrize(
    ("body", "model", "words"),
    [
        ({}, PRO, "contents is not specified"),
        ({**asked(), "foo": 1}, PRO, 'Unknown name "foo"'),
        ({**asked(), "labels": {}}, PRO, 'Unknown name "labels"'),
        (asked(imageConfig={"aspectRatio": "1:4"}), PRO, "aspect_ratio"),
        (asked(imageConfig={"imageSize": "1K"}), FIRST, "image_size"),
        (asked(imageConfig={"imageSize": "2k"}), PRO, "image_size"),
        (asked(imageConfig={"imageSize": "512"}), "gemini-nano-banana-2.1", "image_size"),
        (asked(imageConfig={"personGeneration": "ALLOW_ALL"}), PRO, "Unknown name"),
        (asked(imageConfig=7), PRO, "image_config"),
        (asked(responseModalities=["VIDEO"]), PRO, "response_modalities"),
        (asked(seed=2**31), PRO, "seed"),
        (asked(candidateCount=2), PRO, "candidates"),
        (asked(thinkingConfig={"thinkingLevel": "high"}), PRO, "not supported"),
        ({**asked(), "safetySettings": [{"category": "x"}]}, PRO, "category"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": ""}}]}]}, PRO, "MIME"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "é#"}}]}]}, PRO, "Base64"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}]}, PRO, "input image"),
    ],
)
async def test_a_wrong_body_is_refused(bench: Bench, body: Any, model: str, words: str) -> None:
    """As a 400 in Google's shape, and free."""
    status, error = await refused(bench, body, model)
    assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]
    assert (await bench.journal())["billable"] == 0


async def test_more_pictures_than_the_model_takes_are_refused(bench: Bench) -> None:
    """2.5 takes three."""
    part = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(picture()).decode()}}
    body = {"contents": [{"role": "user", "parts": [part] * 4}]}
    assert (await refused(bench, body, FIRST))[0] == 400


async def test_an_unknown_model_is_not_found(bench: Bench) -> None:
    """As a retired one would be."""
    status, error = await refused(bench, asked(), "imagen-4.0-generate-001")
    assert (status, error["status"]) == (404, "NOT_FOUND")


async def test_the_pause_of_a_429_stands_in_the_body(bench: Bench) -> None:
    """No header tells it."""
    await bench.script("gemini", {"status": 429})
    answer = await bench.http.post(f"/gemini/v1beta/models/{PRO}:generateContent", json=asked(), headers=KEY)
    assert answer.json()["error"]["details"][1]["retryDelay"] == "34.4s"
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    "form", [{}, {"grant_type": "password"}, {"assertion": "a.b.c"}, {"assertion": "e30.e30.x"}, {"assertion": "x"}]
)
async def test_the_token_host_refuses_what_is_no_assertion(bench: Bench, form: dict[str, str]) -> None:
    """In the words of OAuth."""
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"} if "assertion" in form else {}
    answer = await bench.http.post("/gemini/token", data=grant | form)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "unsupported_grant_type"}
