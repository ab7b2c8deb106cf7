"""Callbacks of providers: believed only where they are signed, and never for more than a look at the job (U37, U38)."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heliostat.adapters.fal import MODULE
from heliostat.adapters.fal.webhooks import keys_url
from heliostat.adapters.sdk import webhooks
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators import EmulatorServer, create_app
from tests.adapters.served import Room, pixels, served
from tests.emulators.conftest import PlainEasel
from tests.support.loopback import PLAIN

SCHNELL = "fal-ai/flux/schnell"
SMALL = pixels(256, 256)
Callback = tuple[dict[str, str], bytes]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("FAL_KEY", "id:secret")


@dataclass
class Edge:
    """Stands for the edge: takes POSTs and answers 200, serves a key set to GETs."""

    url: str = ""
    key_set: dict[str, Any] = field(default_factory=lambda: {"keys": []})
    taken: "asyncio.Queue[Callback]" = field(default_factory=asyncio.Queue)
    gets: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One exchange."""
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        body = b"{}"
        if first.startswith("GET"):
            self.gets += 1
            body = json.dumps(self.key_set).encode()
        else:
            assert first.split()[1] == "/v1/providers/fal/webhook"
            self.taken.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()


@dataclass
class Fal:
    """The adapter behind a stand-in for the edge, over the emulated provider."""

    room: Room
    edge: Edge
    http: httpx.AsyncClient

    async def deliver(self, headers: Mapping[str, str], body: bytes) -> str:
        """Hands a callback over: "found", "not found", or the reason of its refusal."""
        request = adapter_pb2.DeliverWebhookRequest(body=body)
        for name, value in headers.items():
            request.headers.add(name=name, value=value)
        try:
            answer = await call(self.room.stub.DeliverWebhook, request, timeout_s=30)
        except MeshError as error:
            return reason_name(error.reason)
        return "found" if answer.found else "not found"

    async def hold(self) -> None:
        """Every look at a job says that it runs."""
        steps = [{"path": "status", "match": {}, "status": 200, "body": {"status": "IN_PROGRESS"}}]
        assert (await self.http.put("/fal/_emulator/script", json=steps)).status_code == 200

    async def let_go(self) -> None:
        """Looks say what is true again."""
        assert (await self.http.put("/fal/_emulator/script", json=[])).status_code == 200

    async def journal(self, kind: str) -> list[dict[str, Any]]:
        """What the provider was asked of one kind."""
        entries = (await self.http.get("/fal/_emulator/journal")).json()["entries"]
        return [entry for entry in entries if entry["kind"] == kind]


@asynccontextmanager
async def running(folder: Path, *, own_keys: bool = False, callbacks: bool = True) -> AsyncIterator[Fal]:
    """`own_keys`: the keys are those that the test puts into the edge; else the emulated provider's."""
    edge = Edge()
    listener = await asyncio.start_server(edge.take, "127.0.0.1", 0)
    edge.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    server = EmulatorServer(create_app(PlainEasel(), job_seconds=0.0))
    base = await server.start()
    settings = {
        "base_url": f"{base}/fal",
        "webhook_url": edge.url if callbacks else "",
        "webhook_keys_url": f"{edge.url}/keys" if own_keys else "",
    }
    try:
        async with (
            served(MODULE, folder, settings, sandbox=True) as room,
            httpx.AsyncClient(verify=PLAIN, base_url=base, timeout=60, trust_env=False) as http,
        ):
            yield Fal(room, edge, http)
    finally:
        await server.stop()
        listener.close()
        await listener.wait_closed()


@dataclass
class Signer:
    """Signs as fal does."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def entry(self) -> dict[str, str]:
        """Its public key in a key set."""
        raw = self.private.public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).decode()}

    def sign(self, request_id: str, body: bytes, at: int | None = None) -> dict[str, str]:
        """The headers of a callback."""
        stamp = str(int(time.time()) if at is None else at)
        message = "\n".join((request_id, "user", stamp, hashlib.sha256(body).hexdigest()))
        return {
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": "user",
            "x-fal-webhook-timestamp": stamp,
            "x-fal-webhook-signature": self.private.sign(message.encode()).hex(),
        }


async def test_u37_a_callback_five_times_beside_the_poll_makes_one_picture_and_one_purchase(tmp_path: Path) -> None:
    """The provider's own signature is good; the first one ends the wait, the late ones find nothing and change
    nothing.
    """
    async with running(tmp_path) as fal:
        await fal.hold()
        asked = asyncio.create_task(fal.room.ask(SCHNELL, size=SMALL))
        async with asyncio.timeout(60):
            headers, body = await fal.edge.taken.get()
        await fal.let_go()
        first = await fal.deliver(headers, body)
        beside = await asyncio.gather(*(fal.deliver(headers, body) for _ in range(3)))
        answer = await asked
        late = await fal.deliver(headers, body)
        assert (first, late) == ("found", "not found")
        assert set(beside) <= {"found", "not found"}
        assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
        assert len(await fal.journal("submit")) == 1


async def test_a_callback_that_says_otherwise_is_not_believed(tmp_path: Path) -> None:
    """A signed "ERROR" is only a reason to look; what counts is what the provider answers (U33)."""
    signer = Signer()
    async with running(tmp_path, own_keys=True) as fal:
        fal.edge.key_set = {"keys": [signer.entry()]}
        await fal.hold()
        asked = asyncio.create_task(fal.room.ask(SCHNELL, size=SMALL))
        async with asyncio.timeout(60):
            _, genuine = await fal.edge.taken.get()
        job = json.loads(genuine)["request_id"]
        body = json.dumps({"request_id": job, "status": "ERROR", "error": "no", "payload": None}).encode()
        await fal.let_go()
        assert await fal.deliver(signer.sign(job, body), body) == "found"
        assert (await asked).result.image_count == 1


def _changed(headers: dict[str, str], name: str, value: str) -> dict[str, str]:
    return {**headers, f"x-fal-webhook-{name}": value}


FORGERIES: dict[str, Callable[[Signer, str, bytes], Callback]] = {
    "no headers": lambda signer, job, body: ({}, body),
    "bad signature": lambda signer, job, body: (_changed(signer.sign(job, body), "signature", "00" * 64), body),
    "no hexadecimal": lambda signer, job, body: (_changed(signer.sign(job, body), "signature", "zz"), body),
    "another body": lambda signer, job, body: (signer.sign(job, body), body + b" "),
    "another job's signature": lambda signer, job, body: (_changed(signer.sign("x", body), "request-id", job), body),
    "another key": lambda signer, job, body: (Signer().sign(job, body), body),
    "old": lambda signer, job, body: (signer.sign(job, body, int(time.time()) - 320), body),
    "of the future": lambda signer, job, body: (signer.sign(job, body, int(time.time()) + 320), body),
    "no time": lambda signer, job, body: (_changed(signer.sign(job, body), "timestamp", "now"), body),
    "long fields": lambda signer, job, body: (signer.sign("j" * 300, body), body),
}


async def test_u38_a_forged_callback_is_refused_and_wakes_nobody(tmp_path: Path) -> None:
    """Whatever is wrong, the answer is the same; an unknown job is not found; 5 MB are not read; the job goes on."""
    signer = Signer()
    async with running(tmp_path, own_keys=True) as fal:
        fal.edge.key_set = {"keys": [signer.entry()]}
        await fal.hold()
        asked = asyncio.create_task(fal.room.ask(SCHNELL, size=SMALL))
        async with asyncio.timeout(60):
            _, body = await fal.edge.taken.get()
        job = json.loads(body)["request_id"]
        told = {name: await fal.deliver(*forge(signer, job, body)) for name, forge in FORGERIES.items()}
        assert told == dict.fromkeys(FORGERIES, "caller_unknown")
        assert await fal.deliver(signer.sign("nobodys-job", body), body) == "not found"
        large = b" " * (5 * 1024 * 1024)
        assert await fal.deliver(signer.sign(job, large), large) == "invalid_field"
        assert not asked.done()
        assert fal.edge.gets <= 2
        await fal.let_go()
        assert (await asked).result.image_count == 1
        assert len(await fal.journal("submit")) == 1


async def test_without_an_address_no_callback_is_asked_for_and_none_is_taken(tmp_path: Path) -> None:
    """Nothing depends on callbacks: by default there are none, and nobody's keys are fetched."""
    signer = Signer()
    async with running(tmp_path, own_keys=True, callbacks=False) as fal:
        assert (await fal.room.ask(SCHNELL, size=SMALL)).result.image_count == 1
        assert fal.edge.taken.empty()
        assert await fal.deliver(signer.sign("x", b"{}"), b"{}") == "not found"
        assert fal.edge.gets == 0


def test_fals_keys_are_fals_own() -> None:
    """Where something stands in for fal, its keys are below it; an operator's address goes before."""
    assert keys_url("https://queue.fal.run", "") == "https://rest.fal.ai/.well-known/jwks.json"
    assert keys_url("http://127.0.0.1:1/fal/", "") == "http://127.0.0.1:1/fal/.well-known/jwks.json"
    assert keys_url("https://queue.fal.run", "https://keys.example") == "https://keys.example"


# The kit's own checks

STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_NOW = 1614265330.0


def test_the_published_example_of_standard_webhooks_is_good() -> None:
    """Also among other signatures, and 299 seconds away."""
    webhooks.check_standard(STANDARD, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW)
    several = {**STANDARD, "webhook-signature": f"v1a,xx v1,AAAA {STANDARD['webhook-signature']}"}
    webhooks.check_standard(several, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW + 299)


@pytest.mark.parametrize(
    ("headers", "body", "secret", "now"),
    [
        (dict.fromkeys(STANDARD, ""), STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({"webhook-id": "other"}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({"webhook-signature": "v1,"}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({"webhook-signature": ""}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({"webhook-timestamp": "1614265331"}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({"webhook-timestamp": "-1"}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW),
        ({}, STANDARD_BODY + b" ", STANDARD_SECRET, STANDARD_NOW),
        ({}, STANDARD_BODY, "", STANDARD_NOW),
        ({}, STANDARD_BODY, "whsec_", STANDARD_NOW),
        ({}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW + 301),
        ({}, STANDARD_BODY, STANDARD_SECRET, STANDARD_NOW - 301),
    ],
)
def test_u38_standard_webhooks_are_refused_alike(headers: dict[str, str], body: bytes, secret: str, now: float) -> None:
    """Missing, changed, late, early or without a secret: one error, whose text tells nothing."""
    with pytest.raises(MeshError) as caught:
        webhooks.check_standard({**STANDARD, **headers}, body, secret, now)
    assert (reason_name(caught.value.reason), caught.value.message) == ("caller_unknown", webhooks.refused().message)


def test_a_plain_hmac_is_compared_whole() -> None:
    """Any of several signatures may be the one."""
    good = hmac.digest(b"k", b"m", "sha256")
    webhooks.check_hmac(b"k", b"m", [b"", good[:-1], good])
    for given in ([], [b""], [good[:-1]], [good + b"x"]):
        with pytest.raises(MeshError):
            webhooks.check_hmac(b"k", b"m", given)


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b"1"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """Though its signature was good."""
    with pytest.raises(MeshError):
        webhooks.read_object(body)


async def test_a_key_set_follows_new_keys_and_is_asked_once_a_minute_at_most() -> None:
    """A forger cannot make us a nuisance; a provider may change its keys."""
    edge, clock, old, new = Edge(), FakeClock(), Signer(), Signer()
    edge.key_set = {"keys": [{"x": 7}, {"x": "no key"}, "no entry", old.entry()]}
    listener = await asyncio.start_server(edge.take, "127.0.0.1", 0)
    keys = webhooks.KeySet(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/keys", clock)
    try:
        await keys.check(b"m", old.private.sign(b"m"))
        edge.key_set = {"keys": [new.entry()]}
        for _ in range(3):
            with pytest.raises(MeshError):
                await keys.check(b"m", new.private.sign(b"m"))
        assert edge.gets == 1
        clock.advance(61)
        await keys.check(b"m", new.private.sign(b"m"))
        assert edge.gets == 2
        edge.key_set = {"keys": "none"}
        clock.advance(webhooks.KEYS_KEPT_S)
        with pytest.raises(MeshError):
            await keys.check(b"m", new.private.sign(b"m"))
    finally:
        await keys.close()
        listener.close()
        await listener.wait_closed()


async def test_keys_that_cannot_be_fetched_make_every_callback_unbelievable() -> None:
    """And nothing breaks."""
    keys = webhooks.KeySet("http://127.0.0.1:1/keys", FakeClock())
    with pytest.raises(MeshError):
        await keys.check(b"m", b"s")
    await keys.close()
