"""Stopping with requests under way, on a real socket."""

import asyncio
import logging
import re
from collections.abc import Iterator

import httpx
import orjson
import pytest

from tests.edge.conftest import Bench, Listener, OpenBench, raw_exchange
from tests.edge.scripted_ledger import stall

BODY = {"model": "flux-schnell", "prompt": "A sunset over mountains"}
DRAIN_S = 0.2
# What gRPC's threads say of connections of tests before: "I1123 00:42:54.444685 …".
OF_GRPC = re.compile(r"[IWE][0-9]{4} [0-9:.]+ ")


@pytest.fixture
def listener() -> Iterator[Listener]:
    """What the edge says in its log."""
    logger, listener = logging.getLogger("heliostat.edge"), Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    yield listener
    logger.removeHandler(listener)
    logger.setLevel(level)


def waiting(bench: Bench, **headers: str) -> asyncio.Task[httpx.Response]:
    """A caller who waits for a picture that does not come."""
    bench.ledger.script = stall()
    asking = bench.client.post("/v1/images/generations", json=BODY, headers=headers)
    return asyncio.get_running_loop().create_task(asking)


async def test_who_still_waits_at_the_end_of_the_drain_gets_a_job(
    edge_with: OpenBench, listener: Listener, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """504 with the job, told not to buy again; nothing on the terminal, and the log tells the status that was sent."""
    async with edge_with(drain_s=DRAIN_S) as bench:
        caller = waiting(bench)
        await bench.ledger.started.wait()
        await bench.edge.stop()
        answer = await caller
        asked = bench.ledger.asked[0].request_id
        assert bench.ledger.closed.is_set()
    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["location"] == f"/v1/jobs/{asked}"
    assert answer.headers["x-heliostat-request-id"] == asked
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert answer.json()["job"]["id"] == asked
    assert [(line["event"], line["status"]) for line in listener.lines] == [("answered", 504)]
    assert [line for line in capfd.readouterr().err.splitlines() if not OF_GRPC.match(line)] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_who_takes_a_job_gets_one_at_the_end_of_the_drain(edge_with: OpenBench) -> None:
    """Whom a job contents gets 202."""
    async with edge_with(drain_s=DRAIN_S) as bench:
        caller = waiting(bench, prefer="wait=100")
        await bench.ledger.started.wait()
        await bench.edge.stop()
        answer = await caller
        assert (answer.status_code, answer.json()["status"]) == (202, "in_progress")


async def test_what_has_bought_nothing_may_be_sent_again(edge_with: OpenBench, listener: Listener) -> None:
    """A request of which nobody was asked anything gets 503 with Retry-After, and is not told to stay away."""
    async with edge_with(drain_s=DRAIN_S) as bench:
        raw = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
        caller = asyncio.get_running_loop().create_task(raw_exchange(bench, raw))
        in_flight = 'heliostat_in_flight{room="edge"} 2.0'
        async with asyncio.timeout(60):
            while in_flight not in (await bench.client.get("/metrics")).text:
                pass
        await bench.edge.stop()
        head, _, body = (await caller).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in head
        assert b"x-should-retry" not in head
        assert orjson.loads(body)["error"]["code"] == "mesh_unavailable"
    assert ("answered", 503) in [(line["event"], line["status"]) for line in listener.lines]


async def test_no_patience_left_answers_at_once(edge_with: OpenBench) -> None:
    """A stop that is cancelled answers those who wait; a second stop then ends soon, whatever the drain."""
    async with edge_with(drain_s=3600) as bench:
        caller = waiting(bench)
        await bench.ledger.started.wait()
        stopping = asyncio.get_running_loop().create_task(bench.edge.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        assert (await caller).status_code == 504
        await bench.edge.stop()
