"""What a provider's HTTP may do, and how far an attempt has then come. Real sockets, no provider."""

import asyncio
import gzip
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from heliostat.adapters.sdk import Answer, Call, Model, ProviderClient, ProviderSettings
from heliostat.adapters.sdk.http import ATTEMPT_HEADER, MAX_ANSWER_BYTES
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.modules import Lookup
from tests.adapters.raw_server import Exchange, Script, raw_server

NAMES = event_pb2.Outcome, event_pb2.Billed


class Bench:
    """What a call needs where nothing is fetched."""

    clock = Clock()
    dice = random.Random(7)


def call_of(prompt: str = "a secret wish of mine", time_s: float = 10.0) -> Call:
    """A call as the kit would make it."""
    request = request_pb2.ImageRequest(prompt=prompt)
    return Call(cast(Any, Bench()), Model("m"), request, attempt_id="req_x/0/1", time_s=time_s)


@asynccontextmanager
async def client_of(base: str, *, lookup: Lookup | None = None, **settings: Any) -> AsyncIterator[ProviderClient]:
    """A client of one provider."""
    made = ProviderClient(
        "test",
        ProviderSettings(base_url=f"{base}/v1", **settings),
        headers=lambda _: {"authorization": "Bearer topsecret99"},
        refusal=lambda _: None,
        key_name=lambda _: "TEST_KEY",
        lookup=lookup,
    )
    try:
        yield made
    finally:
        await made.close()


async def ask(script: Script, *, phase: str = "submit", time_s: float = 10.0, **settings: Any) -> Answer:
    """One POST to a server that plays `script`."""
    async with raw_server(script) as server, client_of(server.base, **settings) as client:
        return await client.post_json("/images", {"a": 1}, call_of(time_s=time_s), phase=phase)


async def failure(script: Script, **options: Any) -> tuple[str, str, str, str]:
    """(reason, outcome, billed, phase) of a POST that fails."""
    with pytest.raises(MeshError) as caught:
        await ask(script, **options)
    return told(caught.value)


def told(error: MeshError) -> tuple[str, str, str, str]:
    """What an error says of how far the attempt came."""
    assert error.failure is not None
    outcome = event_pb2.Outcome.Name(error.failure.outcome).removeprefix("OUTCOME_")
    billed = event_pb2.Billed.Name(error.failure.billed).removeprefix("BILLED_")
    return reason_name(error.reason), outcome, billed, error.failure.phase


UNKNOWN = ("UNSPECIFIED", "UNKNOWN", "submit")


async def silent(exchange: Exchange) -> None:
    """Takes the request and says nothing."""
    await asyncio.Event().wait()


async def stalled(exchange: Exchange) -> None:
    """Begins an answer and stops."""
    await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await asyncio.Event().wait()


async def dripping(exchange: Exchange) -> None:
    """Never stops, and never says much."""
    await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        await exchange.say(b" ")
        await asyncio.sleep(0.02)


async def reset(exchange: Exchange) -> None:
    """Resets after a part of the body."""
    await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 50)
    exchange.cut()


async def short(exchange: Exchange) -> None:
    """Closes before Content-Length is reached."""
    await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 50)
    exchange.writer.close()


async def unended(exchange: Exchange) -> None:
    """Closes a chunked body without its last chunk."""
    await exchange.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    exchange.writer.close()


async def hung_up(exchange: Exchange) -> None:
    """Closes without a word."""
    exchange.writer.close()


async def garbled(exchange: Exchange) -> None:
    """Says something that is no HTTP."""
    await exchange.say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    exchange.writer.close()


async def endless(exchange: Exchange) -> None:
    """Sends until nobody listens."""
    await exchange.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while not exchange.writer.is_closing():
        await exchange.say(bytes(1 << 20))


async def bomb(exchange: Exchange) -> None:
    """A little gzip that is much."""
    await exchange.answer(200, gzip.compress(bytes(MAX_ANSWER_BYTES + 1)), content_encoding="gzip")


async def strange_packing(exchange: Exchange) -> None:
    """A packing that nobody offered."""
    await exchange.answer(200, b"xx", content_encoding="br")


@pytest.mark.parametrize(
    ("script", "reason", "options"),
    [
        (silent, "provider_timeout", {"answer_timeout_s": 0.5}),
        (silent, "provider_timeout", {"time_s": 1.0}),
        (stalled, "provider_timeout", {"idle_timeout_s": 0.5}),
        (dripping, "provider_timeout", {"time_s": 1.0, "idle_timeout_s": 5}),
        (reset, "provider_answer_invalid", {}),
        (short, "provider_answer_invalid", {}),
        (unended, "provider_answer_invalid", {}),
        (hung_up, "provider_answer_invalid", {}),
        (garbled, "provider_answer_invalid", {}),
        (endless, "provider_answer_invalid", {}),
        (bomb, "provider_answer_invalid", {}),
        (strange_packing, "provider_answer_invalid", {}),
    ],
)
async def test_a_submit_that_was_sent_and_not_answered_is_unknown(
    script: Script, reason: str, options: dict[str, Any]
) -> None:
    """Nobody knows whether something was bought."""
    assert await failure(script, **options) == (reason, *UNKNOWN)


async def test_a_refused_connection_bought_nothing() -> None:
    """Nothing was sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with client_of(base) as client:
            with pytest.raises(MeshError) as caught:
                await client.post_json("/images", {}, call_of())
    assert told(caught.value) == ("provider_unavailable", "NOT_SENT", "NO", "connect")


async def test_a_connection_that_is_never_taken_bought_nothing() -> None:
    """A full backlog is a black hole: the wait for a connection ends at its own time-out."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        address = hole.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        try:
            async with client_of(f"http://127.0.0.1:{address[1]}", connect_timeout_s=0.2) as client:
                with pytest.raises(MeshError) as caught:
                    await client.post_json("/images", {}, call_of())
        finally:
            for filler in fillers:
                filler.close()
    assert told(caught.value) == ("provider_unavailable", "NOT_SENT", "NO", "connect")


async def test_a_name_that_does_not_exist_bought_nothing() -> None:
    """.invalid is reserved and never resolves."""
    async with client_of("http://provider.invalid") as client:
        with pytest.raises(MeshError) as caught:
            await client.post_json("/images", {}, call_of())
    assert told(caught.value) == ("provider_unavailable", "NOT_SENT", "NO", "connect")


@pytest.mark.parametrize("script", [reset, hung_up, silent])
@pytest.mark.parametrize("phase", ["poll", "download", "cancel"])
async def test_after_the_submit_the_work_goes_on_whatever_breaks(script: Script, phase: str) -> None:
    """A lost poll loses no job."""
    _, *rest = await failure(script, phase=phase, answer_timeout_s=0.5)
    assert rest == ["ACCEPTED", "UNKNOWN", phase]


@pytest.mark.parametrize("script", [reset, hung_up, silent])
async def test_before_the_submit_nothing_is_bought_whatever_breaks(script: Script) -> None:
    """An upload that fails has cost nothing."""
    _, *rest = await failure(script, phase="prepare", answer_timeout_s=0.5)
    assert rest == ["NOT_SENT", "NO", "prepare"]


@pytest.mark.parametrize("status", [400, 401, 429, 500, 502, 503, 504])
async def test_before_the_submit_nothing_is_bought_whoever_refuses(status: int) -> None:
    """Neither the provider nor a proxy before it leaves a doubt that keeps the request from going elsewhere."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(status, b"<html>Bad gateway</html>")

    _, *rest = await failure(refuse, phase="prepare")
    assert rest == ["NOT_SENT", "NO", "prepare"]


async def test_an_error_answer_of_the_provider_bought_nothing() -> None:
    """It is quoted without our key, and names what to mend."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(401, b'{"error":{"message":"we do not know topsecret99"}}', x_request_id="r7")

    with pytest.raises(MeshError) as caught:
        await ask(refuse)
    assert told(caught.value) == ("provider_auth_failed", "REFUSED", "NO", "submit")
    assert "topsecret99" not in caught.value.message
    assert "TEST_KEY" in caught.value.message
    assert caught.value.metadata == {"provider_status": "401", "provider_request_id": "r7"}


async def test_an_echoed_prompt_is_masked() -> None:
    """A provider's error often repeats what it was sent."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(400, b'{"error":{"message":"unsafe: a secret wish of mine"}}')

    with pytest.raises(MeshError) as caught:
        await ask(refuse)
    assert "secret wish" not in caught.value.message


async def test_a_poll_that_is_refused_leaves_the_job_alone() -> None:
    """A 500 to a poll says nothing of the job."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(500, b"{}")

    assert await failure(refuse, phase="poll") == ("provider_unavailable", "ACCEPTED", "UNKNOWN", "poll")


async def test_redirects_are_not_followed() -> None:
    """The key would go along."""

    async def away(exchange: Exchange) -> None:
        await exchange.answer(307, location="http://127.0.0.1:1/")

    async with raw_server(away) as server, client_of(server.base) as client:
        with pytest.raises(MeshError):
            await client.post_json("/images", {}, call_of())
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/status",
        "http://127.0.0.1:1/v1/status",
        "//evil.example/status",
        "http://user:pass@{host}/v1/status",
        "ftp://{host}/x",
        "status",
    ],
)
async def test_the_key_goes_to_the_providers_own_origin_only(url: str) -> None:
    """An address in an answer may name anything."""

    async def fine(exchange: Exchange) -> None:
        await exchange.answer(200, b"{}")

    async with raw_server(fine) as server, client_of(server.base) as client:
        target = url.replace("{host}", server.base.removeprefix("http://"))
        if target.startswith("//"):
            target = "https:" + target
        with pytest.raises(MeshError) as caught:
            await client.get(target, call_of())
        assert reason_name(caught.value.reason) == "provider_answer_invalid"
        assert server.connections == 0


async def test_an_answer_comes_whole_and_connections_are_kept() -> None:
    """Several requests, one connection; key and attempt id go along, our own identity does not."""

    async def fine(exchange: Exchange) -> None:
        await exchange.answer(200, b'{"ok":' + b"1" * 3_000_000 + b"}", x_thing="yes")

    async with raw_server(fine) as server, client_of(server.base) as client:
        for _ in range(3):
            answer = await client.post_json("/images", {"a": 1}, call_of())
            assert len(answer.body) == 3_000_007
            assert answer.headers["x-thing"] == "yes"
        assert server.connections == 1
        seen = server.seen[0]
        assert (seen.method, seen.path, seen.body) == ("POST", "/v1/images", b'{"a":1}')
        assert seen.headers["authorization"] == "Bearer topsecret99"
        assert seen.headers[ATTEMPT_HEADER] == "req_x/0/1"
        assert seen.headers["content-type"] == "application/json"


async def test_a_packed_answer_is_unpacked() -> None:
    """gzip comes from some proxies though it is not asked for."""

    async def packed(exchange: Exchange) -> None:
        await exchange.answer(200, gzip.compress(b'{"a":1}'), content_encoding="gzip")

    assert (await ask(packed)).json() == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"[" * 100_000, b'{"a":'])
async def test_an_answer_that_is_no_json_object_is_invalid(body: bytes) -> None:
    """Read as an error, quickly, whatever it is."""

    async def odd(exchange: Exchange) -> None:
        await exchange.answer(200, body)

    answer = await ask(odd)
    with pytest.raises(MeshError) as caught:
        answer.json()
    assert reason_name(caught.value.reason) == "provider_answer_invalid"


async def test_events_come_as_they_are_sent() -> None:
    """Frames may be cut anywhere, with either line end."""
    raw = b'event: one\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\n\nevent: two\ndata: x\n\nevent: cut\ndata: y'

    async def events(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for at in range(0, len(raw), 7):
            await exchange.say(raw[at : at + 7])
            await asyncio.sleep(0)
        exchange.writer.close()

    async with raw_server(events) as server, client_of(server.base) as client:
        seen = [event async for event in client.post_events("/images", {}, call_of())]
    assert seen == [("one", b'{"a":\n1}'), ("two", b"x")]


async def test_a_stream_that_is_refused_is_an_error() -> None:
    """A 429 to a streaming request reads like any other."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(429, b"{}", retry_after="3")

    async with raw_server(refuse) as server, client_of(server.base) as client:
        with pytest.raises(MeshError) as caught:
            _ = [event async for event in client.post_events("/images", {}, call_of())]
    assert told(caught.value) == ("rate_limited", "REFUSED", "NO", "submit")
    assert caught.value.retry_after_s == 3.0


async def test_a_cancelled_call_closes_its_connection() -> None:
    """The provider sees that nobody waits any more."""
    began, gone = asyncio.Event(), asyncio.Event()

    async def watched(exchange: Exchange) -> None:
        began.set()
        await exchange.left()
        gone.set()

    async with raw_server(watched) as server, client_of(server.base) as client:
        task = asyncio.create_task(client.post_json("/images", {}, call_of()))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(30):
            await gone.wait()


@pytest.mark.parametrize(
    ("base", "settings", "refused"),
    [
        ("https://api.provider.com", {}, True),
        ("https://api.provider.com", {"private_addresses": True}, False),
        ("https://gpu.lan", {}, False),
        ("https://painter", {}, False),
        ("http://painter.models", {}, False),
    ],
    ids=["public", "meant so", "private by custom", "without a dot", "plain http"],
)
async def test_u03_which_names_may_lead_to_private_addresses(
    base: str, settings: dict[str, Any], refused: bool
) -> None:
    """Public ones may not, unless the configuration says so: then nobody answers there."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        port = closed.getsockname()[1]

        async def lookup(host: str, family: int) -> list[str]:
            return ["127.0.0.1"]

        async with client_of(f"{base}:{port}", lookup=lookup, **settings) as client:
            with pytest.raises(MeshError) as caught:
                await client.post_json("/images", {}, call_of())
    assert told(caught.value) == ("provider_unavailable", "NOT_SENT", "NO", "connect")
    assert caught.value.message.startswith("Configuration error") is refused
    assert caught.value.metadata.get("setting") == ("private_addresses" if refused else None)
