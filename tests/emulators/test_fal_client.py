"""fal's own client against the emulated fal. It speaks https only, so the emulator does, by a CA of the test's own."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from heliostat.emulators import EmulatorServer, create_app
from tests.emulators.conftest import PlainEasel, decoded, picture

SCHNELL, EDIT = "fal-ai/flux/schnell", "fal-ai/flux-pro/kontext"


@dataclass
class Client:
    """fal's client, its module, and a way to see pictures and journal."""

    own: Any
    module: Any
    http: httpx.AsyncClient

    async def picture(self, told: dict[str, Any]) -> tuple[int, int]:
        """The size of the first picture of a result."""
        return decoded((await self.http.get(told["images"][0]["url"])).content).size

    async def bills(self) -> list[int]:
        """What was billed, in micro-USD."""
        entries = (await self.http.get("/fal/_emulator/journal")).json()["entries"]
        return [entry["cost_micros"] for entry in entries if entry["billed"]]


@pytest.fixture
async def fal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """fal's client as it is delivered: hosts and CA come from the environment, as it reads it when it is imported."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = EmulatorServer(create_app(PlainEasel(), job_seconds=0), tls=context)
    base = await server.start()
    for name, value in {
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "NO_PROXY": "127.0.0.1",
        "FAL_QUEUE_RUN_HOST": f"{base.removeprefix('https://')}/fal",
        "FAL_RUN_HOST": f"{base.removeprefix('https://')}/fal/run",
    }.items():
        monkeypatch.setenv(name, value)
    for name in [name for name in sys.modules if name.partition(".")[0] == "fal_client"]:
        monkeypatch.delitem(sys.modules, name)
    module = import_module("fal_client")
    client = module.AsyncClient(key="id:secret")
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with httpx.AsyncClient(base_url=base, verify=trusted, trust_env=False) as http:
        yield Client(client, module, http)
    # It has no way to be closed.
    await (await client._client).aclose()
    for name in [name for name in sys.modules if name.partition(".")[0] == "fal_client"]:
        monkeypatch.delitem(sys.modules, name)
    await server.stop()


async def test_fals_client_runs_at_once(fal: Client) -> None:
    """The synchronous host; the picture has the wished size."""
    told = await fal.own.run(SCHNELL, {"prompt": "a boat", "image_size": {"width": 512, "height": 256}, "seed": 7})
    assert (await fal.picture(told), told["seed"], told["has_nsfw_concepts"]) == ((512, 256), 7, [False])
    assert await fal.bills() == [3_000]


async def test_fals_client_follows_the_queue(fal: Client) -> None:
    """Submit, states with logs, result, and the same result by the request's id."""
    handle = await fal.own.submit(SCHNELL, {"prompt": "a boat"})
    states = [type(state).__name__ async for state in handle.iter_events(with_logs=True, interval=0.01)]
    told = await handle.get()
    assert set(states) <= {"Queued", "InProgress", "Completed"}
    assert states[-1] == "Completed"
    assert await fal.picture(told) == (1024, 768)
    assert await fal.own.result(SCHNELL, handle.request_id) == told
    assert isinstance(await fal.own.status(SCHNELL, handle.request_id), fal.module.Completed)
    assert await fal.bills() == [3_000]


async def test_fals_client_subscribes_and_edits(fal: Client) -> None:
    """A picture as its own encoder writes it."""
    told = await fal.own.subscribe(
        EDIT, {"prompt": "red", "image_url": fal.module.encode(picture((96, 64)), "image/png")}
    )
    assert told["images"][0]["content_type"] == "image/jpeg"
    assert await fal.bills() == [40_000]


async def test_fals_client_is_told_what_cannot_be_taken_back(fal: Client) -> None:
    """A job that has ended: by an error with its status."""
    done = await fal.own.submit(SCHNELL, {"prompt": "a boat"})
    await done.get()
    with pytest.raises(fal.module.FalClientHTTPError) as caught:
        await done.cancel()
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("model", "fields", "status"),
    [(SCHNELL, {}, 422), ("fal-ai/none", {"prompt": "x"}, 404), (SCHNELL, {"prompt": "x", "num_images": 99}, 422)],
)
async def test_fals_client_reads_the_errors(fal: Client, model: str, fields: dict[str, Any], status: int) -> None:
    """As errors of its own, with the status and what was wrong."""
    with pytest.raises(fal.module.FalClientHTTPError) as caught:
        await fal.own.run(model, fields)
    assert (caught.value.status_code, bool(str(caught.value))) == (status, True)
    assert await fal.bills() == []
