"""Several keys of one provider: each attempt, look and cancel goes with the key of its account, and none is told."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.replicate import MODULE
from heliostat.adapters.replicate.settings import ReplicateSettings
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.settings import Refusal, parse
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import Answer, Room, served, wish

MODEL = "black-forest-labs/flux-schnell"
SECRETS = {"a": "whsec_" + "QQ" * 16, "b": "whsec_" + "Qg" * 16}


def picture() -> bytes:
    """A PNG."""
    out = io.BytesIO()
    Image.new("RGB", (1024, 1024), "steelblue").save(out, "PNG")
    return out.getvalue()


PICTURE = picture()


async def replicate(exchange: Exchange) -> None:
    """Replicate, as far as one job of it goes; keys that begin with "bad" are refused."""
    if "bad" in exchange.headers.get("authorization", ""):
        await exchange.answer(401, json.dumps({"title": "Unauthenticated", "status": 401}).encode())
        return
    if exchange.path == "/picture.png":
        await exchange.answer(200, PICTURE, content_type="image/png")
        return
    host = exchange.headers["host"]
    ended = "/cancel" in exchange.path
    job: dict[str, Any] = {"id": "job1", "status": "canceled" if ended else "succeeded", "error": None}
    if not ended:
        job |= {"output": [f"http://{host}/picture.png"], "metrics": {"predict_time": 1.0}}
    await exchange.answer(201 if exchange.method == "POST" else 200, json.dumps(job).encode())


def keys(folder: Path, **secrets: str) -> dict[str, Any]:
    """Accounts whose keys stand in files of their name."""
    accounts = {}
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
        accounts[name] = {"api_key": f"file:{folder / name}"}
    return accounts


def signed(secret: str, body: bytes) -> dict[str, str]:
    """Headers of a callback as Standard Webhooks has them."""
    moment = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"msg_1.{moment}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": moment, "webhook-signature": signature}


async def delivered(room: Room, headers: dict[str, str], body: bytes) -> str:
    """What became of a callback, or the reason of its refusal."""
    request = adapter_pb2.DeliverWebhookRequest(body=body)
    for name, value in headers.items():
        request.headers.add(name=name, value=value)
    try:
        answer = await call(room.stub.DeliverWebhook, request, timeout_s=30)
    except MeshError as error:
        return reason_name(error.reason)
    return "found" if answer.found else "not found"


async def ask(room: Room, account: str, **fields: Any) -> Answer:
    """One attempt with the key of an account."""
    answer = Answer()
    request = adapter_pb2.GenerateRequest(
        attempt_id="req_test/0/1", provider_model=MODEL, image=wish(), account=account, **fields
    )
    try:
        async with stream(room.stub.Generate, request, timeout_s=30) as messages:
            async for message in messages:
                answer.events.extend(message.events)
    except MeshError as error:
        answer.error = error
    return answer


async def test_everything_of_a_job_goes_with_the_key_of_its_account(tmp_path: Path) -> None:
    """Submit, look, resume and cancel; the result names the account, and the picture's host gets no key."""
    async with raw_server(replicate) as server:
        settings = {"base_url": server.base, "accounts": keys(tmp_path, a="sk-a", b="sk-b")}
        async with served(MODULE, tmp_path, settings) as room:
            for account in ("a", "b", "a"):
                seen = len(server.seen)
                made = await ask(room, account)
                assert (made.result.account, made.result.provider_job_id) == (account, "job1")
                resumed = await ask(room, account, resume_provider_job_id="job1")
                assert resumed.result.account == account
                cancel = adapter_pb2.CancelRequest(provider_model=MODEL, provider_job_id="job1", account=account)
                assert (await call(room.stub.Cancel, cancel, timeout_s=30)).found
                asked = {(each.path, each.headers.get("authorization", "")) for each in server.seen[seen:]}
                assert asked == {
                    (f"/models/{MODEL}/predictions", f"Bearer sk-{account}"),
                    ("/predictions/job1", f"Bearer sk-{account}"),
                    ("/predictions/job1/cancel", f"Bearer sk-{account}"),
                    ("/picture.png", ""),
                }


async def test_accounts_are_described_without_their_keys(tmp_path: Path) -> None:
    """Name, weight, and whether there is a key."""
    accounts = keys(tmp_path, a="sk-a")
    accounts["a"]["weight"] = 3
    accounts["later"] = {"api_key": f"file:{tmp_path / 'nothing'}", "weight": 0}
    async with served(MODULE, tmp_path, {"accounts": accounts}) as room:
        described = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    told = [(each.name, each.weight, each.configured) for each in described.accounts]
    assert told == [("a", 3.0, True), ("later", 0.0, False)]
    assert "sk-a" not in str(described)


@pytest.mark.parametrize(
    ("own", "used"), [("sk-own", ""), ("", "a")], ids=["the section's key", "the first account with a key"]
)
async def test_who_knows_of_no_accounts_is_served_all_the_same(tmp_path: Path, own: str, used: str) -> None:
    """Jobs of the time before there were accounts stay with the key that they were submitted with."""
    (tmp_path / "own").write_text(own)
    accounts = {"none": {"api_key": f"file:{tmp_path / 'nothing'}"}, **keys(tmp_path, a="sk-a")}
    async with raw_server(replicate) as server:
        settings = {"base_url": server.base, "api_key": f"file:{tmp_path / 'own'}", "accounts": accounts}
        async with served(MODULE, tmp_path, settings) as room:
            assert (await ask(room, "")).result.account == used
        assert server.seen[0].headers["authorization"] == f"Bearer {own or 'sk-a'}"


@pytest.mark.parametrize(
    ("job", "outcome", "billed"),
    [("", event_pb2.OUTCOME_NOT_SENT, event_pb2.BILLED_NO), ("job1", None, None)],
    ids=["new work is not sent", "a job's end stays unknown"],
)
async def test_an_account_that_is_gone_is_told(tmp_path: Path, job: str, outcome: int, billed: int) -> None:
    """Its jobs cannot be looked up with another key."""
    async with raw_server(replicate) as server:
        settings = {"base_url": server.base, "accounts": keys(tmp_path, a="sk-a")}
        async with served(MODULE, tmp_path, settings) as room:
            error = (await ask(room, "gone", resume_provider_job_id=job)).failure
        assert server.seen == []
    assert reason_name(error.reason) == "provider_auth_failed"
    assert 'no account "gone"' in error.message
    told = (error.failure.outcome, error.failure.billed) if error.failure is not None else (None, None)
    assert told == (outcome, billed)


async def test_a_refused_key_is_named_by_its_reference(tmp_path: Path) -> None:
    """The file of this account, not of another one, and not what is in it."""
    async with raw_server(replicate) as server:
        settings = {"base_url": server.base, "accounts": keys(tmp_path, a="sk-a", b="bad-b")}
        async with served(MODULE, tmp_path, settings) as room:
            error = (await ask(room, "b")).failure
            assert (await ask(room, "a")).error is None
    assert reason_name(error.reason) == "provider_auth_failed"
    assert str(tmp_path / "b") in error.message
    assert "bad-b" not in error.message


@pytest.mark.parametrize("signer", ["a", "b"])
async def test_a_callback_is_believed_by_the_secret_of_any_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signer: str
) -> None:
    """What an account has of its own beside its key stands under `settings`."""
    accounts = keys(tmp_path, a="sk-a", b="sk-b")
    for name, secret in SECRETS.items():
        monkeypatch.setenv(f"CALLBACK_SECRET_{name.upper()}", secret)
        accounts[name]["settings"] = {"webhook_secret": f"env:CALLBACK_SECRET_{name.upper()}"}
    settings = {"accounts": accounts, "webhook_url": "https://images.example.com"}
    body = json.dumps({"id": "job1"}).encode()
    async with served(MODULE, tmp_path, settings) as room:
        assert await delivered(room, signed(SECRETS[signer], body), body) == "not found"
        assert await delivered(room, signed("whsec_" + "Qw" * 16, body), body) == "caller_unknown"


KEY = {"api_key": "env:KEY"}


@pytest.mark.parametrize(
    ("accounts", "place", "sentence"),
    [
        ({"Team B": KEY}, "accounts.Team B", "small letters"),
        ({"a@b": KEY}, "accounts.a@b", "small letters"),
        ({"a": {"api_key": "sk-1234"}}, "accounts.a.api_key", "never in the configuration itself"),
        ({"a": {**KEY, "weight": -1}}, "accounts.a.weight", "0 or more"),
        ({"a": {**KEY, "weight": float("inf")}}, "accounts.a.weight", "finite"),
        ({"a": {**KEY, "weight": 0}}, "accounts", "no account has a weight above 0"),
        ({"a": {**KEY, "settings": {"accounts": {}}}}, "accounts.a.settings.accounts", "leave it out"),
        ({"a": {**KEY, "settings": {"base_urll": "x"}}}, "accounts.a.settings.base_urll", "not permitted"),
        ({"a": {**KEY, "settings": {"idle_timeout_s": 0}}}, "accounts.a.settings.idle_timeout_s", "greater than 0"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused_at_its_place(
    accounts: dict[str, Any], place: str, sentence: str
) -> None:
    """Before anything starts, with what to write instead."""
    with pytest.raises(Refusal) as caught:
        parse(ReplicateSettings, {"accounts": accounts}, "adapters.replicate")
    (fault,) = caught.value.faults
    assert ".".join(map(str, fault.place)) == f"adapters.replicate.{place}"
    assert sentence in fault.sentence
    assert "sk-1234" not in caught.value.message


async def test_a_key_is_rotated_under_traffic_and_no_request_fails(tmp_path: Path) -> None:
    """Ten rotations by rename while eight callers ask all the time: whoever begins after one uses the new key."""
    valid = {"sk-0"}
    refused: list[str] = []

    async def strict(exchange: Exchange) -> None:
        key = exchange.headers.get("authorization", "").removeprefix("Bearer ")
        if exchange.path != "/picture.png" and key not in valid:
            refused.append(key)
            await exchange.answer(401, b"{}")
            return
        await replicate(exchange)

    path = tmp_path / "key"
    path.write_text("sk-0")
    async with raw_server(strict) as server:
        async with served(MODULE, tmp_path, {"base_url": server.base, "api_key": f"file:{path}"}) as room:
            made, rotation, stopping = 0, 0, asyncio.Event()
            began = [0] * 8  # the rotation that the request of each caller began after

            async def caller(name: int) -> None:
                nonlocal made
                while not stopping.is_set():
                    began[name] = rotation
                    answer = await room.ask(MODEL, attempt_id=f"req_{name}_{made}/{rotation}/1")
                    assert answer.error is None
                    made += 1

            callers = [asyncio.create_task(caller(name)) for name in range(len(began))]
            for rotation in range(1, 11):
                # As an operator does it: the new key is good before it is handed out, and the old one while it is used.
                valid.add(f"sk-{rotation}")
                (tmp_path / "fresh").write_text(f"sk-{rotation}")
                (tmp_path / "fresh").replace(path)
                while min(began) < rotation:
                    await asyncio.sleep(0)
                valid.discard(f"sk-{rotation - 1}")
            stopping.set()
            await asyncio.gather(*callers)
        for each in server.seen:
            if each.path != "/picture.png":
                begun = each.headers["x-heliostat-attempt"].split("/")[1]
                key = each.headers["authorization"].removeprefix("Bearer sk-")
                assert int(key) >= int(begun)
        assert refused == []
        assert made >= 80
