"""Azure OpenAI: both forms of its address, keys and Entra ID's tokens, deployments, and what its errors mean."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image
from pydantic import ValidationError

from heliostat.adapters.azure_openai.catalog import MODELS
from heliostat.adapters.azure_openai.failures import refusal
from heliostat.adapters.azure_openai.settings import AzureOpenAISettings
from heliostat.adapters.openai.catalog import MODELS as OPENAI
from heliostat.adapters.sdk import Answer
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.azure_openai.catalogue import LISTED
from heliostat.emulators.azure_openai.dialect import ISSUED, TENANT
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import media, opened, pixels, plain

KEY = "5a0dc0de-secret-of-azure-0123456789"
SECRET = "entra-secret-0123456789"
SQUARE = pixels(1024, 1024)
OLDER = "2025-04-01-preview"
ENDPOINT = "https://mine.openai.azure.com"
EDIT: dict[str, Any] = {"edit": requests.Edit(image=media(plain(64, 64)))}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys where the settings look for them."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated resource."""
    async with running("azure_openai", tmp_path) as one:
        yield one


def settings(**given: Any) -> AzureOpenAISettings:
    """A section."""
    return AzureOpenAISettings.model_validate({"base_url": ENDPOINT, **given})


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/openai/v1/images/edits"),
        ({"api_version": "preview"}, "/openai/v1/images/edits?api-version=preview"),
        ({"api_version": "v1"}, "/openai/v1/images/edits?api-version=v1"),
        ({"api_version": OLDER}, f"/openai/deployments/gpt-image-2/images/edits?api-version={OLDER}"),
        (
            {"api_version": "2025-06-01", "deployments": {"gpt-image-2": "prod-2"}},
            "/openai/deployments/prod-2/images/edits?api-version=2025-06-01",
        ),
    ],
)
def test_both_forms_of_an_address(given: dict[str, Any], path: str) -> None:
    """The v1 API, or the older one that has the deployment in its path and needs a date."""
    assert settings(**given).path("/images/edits", "gpt-image-2") == path


@pytest.mark.parametrize(
    "written", [ENDPOINT, ENDPOINT + "/", ENDPOINT + "/openai", ENDPOINT + "/openai/v1/", ENDPOINT + "/openai/v1"]
)
def test_an_endpoint_may_be_written_as_the_portal_shows_it(written: str) -> None:
    """With or without the path."""
    assert settings(base_url=written).base_url == ENDPOINT


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"api_version": "latest"}, "api_version"),
        ({"base_url": "mine.openai.azure.com"}, "base_url"),
        ({"deployments": {"dall-e-3": "d3"}}, "no image model of Azure OpenAI; known are"),
        ({"deployments": {"gpt-image-2": "../other"}}, "no name of a deployment"),
        ({"tenant_id": TENANT}, "tenant_id and client_id go together"),
        ({"tenant_id": TENANT, "client_id": "app", "access_token": "env:TOKEN"}, "leave one of them out"),
    ],
)
def test_a_wrong_section_is_refused(given: dict[str, Any], told: str) -> None:
    """At the start, with what to write instead."""
    with pytest.raises(ValidationError) as refused:
        settings(**given)
    assert told in str(refused.value)


def test_models_are_openais_own() -> None:
    """Under the same names, at the same prices; each of them is one that Azure's reference lists."""
    for model in MODELS:
        other = OPENAI.get(model.name)
        assert model.names == other.names
        assert model.name in LISTED
        assert [str(line) for line in model.price.lines()] == [str(line) for line in other.price.lines()]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gpt-image-2", {"size": SQUARE}),
        ("gpt-image-2", {"size": pixels(1536, 1024), "image_count": 2}),
        ("gpt-image-2.5-flare", {"size": SQUARE, "output": requests.Output(quality=requests.QUALITY_MAX)}),
        ("gpt-image-2", {"output": requests.Output(partial_image_count=2)}),
        ("gpt-image-1.5", {"output": requests.Output(media_type="image/jpeg", compression_percent=30)}),
        ("gpt-image-1-mini", EDIT),
        ("gpt-image-1", EDIT),
    ],
)
@pytest.mark.parametrize("api_version", ["", OLDER])
async def test_our_cost_is_the_providers_bill(
    tmp_path: Path, model: str, fields: dict[str, Any], api_version: str
) -> None:
    """Through either form of the address, under a deployment's name."""
    named: dict[str, Any] = {"deployments": {model: f"team-{model}"}, "api_version": api_version}
    async with running("azure_openai", tmp_path, **named) as provider:
        answer = await provider.room.ask(model, **fields)
        told = answer.result
        kind = "edits" if "edit" in fields else "generations"
        (entry,) = await provider.journal(kind)
    assert to_micros(told.cost.amount) == entry["cost_micros"] > 0
    assert entry["model"] == model


async def test_only_what_is_deployed_is_offered(tmp_path: Path) -> None:
    """Where the section says what is."""
    async with running("azure_openai", tmp_path, deployments={"gpt-image-2": "team-gpt-image-2"}) as provider:
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
        error = (await provider.room.ask("gpt-image-1.5")).failure
    assert [model.provider_model for model in described.models] == ["gpt-image-2"]
    assert reason_name(error.reason) == "provider_model_gone"


async def test_a_mask_is_transparent_where_it_repaints(provider: EmulatedProvider) -> None:
    """White means repaint in the mesh; only that part changes."""
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    edit = requests.Edit(image=media(plain(64, 64, "red")), mask=media(mask))
    answer = await provider.room.ask("gpt-image-1.5", size=SQUARE, edit=edit)
    drawn = opened(answer.pictures[0]).convert("RGB")
    assert (drawn.getpixel((100, 512)), drawn.getpixel((900, 512))) == ((0, 0, 0), (255, 0, 0))


async def test_webp_of_the_first_models_is_made_here(provider: EmulatedProvider) -> None:
    """One of Azure's pages lists PNG and JPEG only; the wished compression is honoured here, and told."""
    output = requests.Output(media_type="image/webp", compression_percent=30)
    answer = await provider.room.ask("gpt-image-1.5", output=output)
    assert opened(answer.pictures[0]).format == "WEBP"
    assert answer.adjusted("output_format").mode == events.ADJUSTMENT_MODE_EMULATED
    assert answer.adjusted("output_compression").mode == events.ADJUSTMENT_MODE_EMULATED
    native = await provider.room.ask("gpt-image-2", output=output)
    assert not native.result.adjustments


async def test_entra_makes_one_token_for_many_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is not sent then; a token that the resource refuses is made anew."""
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    entra: dict[str, Any] = {"tenant_id": TENANT, "client_id": "0000-app"}
    async with running("azure_openai", tmp_path) as found:
        login = f"{found.base}/azure_openai"
        async with running("azure_openai", tmp_path, **entra, login_url=login) as provider:
            for _ in range(2):
                assert (await provider.room.ask("gpt-image-2")).error is None
            assert len(await found.journal("token")) == 1
            await provider.script({"path": "generations", "status": 401})
            assert reason_name((await provider.room.ask("gpt-image-2")).failure.reason) == "provider_auth_failed"
            await provider.script({"ok": True})
            assert (await provider.room.ask("gpt-image-2")).error is None
            assert len(await found.journal("token")) == 2


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "provider_auth_failed"), (429, "rate_limited"), (503, "provider_unavailable")]
)
async def test_a_secret_that_makes_no_token_buys_nothing(tmp_path: Path, status: int, reason: str) -> None:
    """The sentence names the variable, never the secret, even where the token host repeats it."""
    told = f"AADSTS7000215: {SECRET} is no valid client secret."
    said = {"error": told, "error_description": told}

    async def login(exchange: Exchange) -> None:
        await exchange.answer(status, json.dumps(said).encode(), content_type="application/json")

    async with raw_server(login) as host:
        entra: dict[str, Any] = {"tenant_id": TENANT, "client_id": "0000-app", "login_url": host.base}
        async with running("azure_openai", tmp_path, **entra) as provider:
            error = (await provider.room.ask("gpt-image-2")).failure
            assert await provider.journal("generations") == []
    assert host.seen[0].path == f"/{TENANT}/oauth2/v2.0/token"
    assert "api-key" not in host.seen[0].headers
    assert reason_name(error.reason) == reason
    assert ("AZURE_CLIENT_SECRET" in error.message) is (status == 401)
    assert "AADSTS7000215" in error.message
    assert SECRET not in error.message
    assert error.failure is not None
    assert error.failure.outcome == events.OUTCOME_NOT_SENT


async def test_a_token_of_somebody_elses_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is not sent then; a stale token is told by where it stands."""
    monkeypatch.setenv("ENTRA_TOKEN", "stale-token-0123456789")
    async with running("azure_openai", tmp_path, access_token="env:ENTRA_TOKEN") as provider:
        error = (await provider.room.ask("gpt-image-2")).failure
        assert (reason_name(error.reason), "ENTRA_TOKEN" in error.message) == ("provider_auth_failed", True)
        monkeypatch.setenv("ENTRA_TOKEN", ISSUED)
        assert (await provider.room.ask("gpt-image-2")).error is None


async def test_an_endpoint_that_is_missing_is_named(tmp_path: Path) -> None:
    """Nothing is sent; the adapter is not told as configured."""
    async with running("azure_openai", tmp_path, base_url="") as provider:
        error = (await provider.room.ask("gpt-image-2")).failure
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    assert "adapters.azure_openai.base_url" in error.message
    assert error.failure is not None
    assert error.failure.outcome == events.OUTCOME_NOT_SENT
    assert [one.configured for one in described.accounts] == [False]


@pytest.mark.parametrize("prompt", ["nsfw", "gore", "a jailbreak"])
async def test_every_shape_of_a_content_filter_is_known(provider: EmulatedProvider, prompt: str) -> None:
    """Three are in the wild; Azure charges for what it processed, and does not say whether it did."""
    error = (await provider.room.ask("gpt-image-2", prompt=prompt)).failure
    assert (reason_name(error.reason), error.field) == ("content_blocked", "prompt")
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_UNKNOWN)


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (404, {"error": {"code": "DeploymentNotFound", "message": "none"}}, "provider_model_gone", ".deployments"),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, "provider_model_gone", "api_version"),
        (
            403,
            {"error": {"code": "Forbidden", "message": "Your resource has been temporarily blocked because …"}},
            "provider_auth_failed",
            "blocked this resource",
        ),
    ],
)
def test_azures_own_errors(status: int, body: Any, reason: str, words: str) -> None:
    """Each says what to mend."""
    error = refusal(Answer(status, {}, json.dumps(body).encode()), "azure_openai", "AZURE_OPENAI_API_KEY")
    assert error is not None
    assert reason_name(error.reason) == reason
    assert words in error.message


@pytest.mark.parametrize(
    ("step", "reason", "pause", "billed"),
    [
        ({"status": 429}, "rate_limited", 27.0, events.BILLED_NO),
        ({"status": 408}, "provider_timeout", None, events.BILLED_UNKNOWN),
        ({"status": 401}, "provider_auth_failed", None, events.BILLED_NO),
        ({"status": 503}, "provider_unavailable", None, events.BILLED_NO),
    ],
)
async def test_usual_errors(
    provider: EmulatedProvider, step: dict[str, Any], reason: str, pause: float | None, billed: "events.Billed"
) -> None:
    """In Azure's words; a rate limit has its pause, and a time-out may have been charged."""
    await provider.script(step)
    error = (await provider.room.ask("gpt-image-2")).failure
    assert (reason_name(error.reason), error.retry_after_s) == (reason, pause)
    assert error.failure is not None
    assert error.failure.billed == billed


async def test_a_deployment_that_is_not_there(tmp_path: Path) -> None:
    """Is told by the name of the setting."""
    async with running("azure_openai", tmp_path, deployments={"gpt-image-2": "nowhere"}) as provider:
        error = (await provider.room.ask("gpt-image-2")).failure
    assert reason_name(error.reason) == "provider_model_gone"
    assert "adapters.azure_openai.deployments" in error.message


async def test_an_option_of_another_model_is_refused(provider: EmulatedProvider) -> None:
    """Before anything is sent; what the model has is sent."""

    options = Struct()
    options.update({"input_fidelity": "high"})
    error = (await provider.room.ask("gpt-image-2", **EDIT, provider_options={"azure_openai": options})).failure
    assert error.field == "provider_options.azure_openai.input_fidelity"
    answer = await provider.room.ask("gpt-image-1.5", **EDIT, provider_options={"azure_openai": options})
    assert answer.error is None
