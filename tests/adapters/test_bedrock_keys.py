"""Amazon Bedrock: API keys and access keys, how requests are signed, and which of them asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from heliostat.adapters.bedrock.settings import BedrockSettings
from heliostat.adapters.sdk.account_settings import settings_of
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from heliostat.chassis.errors import reason_name
from tests.adapters.bedrock_requests import (
    CORE,
    FAST,
    IDENTITY,
    INPAINT,
    KEY,
    LARGE,
    TEMPORARY,
    masked,
    signing,
    upscale,
)
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import media


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API key where the settings look for it; no access key."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated runtime."""
    async with running("bedrock", tmp_path) as one:
        yield one


async def test_requests_are_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated runtime computes the signature anew: of small and of large bodies, with a session token too."""
    signing(monkeypatch, IDENTITY)
    async with running("bedrock", tmp_path, region="us-east-1") as provider:
        assert (await provider.room.ask(CORE)).error is None
        large = Image.effect_noise((1024, 1024), 90)
        assert (await provider.room.ask(LARGE, edit=requests.Edit(image=media(large)))).error is None
    signing_token = f"token-of-{TEMPORARY}"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TEMPORARY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"secret-of-{TEMPORARY}")
    monkeypatch.setenv("AWS_SESSION_TOKEN", signing_token)
    async with running("bedrock", tmp_path) as provider:
        assert (await provider.room.ask(INPAINT, **masked())).error is None


async def test_the_colon_of_a_model_travels_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was signed; the key itself does not travel."""
    signing(monkeypatch, IDENTITY)

    async def answer(exchange: Exchange) -> None:
        await exchange.answer(400, b'{"message":"no"}', content_type="application/json")

    async with raw_server(answer) as runtime, running("bedrock", tmp_path, base_url=runtime.base) as provider:
        await provider.room.ask(CORE)
        await provider.room.ask(FAST, **upscale())
    first, second = runtime.seen
    assert first.path == "/model/stability.stable-image-core-v1%3A1/invoke"
    assert second.path == "/model/us.stability.stable-fast-upscale-v1%3A0/invoke"
    assert first.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={IDENTITY}/")
    assert f"secret-of-{IDENTITY}" not in str(first.headers)


@pytest.mark.parametrize(
    ("identity", "secret", "token", "words"),
    [
        (IDENTITY, "another-secret", "", "check its secret, and this machine's clock"),
        ("AK" + "IABAD0123456789ABC", "", "", "check its id"),
        (TEMPORARY, "", "expired-token", "is over; renew it"),
        (TEMPORARY, "", "another-token", "check its id, its session token"),
    ],
)
async def test_an_access_key_that_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str, secret: str, token: str, words: str
) -> None:
    """The sentence says what to mend, by the name of the variable, and tells no secret."""
    signing(monkeypatch, identity, secret, token)
    async with running("bedrock", tmp_path) as provider:
        error = (await provider.room.ask(CORE)).failure
    assert reason_name(error.reason) == "provider_auth_failed"
    assert words in error.message
    assert "AWS_ACCESS_KEY_ID" in error.message
    assert not [one for one in (identity, secret or f"secret-of-{identity}", token) if one and one in error.message]


async def test_without_a_key_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the adapter is not told as configured."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK")
    async with running("bedrock", tmp_path) as provider:
        error = (await provider.room.ask(CORE)).failure
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
        assert await provider.journal() == []
    assert reason_name(error.reason) == "provider_auth_failed"
    assert [one.configured for one in described.accounts] == [False]


def test_the_section_decides_what_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API key goes before an access key, unless the section names the access key; regions have their endpoints."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", IDENTITY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert BedrockSettings().bears
    named = BedrockSettings.model_validate({"access_key_id": "env:AWS_ACCESS_KEY_ID", "region": "eu-west-1"})
    assert (named.bears, named.signs) == (False, True)
    assert named.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert (
        BedrockSettings.model_validate({"region": "us-east-1", "base_url": "https://vpce.x"}).base_url
        == "https://vpce.x"
    )
    for wrong in ({"api_key": "env:A", "access_key_id": "env:B"}, {"region": "us-west"}, {"inference_profile": "us."}):
        with pytest.raises(ValidationError):
            BedrockSettings.model_validate(wrong)


def test_an_account_signs_with_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its id, secret and region."""
    monkeypatch.setenv("TEAM_ID", IDENTITY)
    monkeypatch.setenv("TEAM_SECRET", f"secret-of-{IDENTITY}")
    team = {"access_key_id": "env:TEAM_ID", "secret_access_key": "env:TEAM_SECRET", "region": "us-east-2"}
    whole = BedrockSettings.model_validate({"accounts": {"team": {"settings": team}}})
    own = settings_of(whole, whole.accounts["team"])
    assert (own.signs, own.base_url) == (True, "https://bedrock-runtime.us-east-2.amazonaws.com")
    usual = {name: getattr(whole, name) for name in ("api_key", "access_key_id", "region")}
    assert BedrockSettings.model_validate({**usual, "accounts": {"team": {"api_key": "env:OTHER"}}}).bears
    with pytest.raises(ValidationError):
        BedrockSettings.model_validate({"api_key": "env:OTHER", "accounts": {"team": {"settings": team}}})
