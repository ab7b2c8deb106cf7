"""POST /v1/images/generations on a real socket."""

import asyncio
import base64
import gc
import hashlib
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from tests.edge.conftest import Bench, OpenBench, raw_exchange
from tests.edge.scripted_ledger import (
    PNG,
    admitted,
    at_provider,
    cut_then_draw,
    detach,
    draw,
    picture_events,
    replay,
    result,
    stall,
)

BODY = {"model": "flux-schnell", "prompt": "A sunset over mountains"}


async def test_url_is_a_signed_link_of_ours(bench: Bench) -> None:
    """Models other than gpt-image-* answer with links when nothing is said about the form."""
    answer = (await bench.client.post("/v1/images/generations", json={**BODY, "n": 2})).json()
    urls = [item["url"] for item in answer["data"]]
    assert len(urls) == 2
    assert urls[0].startswith(f"{bench.url}/v1/media/{0:032x}.png?exp=")
    assert all("b64_json" not in item for item in answer["data"])
    assert bench.ledger.asked[0].image.output.delivery == request_pb2.DELIVERY_STORED


@pytest.mark.parametrize("size", [0, 1, 2, 3, 786_431, 786_432, 786_433, 2_000_000])
async def test_base64_is_the_picture(bench: Bench, size: int) -> None:
    """The base64 text decodes to the picture's bytes, whatever their number."""
    picture = (PNG * (size // len(PNG) + 1))[:size]
    bench.ledger.script = draw(picture)
    answer = await bench.client.post("/v1/images/generations", json={**BODY, "response_format": "b64_json"})
    assert answer.status_code == 200
    assert base64.b64decode(answer.json()["data"][0]["b64_json"], validate=True) == picture


async def test_the_body_tells_what_happened(bench: Bench) -> None:
    """The answer names provider, cost, attempts, timing, adjustments and the measured picture."""
    response = await bench.client.post("/v1/images/generations", json={**BODY, "quality": "hd"})
    answer = response.json()
    metadata = answer["metadata"]
    assert (answer["size"], answer["output_format"], answer["quality"]) == ("640x360", "png", "high")
    assert answer["usage"]["total_tokens"] == 1780
    assert answer["id"] == metadata["request_id"] == response.headers["x-request-id"]
    assert metadata["executed_model"] == "openai/gpt-image-2"
    assert (metadata["cost"], metadata["cost_currency"], metadata["cost_source"]) == (0.003, "USD", "computed")
    assert [attempt["reason"] for attempt in metadata["attempts"] if attempt["status"] == "failed"] == [
        "provider_unavailable"
    ]
    assert metadata["timing"] == {"queue": 0, "provider": 1000, "download": 0, "convert": 0, "store": 0, "total": 1600}
    assert metadata["adjustments"][0]["parameter"] == "size"
    assert metadata["images"][0] == {
        "width": 640,
        "height": 360,
        "format": "png",
        "bytes": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
        "seed": 7,
    }
    assert "sandbox" not in metadata


async def test_headers_tell_it_too(bench: Bench) -> None:
    """What OpenAI's clients log, and ours: ids, provider, model, cost, trace."""
    headers = (await bench.client.post("/v1/images/generations", json=BODY)).headers
    assert headers["x-heliostat-provider"] == "openai"
    assert headers["x-heliostat-model"] == "openai/gpt-image-2"
    assert headers["x-heliostat-cost"] == "0.003000"
    assert headers["x-heliostat-request-id"] == headers["x-request-id"]
    assert len(headers["x-heliostat-trace-id"]) == 32
    assert headers["openai-processing-ms"].isdigit()


@pytest.mark.parametrize(
    ("path", "fields", "form"),
    [
        ("/v1", {"model": "gpt-image-2"}, "b64_json"),
        ("/v1", {"model": "openai/gpt-image-2"}, "b64_json"),
        ("/v1", {"model": "flux-schnell"}, "url"),
        ("/openai/v1", {"model": "gpt-image-2"}, "url"),
        ("/openai/v1", {"model": "gpt-image-2", "response_format": "b64_json"}, "b64_json"),
        ("/v1", {"model": "gpt-image-2", "response_format": "url"}, "url"),
        ("/v1", {"model": "flux-schnell", "delivery": "bytes"}, "b64_json"),
        ("/v1", {"model": "gpt-image-2", "delivery": "stored"}, "url"),
    ],
)
async def test_form_of_the_answer(bench: Bench, path: str, fields: dict[str, str], form: str) -> None:
    """What is said is obeyed; else the model's name and the base decide; never both."""
    answer = await bench.client.post(f"{path}/images/generations", json={**BODY, **fields})
    assert set(answer.json()["data"][0]) == {form}


async def test_accepting_pictures_gives_the_picture(bench: Bench) -> None:
    """Accept: image/* without JSON is answered with the first picture itself."""
    answer = await bench.client.post("/v1/images/generations", json=BODY, headers={"accept": "image/*"})
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == PNG


@pytest.mark.parametrize("content_type", ["", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"])
async def test_json_without_its_type_is_read(bench: Bench, content_type: str) -> None:
    """`curl -d '{…}'` names no JSON; its body is JSON all the same."""
    body = b' {"model": "flux-schnell", "prompt": "A lighthouse"}'
    answer = await bench.client.post("/v1/images/generations", content=body, headers={"content-type": content_type})
    assert answer.status_code == 200


async def test_what_the_ledger_is_asked(bench: Bench) -> None:
    """Key, idempotency key, retry count, patience and trace travel with the request."""
    headers = {
        "idempotency-key": "order-1",
        "x-stainless-retry-count": "1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = await bench.client.post("/v1/images/generations", json=BODY, headers=headers)
    ask, metadata = bench.ledger.asked[0], bench.ledger.metadata[0]
    assert ask.request_id == answer.headers["x-request-id"] == metadata["x-heliostat-request-id"]
    assert (ask.idempotency_key, ask.retry_count, ask.wait.seconds, ask.progressive) == ("order-1", 1, 300, False)
    assert metadata["authorization"] == "Bearer good"
    assert metadata["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert answer.headers["x-heliostat-trace-id"] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_bare_call_that_takes_too_long_gets_a_job(bench: Bench) -> None:
    """At the end of its time a bare call gets 504 with the job, told not to ask again, and never 202."""
    bench.ledger.script = detach()
    answer = await bench.client.post("/v1/images/generations", json=BODY)
    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["location"] == f"/v1/jobs/{bench.ledger.asked[0].request_id}"
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert answer.json()["job"]["status"] == "in_progress"


@pytest.mark.parametrize(
    ("query", "prefer", "wait_s"),
    [("", "respond-async", 0), ("", "respond-async, wait=5", 5), ("?wait=2.5", "", 2.5), ("?wait=9999", "", 300)],
)
async def test_who_takes_a_job_gets_202(bench: Bench, query: str, prefer: str, wait_s: float) -> None:
    """Prefer and ?wait= say how long, and that a job is welcome."""
    bench.ledger.script = detach()
    answer = await bench.client.post(f"/v1/images/generations{query}", json=BODY, headers={"prefer": prefer})
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["url"]
    wait = bench.ledger.asked[0].wait
    assert wait.seconds + wait.nanos / 1e9 == wait_s


@pytest.mark.parametrize("length", [0, 200_000])
async def test_leaving_closes_the_stream(bench: Bench, length: int) -> None:
    """A caller who hangs up is noticed at once, after a long body too: the stream to the ledger is closed."""
    bench.ledger.script = stall()
    _, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]))
    body = b'{"model": "flux-schnell", "prompt": "A lighthouse"}' + b" " * length
    head = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    await asyncio.wait_for(bench.ledger.started.wait(), 30)
    assert not bench.ledger.closed.is_set()
    writer.close()
    await asyncio.wait_for(bench.ledger.closed.wait(), 30)


async def test_a_picture_of_a_failed_attempt_is_dropped(bench: Bench) -> None:
    """What an attempt began and did not end is not in the answer; previews are not either."""
    bench.ledger.script = cut_then_draw()
    answer = await bench.client.post("/v1/images/generations", json={**BODY, "response_format": "b64_json"})
    assert [base64.b64decode(item["b64_json"]) for item in answer.json()["data"]] == [PNG]


async def test_the_sandbox_says_so(edge_with: OpenBench) -> None:
    """In the sandbox links begin with the loopback name that the caller used, and the answer is marked."""
    async with edge_with(sandbox=True) as bench:
        port = bench.url.rsplit(":", 1)[1]
        for host, base in (
            (f"localhost:{port}", f"http://localhost:{port}"),
            ("evil.example", bench.url),
            ("localhost@evil.example", bench.url),
        ):
            answer = (await bench.client.post("/v1/images/generations", json=BODY, headers={"host": host})).json()
            assert answer["data"][0]["url"].startswith(f"{base}/v1/media/")
            assert answer["metadata"]["sandbox"] is True


async def test_a_public_address_starts_the_links(edge_with: OpenBench) -> None:
    """Links begin with the configured address, whatever the Host header says."""
    async with edge_with(public_url="https://images.example.com/api/") as bench:
        answer = (await bench.client.post("/v1/images/generations", json=BODY)).json()
        assert answer["data"][0]["url"].startswith("https://images.example.com/api/v1/media/")


async def test_the_providers_own_address_is_passed_on(bench: Bench) -> None:
    """With delivery provider_url the answer holds the provider's address."""
    bench.ledger.script = at_provider("https://cdn.example.com/a.png")
    answer = await bench.client.post("/v1/images/generations", json={**BODY, "delivery": "provider_url"})
    assert answer.json()["data"] == [{"url": "https://cdn.example.com/a.png"}]
    assert bench.ledger.asked[0].image.output.delivery == request_pb2.DELIVERY_PROVIDER_URI


async def test_a_replay_is_marked(bench: Bench) -> None:
    """A stored answer says that it is one."""
    bench.ledger.script = replay()
    answer = await bench.client.post("/v1/images/generations", json=BODY, headers={"idempotency-key": "order-1"})
    assert answer.headers["idempotent-replayed"] == "true"
    assert answer.headers["x-heliostat-request-id"] == "req_first" != answer.headers["x-request-id"]
    assert answer.json()["metadata"]["replayed"] is True


async def test_pictures_are_let_go_at_once(bench: Bench) -> None:
    """Memory of an answer is free when it has been sent, without waiting for the garbage collector."""
    picture = PNG * 2000
    bench.ledger.script = draw(picture)
    body = b'{"model": "gpt-image-2", "prompt": "A lighthouse"}'
    request = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    await raw_exchange(bench, request % len(body) + body)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            assert len(await raw_exchange(bench, request % len(body) + body)) > len(picture)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < len(picture)


async def test_what_is_odd_about_a_picture_is_told_by_its_number(bench: Bench) -> None:
    """In a header and beside the picture; a warning of a later version is told as one that nobody here knows."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        pictures = [picture_events(index, PNG) for index in range(3)]
        pictures[0][0].media_started.warnings.append(media_pb2.MEDIA_WARNING_ONE_COLOUR)
        pictures[2][0].media_started.warnings.append(99)  # type: ignore[arg-type]
        events = [admitted(request), *(event for picture in pictures for event in picture)]
        yield router_pb2.GenerateResponse(events=[*events, event_pb2.ImageEvent(completed=result(3))])

    bench.ledger.script = script
    answer = await bench.client.post("/v1/images/generations", json={**BODY, "n": 3})
    assert answer.headers["x-heliostat-warning"] == "one_colour; image=0, unknown; image=2"
    told = [image.get("warnings") for image in answer.json()["metadata"]["images"]]
    assert told == [["one_colour"], None, ["unknown"]]
    bench.ledger.script = draw()
    assert "x-heliostat-warning" not in (await bench.client.post("/v1/images/generations", json=BODY)).headers
