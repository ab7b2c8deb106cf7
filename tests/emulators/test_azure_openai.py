"""The emulated Azure OpenAI: its addresses, ways in and errors, and the stock `AzureOpenAI` client."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from heliostat.emulators.azure_openai.dialect import ISSUED, SCOPE, TENANT
from tests.emulators.conftest import Bench, decoded, encoded, picture

GPT = "team-gpt-image-2"
VERSION = "2025-04-01-preview"
V1 = "/azure_openai/openai/v1/images/generations"
OLDER = f"/azure_openai/openai/deployments/{GPT}/images/generations"


@asynccontextmanager
async def client(bench: Bench, **more: Any) -> AsyncIterator[Any]:
    """A stock client; untyped, for its types forbid some of what tests send."""
    own = {"api_key": "a-key", **more}
    if "azure_ad_token" in more:
        del own["api_key"]
    endpoint = f"{bench.base}/azure_openai"
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=endpoint, api_version=VERSION, max_retries=0, timeout=60, **own
    ) as one:
        yield one


def shown(item: Any) -> Any:
    """The picture of an answer's item."""
    return decoded(base64.b64decode(item.b64_json))


@pytest.mark.parametrize(
    "own", [{}, {"azure_ad_token": ISSUED}, {"azure_deployment": GPT}], ids=lambda own: str([*own])
)
async def test_the_stock_client_draws(bench: Bench, own: dict[str, Any]) -> None:
    """By key, by token of Entra ID, and with the deployment in the client's own address."""
    async with client(bench, **own) as one:
        answer = await one.images.generate(model=GPT, prompt="a red fox", n=2, size="1536x1024", quality="low")
    assert [shown(item).size for item in answer.data] == [(1536, 1024)] * 2
    assert answer.data[0].content_filter_results["violence"] == {"filtered": False, "severity": "safe"}
    assert answer.usage.output_tokens == 2 * 158
    entry = await bench.last("azure_openai")
    assert (entry["model"], entry["cost_micros"]) == ("gpt-image-2", 9 * 5 + 2 * 158 * 30)


async def test_the_stock_client_edits(bench: Bench) -> None:
    """Forms go to the deployment's address as well; transparent parts of the mask are painted anew."""
    mask = decoded(picture((1024, 1024), "black", "RGBA"))
    mask.paste((0, 0, 0, 0), (0, 0, 512, 1024))
    async with client(bench, azure_deployment=GPT) as one:
        image = ("a.png", picture((1024, 1024)))
        answer = await one.images.edit(model=GPT, prompt="x", image=image, mask=("m.png", encoded(mask)))
    drawn = shown(answer.data[0]).convert("RGB")
    assert (drawn.getpixel((100, 100)), drawn.getpixel((900, 100))) == ((0, 0, 0), (0, 0, 255))


async def test_the_stock_client_streams(bench: Bench) -> None:
    """The events are OpenAI's."""
    async with client(bench) as one:
        stream = await one.images.generate(model=GPT, prompt="x", stream=True, partial_images=1)
        events = [event async for event in stream]
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]


async def test_openais_own_client_speaks_the_v1_api(bench: Bench) -> None:
    """With the token, or the key, as its bearer key's header; the model is the deployment's name."""
    async with openai.AsyncOpenAI(
        base_url=f"{bench.base}/azure_openai/openai/v1", api_key=ISSUED, max_retries=0, timeout=60
    ) as one:
        answer = await one.images.generate(model=GPT, prompt="a red fox", extra_query={"api-version": "preview"})
    assert answer.data is not None
    assert shown(answer.data[0]).size == (1024, 1024)


@pytest.mark.parametrize(
    ("own", "prompt", "error", "code"),
    [
        ({"api_key": "bad-key"}, "x", openai.AuthenticationError, "401"),
        ({"azure_ad_token": "stale"}, "x", openai.AuthenticationError, "PermissionDenied"),
        ({"api_key": "blocked-key"}, "x", openai.PermissionDeniedError, "Forbidden"),
        ({"api_key": "broke-key"}, "x", openai.RateLimitError, "insufficient_quota"),
        ({}, "nsfw", openai.BadRequestError, "moderation_blocked"),
        ({}, "gore", openai.BadRequestError, "content_policy_violation"),
        ({}, "a jailbreak", openai.BadRequestError, "content_filter"),
    ],
)
async def test_errors_are_the_clients_own_classes(
    bench: Bench, own: dict[str, Any], prompt: str, error: type[openai.APIStatusError], code: str
) -> None:
    """With Azure's codes, and nothing billed."""
    async with client(bench, **own) as one:
        with pytest.raises(error) as refused:
            await one.images.generate(model=GPT, prompt=prompt)
    assert refused.value.code == code
    assert (await bench.journal("azure_openai"))["billable"] == 0


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        (OLDER, {}, 404, "404"),
        (OLDER + "?api-version=2024-02-01", {}, 404, "404"),
        (OLDER + "?api-version=v1", {}, 404, "404"),
        (V1 + "?api-version=2025-04-01-preview", {}, 400, "BadRequest"),
        (V1, {"model": "team-dall-e-3"}, 404, "DeploymentNotFound"),
        (V1, {"size": "100x100"}, 400, "invalid_value"),
        (V1, {"response_format": "url"}, 400, "unknown_parameter"),
        (V1, {"model": "gpt-image-1.5", "output_format": "webp"}, 400, "invalid_value"),
        (V1, {"n": 11}, 400, "integer_above_max_value"),
    ],
)
async def test_wrong_requests(bench: Bench, path: str, fields: dict[str, Any], status: int, code: str) -> None:
    """The older API wants a date that is late enough, the v1 API wants none."""
    body = {"model": GPT, "prompt": "x", **fields}
    answer = await bench.http.post(path, json=body, headers={"api-key": "a-key"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_two_ways_in_at_once_are_one_too_many(bench: Bench) -> None:
    """A key or a token, not both; and a limit tells its pause."""
    both = {"api-key": "a-key", "authorization": f"Bearer {ISSUED}"}
    answer = await bench.http.post(V1, json={"model": GPT, "prompt": "x"}, headers=both)
    assert answer.status_code == 400
    await bench.script("azure_openai", {"status": 429})
    answer = await bench.http.post(V1, json={"model": GPT, "prompt": "x"}, headers={"api-key": "a-key"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "27")


@pytest.mark.parametrize(
    ("tenant", "form", "status", "error"),
    [
        (TENANT, {}, 200, ""),
        (TENANT, {"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_scope"),
        (TENANT, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (TENANT, {"client_secret": "bad"}, 401, "invalid_client"),
    ],
)
async def test_entra_grants_for_its_scope(
    bench: Bench, tenant: str, form: dict[str, str], status: int, error: str
) -> None:
    """The token is the one that the resource takes."""
    usual = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s", "scope": SCOPE}
    answer = await bench.http.post(f"/azure_openai/{tenant}/oauth2/v2.0/token", data={**usual, **form})
    assert answer.status_code == status
    told = answer.json()
    assert told.get("error", "") == error
    assert error or told["access_token"] == ISSUED
