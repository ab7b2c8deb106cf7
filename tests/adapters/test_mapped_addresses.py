"""Mapped providers: accounts, hosts and keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.mapped.settings import account_of, address_of, filled
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.launch.targets import load
from tests.adapters.emulated import running
from tests.adapters.mapped_requests import CF, at
from tests.adapters.served import wish


@asynccontextmanager
async def refusing(asked: list[str]) -> AsyncIterator[str]:
    """A server that knows nothing, and notes the paths that it was asked for."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ", 2)[1])
        body = b'{"error": "no such place"}'
        writer.write(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_an_account_stands_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the section, or of one of its accounts; an address of the operator's own stays as it is."""
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "0a1b")
    monkeypatch.setenv("SECOND", "9f8e")
    mapping, settings = shipped("cloudflare"), load("adapter-cloudflare").settings
    first = filled(settings(), mapping)
    second = filled(settings.model_validate({"account": "env:SECOND"}), mapping)
    own = filled(settings.model_validate({"base_url": "http://127.0.0.1:1/x"}), mapping)
    assert first.base_url.endswith("/accounts/0a1b")
    assert second.base_url.endswith("/accounts/9f8e")
    assert own.base_url == "http://127.0.0.1:1/x"
    assert account_of(settings(), shipped("luma")) is None


async def test_each_account_has_its_place_in_an_address_of_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway before Cloudflare has {account} in its path as well."""
    for variable, value in {"CLOUDFLARE_ACCOUNT_ID": "0a1b", "SECOND": "9f8e"}.items():
        monkeypatch.setenv(variable, value)
    asked: list[str] = []
    async with refusing(asked) as base:
        accounts = {"one": {}, "two": {"settings": {"account": "env:SECOND"}}}
        own = {"base_url": f"{base}/proxy/{{account}}", "accounts": accounts}
        async with at("cloudflare", tmp_path, monkeypatch, **own) as it:
            for account in accounts:
                request = adapter_pb2.GenerateRequest(
                    provider_model=f"{CF}flux-1-schnell", image=wish(), account=account
                )
                with pytest.raises(MeshError, match="no such place"):
                    async with stream(it.room.stub.Generate, request, timeout_s=30) as messages:
                        async for _ in messages:
                            pass
    assert [path.split("/")[2] for path in asked] == ["0a1b", "9f8e"]


def test_two_hosts_are_one_provider() -> None:
    """The key goes to both; with an address of the operator's own there is one."""
    settings = load("adapter-photoroom").settings
    assert filled(settings(), shipped("photoroom")).api_hosts == ("image-api.photoroom.com",)
    assert filled(settings.model_validate({"api_hosts": []}), shipped("photoroom")).api_hosts == ()
    mapping = shipped("photoroom")
    model, edit = models_of(mapping).get("v2/edit"), mapping.endpoints["edit"]
    own = filled(settings.model_validate({"base_url": "http://127.0.0.1:1"}), mapping)
    assert address_of(filled(settings(), mapping), mapping, edit, model) == "https://image-api.photoroom.com/v2/edit"
    assert address_of(own, mapping, edit, model) == "/v2/edit"


async def test_a_key_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable; nothing is sent."""
    monkeypatch.delenv("LUMAAI_API_KEY", raising=False)
    async with running("luma", tmp_path) as it:
        answer = await it.room.ask("photon-1")
        sent = await it.journal()
    assert reason_name(answer.failure.reason) == "provider_auth_failed"
    assert "LUMAAI_API_KEY" in answer.failure.message
    assert not sent


def test_a_mesh_error_is_what_a_mapping_refuses_with() -> None:
    """A provider that is not there is told by its name."""
    with pytest.raises(MeshError, match="cannot be read"):
        shipped("nobody")
