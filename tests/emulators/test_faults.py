"""Every way in which a scripted answer goes wrong, seen from a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench

ORDER = {"model": "gpt-image-2", "prompt": "a fox", "size": "1024x1024", "quality": "low"}
KEY = {"authorization": "Bearer sk-test"}


async def asked(bench: Bench) -> httpx.Response:
    """Ask for a picture."""
    return await bench.http.post("/openai/v1/images/generations", json=ORDER, headers=KEY)


async def connected(bench: Bench) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for a picture over a bare connection."""
    host, port = bench.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = httpx.Request("POST", "http://x", json=ORDER).content
    head = (
        "POST /openai/v1/images/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def announced(reader: asyncio.StreamReader) -> int:
    """Read an answer's head, and give the length of the body that it announces."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    return int(head.split(b"content-length: ")[1].split(b"\r\n")[0])


@pytest.mark.parametrize("limit", [0, 1, 1000])
async def test_cut_sends_so_many_bytes_and_closes(bench: Bench, limit: int) -> None:
    """The whole length is announced, exactly N body bytes come, then the end; the picture is billed."""
    await bench.script("openai", {"cut_after_bytes": limit})
    reader, writer = await connected(bench)
    assert await announced(reader) > limit
    assert len(await reader.read()) == limit
    writer.close()
    await writer.wait_closed()
    entry = await bench.last("openai")
    assert (entry["billed"], entry["status"], entry["client_gone"]) == (True, 200, False)


async def test_a_cut_beyond_the_end_changes_nothing(bench: Bench) -> None:
    """A body that is shorter than the limit arrives whole."""
    await bench.script("openai", {"cut_after_bytes": 10_000_000})
    assert "data" in (await asked(bench)).json()


async def test_a_stream_is_cut_too(bench: Bench) -> None:
    """A chunked answer ends without its last chunk; the work is finished and billed all the same."""
    await bench.script("openai", {"cut_after_bytes": 50})
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.http.post("/openai/v1/images/generations", json=ORDER | {"stream": True}, headers=KEY)
    assert (await bench.journal("openai"))["billable"] == 1


async def test_stall_holds_until_the_client_leaves(bench: Bench) -> None:
    """N bytes come, then nothing; when the client goes the journal says so."""
    await bench.script("openai", {"stall_after_bytes": 100})
    reader, writer = await connected(bench)
    assert await announced(reader) > 100
    assert len(await reader.readexactly(100)) == 100
    assert not reader.at_eof()
    assert not (await bench.last("openai"))["client_gone"]
    writer.close()
    await writer.wait_closed()
    assert (await bench.until_gone("openai"))["billed"]


async def test_stall_ends_when_the_server_stops(bench: Bench) -> None:
    """A stopping server leaves nobody hanging."""
    await bench.script("openai", {"stall_after_bytes": 10})
    reader, writer = await connected(bench)
    await announced(reader)
    await reader.readexactly(10)
    await bench.server.stop()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_refuse_closes_without_a_word(bench: Bench) -> None:
    """The connection ends in order, with no byte sent; nothing is billed."""
    await bench.script("openai", {"connection": "refuse"})
    reader, writer = await connected(bench)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    entry = await bench.last("openai")
    assert (entry["billed"], entry["status"]) == (False, 0)


async def test_reset_resets(bench: Bench) -> None:
    """The client's socket reports a reset."""
    await bench.script("openai", {"connection": "reset"})
    reader, writer = await connected(bench)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_reset_may_hide_a_bill(bench: Bench) -> None:
    """With `bill: true` the work is done and charged, and the answer lost."""
    await bench.script("openai", {"connection": "reset", "bill": True})
    with pytest.raises(httpx.ReadError):
        await asked(bench)
    entry = await bench.last("openai")
    assert entry["billed"]
    assert len(entry["images"]) == 1


async def test_garbage_is_no_json(bench: Bench) -> None:
    """A good status and the usual content type over bytes that mean nothing; it is billed."""
    await bench.script("openai", {"garbage": True})
    answer = await asked(bench)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match=r"codec|JSON|Expecting"):
        answer.json()
    assert (await bench.journal("openai"))["billable"] == 1


async def test_a_delayed_request_is_overtaken(bench: Bench) -> None:
    """Delays hold up one request, not the server."""
    await bench.script("openai", {"delay_s": 3}, {"ok": True})
    order: list[str] = []

    async def ask(name: str) -> None:
        await asked(bench)
        order.append(name)

    late = asyncio.create_task(ask("delayed"))
    async with asyncio.timeout(30):
        while not (await bench.journal("openai"))["entries"]:
            continue
    await ask("second")
    await late
    assert order == ["second", "delayed"]


async def test_work_goes_on_when_the_client_has_gone(bench: Bench) -> None:
    """A synchronous call is billed when its picture is finished, though nobody waits for it."""
    await bench.script("openai", {"delay_s": 2})
    _, writer = await connected(bench)
    async with asyncio.timeout(30):
        while not (await bench.journal("openai"))["entries"]:
            continue
        writer.close()
        await writer.wait_closed()
        await bench.until_gone("openai")
        while not (await bench.last("openai"))["billed"]:
            continue
    assert (await bench.last("openai"))["client_gone"]


async def test_rate_spreads_the_body(bench: Bench) -> None:
    """A slowed body arrives in small pieces, and whole."""
    await bench.script("openai", {"body": "x" * 400, "rate_bytes_per_s": 2000})
    request = bench.http.stream("POST", "/openai/v1/images/generations", json=ORDER, headers=KEY)
    async with request as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert b"".join(pieces) == b"x" * 400
    assert max(map(len, pieces)) < 400


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("not json {", b"not json {"),
        ("", b""),
        (None, b"null"),
        ([1], b"[1]"),
        ({"images": []}, b'{"images":[]}'),
    ],
)
async def test_a_scripted_body_goes_out_as_it_is(bench: Bench, body: Any, sent: bytes) -> None:
    """Text as text, everything else as JSON, under status 200 unless told."""
    await bench.script("openai", {"body": body})
    answer = await asked(bench)
    assert (answer.status_code, answer.content) == (200, sent)


async def test_raw_bytes_go_out_as_they_are(bench: Bench) -> None:
    """`body_base64` carries what JSON text cannot."""
    await bench.script("openai", {"body_base64": "/9j/AA==", "headers": {"content-type": "image/jpeg"}})
    answer = await asked(bench)
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8\xff\x00", "image/jpeg")


async def test_a_repeated_body_announces_no_length(bench: Bench) -> None:
    """A body may come many times over; who has read enough may leave."""
    await bench.script("openai", {"body": "x" * 1000, "repeat": 3}, {"body": "x" * 50_000, "repeat": 10_000})
    answer = await asked(bench)
    assert len(answer.content) == 3000
    assert "content-length" not in answer.headers
    async with bench.http.stream("POST", "/openai/v1/images/generations", json=ORDER, headers=KEY) as endless:
        read = 0
        async for piece in endless.aiter_raw():
            read += len(piece)
            if read > 1_000_000:
                break
    assert (await bench.until_gone("openai"))["status"] == 200


async def test_scripted_headers_replace_and_add(bench: Bench) -> None:
    """Headers of a step are put in place of the provider's or take them away, on scripted and on real answers."""
    await bench.script("openai", {"status": 429, "headers": {"Retry-After": "soon", "X-Extra": "1"}})
    answer = await asked(bench)
    assert (answer.headers["retry-after"], answer.headers["x-extra"]) == ("soon", "1")
    await bench.script("openai", {"status": 429, "headers": {"Retry-After": None}})
    assert "retry-after" not in (await asked(bench)).headers
    await bench.script("openai", {"headers": {"Content-Type": "text/html"}})
    assert (await asked(bench)).headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    ("step", "billed"),
    [
        ({}, True),
        ({"bill": False}, False),
        ({"status": 500}, False),
        ({"status": 500, "bill": True}, True),
        ({"body": "{}"}, True),
        ({"body": "{}", "bill": False}, False),
        ({"status": 200}, True),
    ],
)
async def test_what_is_billed(bench: Bench, step: dict[str, Any], billed: bool) -> None:
    """What ends well is billed, unless the step says otherwise."""
    await bench.script("openai", step)
    await asked(bench)
    entry = await bench.last("openai")
    assert entry["billed"] is billed
    assert (entry["cost_micros"] > 0) is billed


async def test_controls_reset(bench: Bench) -> None:
    """DELETE empties a journal or a script; one provider's reset leaves the others alone."""
    await bench.script("openai", {"status": 500})
    await asked(bench)
    await bench.http.get("/compat/v1/models", headers=KEY)
    assert len((await bench.journal())["entries"]) == 2
    await bench.http.delete("/openai/_emulator/journal")
    assert [entry["provider"] for entry in (await bench.journal())["entries"]] == ["compat"]
    await bench.http.delete("/_emulator/journal")
    assert (await bench.journal()) == {"billable": 0, "entries": []}
    await bench.http.delete("/openai/_emulator/script")
    assert (await asked(bench)).status_code == 200


async def test_a_wrong_script_is_refused_and_the_old_one_stays(bench: Bench) -> None:
    """PUT answers 400 with the faults."""
    await bench.script("openai", {"status": 503})
    answer = await bench.http.put("/openai/_emulator/script", json=[{"stauts": 500}])
    assert answer.status_code == 400
    assert answer.json()["faults"][0]["loc"] == [0, "stauts"]
    assert (await asked(bench)).status_code == 503


async def test_the_journal_tells_who_asked_what(bench: Bench) -> None:
    """Entries carry the caller's keys, the prompt and its digest, and the hash of every picture."""
    headers = KEY | {"idempotency-key": "k-1", "x-heliostat-attempt": "a-1"}
    await bench.http.post("/openai/v1/images/generations", json=ORDER, headers=headers)
    entry = await bench.last("openai")
    assert (entry["idempotency_key"], entry["attempt_id"], entry["prompt"]) == ("k-1", "a-1", "a fox")
    assert (entry["kind"], entry["model"], entry["seq"]) == ("generations", "gpt-image-2", 1)
    assert len(entry["prompt_sha256"]) == len(entry["images"][0]["sha256"]) == 64


async def test_equal_orders_are_painted_once(bench: Bench) -> None:
    """A thousand equal requests cost one painting."""
    await asyncio.gather(*(asked(bench) for _ in range(20)))
    assert bench.easel.painted == 1
    assert (await bench.journal("openai"))["billable"] == 20


async def test_news_wait_for_a_change(bench: Bench) -> None:
    """Who knows the present version is answered at the next bill or script, and told of new bills only."""
    first = (await bench.http.get("/_emulator/news")).json()
    assert (first["bills"], first["scripts"]["openai"]) == ([], [])
    waiting = asyncio.create_task(bench.http.get("/_emulator/news", params={"version": first["version"], "wait_s": 30}))
    await asked(bench)
    second = (await waiting).json()
    assert [(bill["provider"], bill["pictures"]) for bill in second["bills"]] == [("openai", 1)]
    assert second["bills"][0]["cost_micros"] > 0
    await bench.script("openai", {"status": 503, "times": 1})
    known = {"version": second["version"], "era": second["era"], "bills": 1}
    third = (await bench.http.get("/_emulator/news", params={**known, "wait_s": 30})).json()
    assert (third["bills"], third["scripts"]["openai"]) == ([], [{"status": 503, "times": 1}])
    assert (await asked(bench)).status_code == 503
    used_up = (await bench.http.get("/_emulator/news")).json()
    assert used_up["scripts"]["openai"] == []
    await bench.http.delete("/openai/_emulator/journal")
    reset = (await bench.http.get("/_emulator/news", params=known)).json()
    assert reset["era"] != first["era"]
    assert reset["bills"] == []
