"""Models, jobs, callbacks, probes, descriptions: everything beside pictures, on a real socket."""

import logging
import random
from pathlib import Path

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError, to_status
from heliostat.chassis.modules import Surroundings
from heliostat.chassis.settings import MeshSettings
from heliostat.edge.module import build
from heliostat.edge.openapi import OPERATIONS
from heliostat.edge.routes import BASES
from heliostat.edge.settings import EdgeSettings
from tests.edge.conftest import Bench, Listener
from tests.edge.scripted_ledger import failed_attempt, result
from tests.support.loopback import PLAIN


async def test_models_are_listed(bench: Bench) -> None:
    """OpenAI's list, with aliases, capabilities and prices beside."""
    for base in BASES:
        answer = (await bench.client.get(f"{base}/models")).json()
        assert answer["object"] == "list"
        model = answer["data"][0]
        assert (model["id"], model["object"], model["aliases"]) == ("flux-schnell", "model", ["flux"])
        assert model["capabilities"] == ["text_to_image"]
        price = {"per": "megapixel", "usd": 0.003, "billable": "output", "variant": None}
        assert model["targets"][0]["prices"] == [price]


async def test_one_model_or_what_was_meant(bench: Bench) -> None:
    """A model by name; a near miss is told what may have been meant."""
    assert (await bench.client.get("/v1/models/flux-schnell")).json()["id"] == "flux-schnell"
    answer = await bench.client.get("/v1/models/flux-shnell")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "did you mean flux-schnell?" in error["message"]
    assert (await bench.client.get("/v1/models/fal/no/such%20model")).status_code == 404


def a_job(state: ledger_pb2.RequestState, **more: object) -> ledger_pb2.Request:
    """A job as the ledger tells it."""
    return ledger_pb2.Request(
        request_id="req_job",
        state=state,
        model="flux-schnell",
        create_time=Timestamp(seconds=100),
        trace_id="a" * 32,
        **more,  # type: ignore[arg-type]
    )


async def test_a_job_under_way(bench: Bench) -> None:
    """It is in progress, and the answer says when to ask again."""
    bench.ledger.jobs["req_job"] = a_job(ledger_pb2.REQUEST_STATE_RUNNING)
    answer = await bench.client.get("/v1/jobs/req_job")
    assert answer.json() == {
        "id": "req_job",
        "object": "image.job",
        "status": "in_progress",
        "created_at": 100,
        "completed_at": None,
        "model": "flux-schnell",
        "url": "/v1/jobs/req_job",
        "metadata": {"attempts": [], "trace_id": "a" * 32},
    }
    assert answer.headers["retry-after"] == "2"


async def test_an_attempt_under_way(bench: Bench) -> None:
    """Of an attempt that has neither delivered nor failed a job says that it goes on."""
    attempts = [
        failed_attempt(),
        event_pb2.Attempt(attempt_id="req_job/0/2", target="compat/slow", provider="compat"),
        event_pb2.Attempt(attempt_id="req_job/1/1", provider="fal", outcome=event_pb2.OUTCOME_ACCEPTED),
        *result(1).attempts[1:],
    ]
    bench.ledger.jobs["req_job"] = a_job(ledger_pb2.REQUEST_STATE_RUNNING, attempts=attempts)
    told = (await bench.client.get("/v1/jobs/req_job")).json()["metadata"]["attempts"]
    assert [attempt["status"] for attempt in told] == ["failed", "in_progress", "in_progress", "succeeded"]


async def test_a_failed_job(bench: Bench) -> None:
    """Its error is OpenAI's error object; its attempts say what happened."""
    status = to_status(MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "fal took too long; ask again later."))
    bench.ledger.jobs["req_job"] = a_job(ledger_pb2.REQUEST_STATE_FAILED, error=status, attempts=[failed_attempt()])
    body = (await bench.client.get("/v1/jobs/req_job")).json()
    assert body["status"] == "failed"
    assert body["error"]["code"] == "provider_timeout"
    assert body["metadata"]["attempts"][0]["outcome"] == "refused"


async def test_a_job_is_cancelled_by_delete(bench: Bench) -> None:
    """DELETE asks for the cancel and tells the state after it; other people's jobs are not there."""
    bench.ledger.jobs["req_job"] = a_job(ledger_pb2.REQUEST_STATE_RUNNING)
    assert (await bench.client.delete("/v1/jobs/req_job")).json()["status"] == "cancelled"
    for method in ("GET", "DELETE"):
        answer = await bench.client.request(method, "/v1/jobs/req_other")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")
    answer = await bench.client.get("/v1/jobs/req_job", headers={"authorization": "Bearer bad"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_a_callback_goes_down_the_street(bench: Bench) -> None:
    """Provider, headers and body arrive as they came; without a job that waits it is 404; over 1 MiB 413."""
    answer = await bench.client.post("/v1/providers/fal/webhook", content=b"{}", headers={"X-Fal-Signature": "s"})
    assert answer.status_code == 202
    webhook = bench.ledger.webhooks[0]
    assert (webhook.provider, webhook.body, webhook.headers["x-fal-signature"]) == ("fal", b"{}", "s")
    assert (await bench.client.post("/v1/providers/nobody/webhook", content=b"{}")).status_code == 404
    large = b" " * 1_048_577
    assert (await bench.client.post("/v1/providers/fal/webhook", content=large)).status_code == 413


async def test_probes(bench: Bench) -> None:
    """Alive always, ready until the process drains; metrics in Prometheus' form."""
    assert (await bench.client.get("/healthz")).status_code == 200
    assert (await bench.client.get("/readyz")).json() == {"status": "ready"}
    bench.draining[0] = True
    assert (await bench.client.get("/readyz")).status_code == 503
    assert (await bench.client.get("/healthz")).status_code == 200
    assert 'heliostat_in_flight{room="edge"} 1.0' in (await bench.client.get("/metrics")).text


async def test_the_description_is_complete(bench: Bench) -> None:
    """Every route is described and every described route is served."""
    described = (await bench.client.get("/openapi.json")).json()
    told = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    served = {
        (method, route.path.replace(":path", ""))
        for route in bench.edge.app.routes.routes
        for method in route.methods or ()
        if method != "HEAD" and not route.path.startswith("/openai/") and route.path != "/"
    }
    assert told == served
    fields = described["components"]["schemas"]["GenerationBody"]["properties"]
    assert all(field.get("description") for field in fields.values())


async def test_the_docs_page_needs_nothing_else(bench: Bench) -> None:
    """One page with every route and a curl for it; no script, no address but this gateway's own."""
    answer = await bench.client.get("/docs")
    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert all(operation.path in page for operation in OPERATIONS)
    assert f"curl {bench.url}/v1/images/generations" in page
    assert "<script" not in page
    assert "src=" not in page
    assert page.replace(bench.url, "").count("http") == page.replace(bench.url, "").count("https://images.example.com")
    assert (await bench.client.get("/")).json()["docs"] == "/docs"


async def test_a_taken_port_is_told(bench: Bench, tmp_path: Path) -> None:
    """Starting on a taken port fails with a sentence that names the setting; stopping is safe all the same."""
    port = int(bench.url.rsplit(":", 1)[1])
    edge = build(EdgeSettings(port=port, router="127.0.0.1:1"), a_place(tmp_path))
    with pytest.raises(MeshError, match=r"edge\.port") as caught:
        await edge.start()
    assert caught.value.field == "edge.port"
    await edge.stop()


def a_place(folder: Path) -> Surroundings:
    """Surroundings of an edge whose ledger is elsewhere."""
    return Surroundings(
        name="edge",
        channel=Channels(MeshSettings()).channel,
        adapters={},
        blobs=Blobs("memory://"),
        database=lambda: pytest.fail("the edge needs no database"),
        clock=FakeClock(),
        dice=random.Random(1),
        state_dir=folder,
        sandbox=False,
        secret=lambda purpose: purpose.encode().ljust(32, b"."),
        draining=lambda: False,
    )


async def test_a_ledger_that_is_away(tmp_path: Path) -> None:
    """Without its ledger the edge answers 503 with Retry-After, and is not ready."""
    edge = build(EdgeSettings(port=0, router="127.0.0.1:1", drain_s=0), a_place(tmp_path))
    await edge.start()
    async with httpx.AsyncClient(verify=PLAIN, base_url=edge.url) as client:
        answer = await client.post("/v1/images/generations", json={"model": "m", "prompt": "p"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "mesh_unavailable")
        assert answer.headers["retry-after"] == "2"
        assert (await client.get("/readyz")).json()["because"] == "the ledger cannot be reached"
        assert (await client.get("/healthz")).status_code == 200
    await edge.stop()


async def test_the_access_log_keeps_secrets(bench: Bench) -> None:
    """One line per request, with route, status, ids and trace; no prompt, no key, no query."""
    logger, listener = logging.getLogger("heliostat.edge"), Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        body = {"model": "flux-schnell", "prompt": "a very private prompt"}
        answer = await bench.client.post("/v1/images/generations?wait=9&secret=1", json=body)
        await bench.client.get("/v1/models/flux-schnell")
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
    assert [line["route"] for line in listener.lines] == ["/v1/images/generations", "/v1/models/{id}"]
    first = listener.lines[0]
    assert first["request_id"] == answer.headers["x-request-id"]
    assert first["trace_id"] == answer.headers["x-heliostat-trace-id"]
    assert (first["event"], first["method"], first["status"]) == ("answered", "POST", 200)
    assert all(secret not in repr(listener.lines) for secret in ("private", "good", "secret"))
