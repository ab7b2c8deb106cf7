"""Dry runs and estimates through the whole mesh: what is told is what a run costs, and nothing is asked or owed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.money import to_micros
from tests.support import stores
from tests.support.mesh import KEY, Mesh, mesh

DRY = "/v1/images/generations?dryRun=true"
SUNSET = {"model": "flux-schnell", "prompt": "A sunset over mountains", "size": "1024x1024"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh in one process; the checker runs when it ends."""
    async with mesh(tmp_path) as started:
        yield started


def counted(running: Mesh, table: str) -> int:
    """Rows of a table."""
    return int(stores.rows(running.state_dir, f"SELECT count(*) AS count FROM {table}")[0]["count"])


async def test_c20_a_thousand_dry_runs_ask_nobody_and_cost_nothing(running: Mesh) -> None:
    """No provider hears of them, no row is written, nothing is spent or reserved."""
    room = asyncio.Semaphore(5)

    async def dry(number: int) -> int:
        async with room:
            answer = await running.http.post(DRY, json={**SUNSET, "prompt": f"A sunset, number {number}"})
            assert answer.status_code == 200, answer.text
            return int(answer.json()["total_cost_micros"])

    assert set(await asyncio.gather(*(dry(number) for number in range(1000)))) == {3_000}
    assert (await running.journal())["entries"] == []
    assert [counted(running, table) for table in ("requests", "attempts", "media", "inputs", "claims")] == [0] * 5


@pytest.mark.parametrize(
    "body",
    [
        SUNSET,
        {**SUNSET, "n": 4},
        {**SUNSET, "n": 7},
        {**SUNSET, "size": "1536x1024", "model": "flux-dev"},
        {"model": "gpt-image-2", "prompt": "x" * 40, "size": "1024x1024", "quality": "low", "n": 2},
        {"model": "studio", "prompt": "A sunset over mountains"},
    ],
    ids=str,
)
async def test_a_run_costs_what_its_dry_run_told(running: Mesh, body: dict[str, Any]) -> None:
    """To the micro-dollar where the price does not hang on what the provider counts; tokens of words are estimated."""
    told = (await running.http.post(DRY, json=body)).json()
    made = (await running.generate(**body)).json()["metadata"]
    assert told["provider"] == made["provider"]
    slack = 0.001 if body["model"] == "gpt-image-2" else 0
    assert made["cost"] == pytest.approx(told["metadata"]["cost"], abs=slack)
    first = next(each for each in told["targets"] if each["eligible"])
    assert (
        sum(part["total_cost"] for part in told["components"])
        == told["total_cost_micros"]
        == first["total_cost_micros"]
    )
    assert sum(attempt["estimated_cost"] for attempt in made["attempts"]) == pytest.approx(told["metadata"]["cost"])


async def test_every_target_of_the_route_is_priced_without_being_asked(running: Mesh) -> None:
    """The second target stands beside the first, with its own price."""
    body = (await running.http.post(DRY, json=SUNSET)).json()
    told = {each["target"]: (each["eligible"], each["total_cost_micros"]) for each in body["targets"]}
    assert told == {"fal/fal-ai/flux/schnell": (True, 3_000), "compat/flux-schnell": (True, 0)}
    assert (await running.journal())["entries"] == []


async def test_a_target_that_would_refuse_says_why(running: Mesh) -> None:
    """A parameter that cannot be honoured, under strict: refuse."""
    body = {**SUNSET, "model": "gpt-image-2", "seed": 7, "strict": "refuse"}
    (only,) = (await running.http.post(DRY, json=body)).json()["targets"]
    assert not only["eligible"]
    assert "seed" in only["excluded_because"]


async def test_estimate_over_grpc_is_the_same(running: Mesh) -> None:
    """Native callers ask the ledger's RouterService."""
    async with grpc.aio.insecure_channel(running.grpc_address()) as channel:
        stub = router_pb2_grpc.RouterServiceStub(channel)
        image = request_pb2.ImageRequest(model="flux-schnell", prompt="A sunset", image_count=7)
        ask = router_pb2.EstimateRequest(image=image)
        answer = await stub.Estimate(ask, metadata=[("authorization", f"Bearer {KEY}")])
    first = answer.targets[0]
    assert (first.target, first.call_count) == ("fal/fal-ai/flux/schnell", 2)
    assert to_micros(first.cost.amount) == 7 * 3_000
    assert counted(running, "requests") == 0


async def test_an_attempt_begins_with_its_adapters_estimate_where_the_price_is_no_plain_one(running: Mesh) -> None:
    """Tokens are not a price per picture: what is reserved before the call is what the adapter expects."""
    image = request_pb2.ImageRequest(model="gpt-image-2", prompt="A sunset", image_count=1)
    image.size.pixels.width_px = image.size.pixels.height_px = 1024
    image.output.quality = request_pb2.QUALITY_LOW
    owner = [("authorization", f"Bearer {KEY}")]
    async with grpc.aio.insecure_channel(running.grpc_address()) as channel:
        stub = router_pb2_grpc.RouterServiceStub(channel)
        answer = await stub.Estimate(router_pb2.EstimateRequest(image=image), metadata=owner)
        stream = stub.Generate(router_pb2.GenerateRequest(image=image, progressive=True), metadata=owner)
        events = [event async for response in stream for event in response.events]
    (begun,) = [event.attempt_started for event in events if event.HasField("attempt_started")]
    assert to_micros(begun.estimated_cost) == to_micros(answer.targets[0].cost.amount) == 196 * 30 + (2 + 6) * 5


async def test_u46_a_bill_that_cannot_be_read_leaves_the_computed_cost_and_a_doubt(running: Mesh) -> None:
    """fal's header of billed units says NaN: the table's price stands, and the attempt says why."""
    await running.script("fal", {"path": "result", "headers": {"X-Fal-Billable-Units": "NaN"}})
    answer = await running.generate(**SUNSET)
    (attempt,) = answer.json()["metadata"]["attempts"]
    assert attempt["cost"] == attempt["computed_cost"] == 0.003
    assert "reported_cost" not in attempt
    assert attempt["cost_doubt"]
    metrics = (await running.http.get("/metrics")).text
    assert 'heliostat_costs_unknown_total{provider="fal",target="fal/fal-ai/flux/schnell"} 1.0' in metrics
    assert 'heliostat_operator_events_total{kind="cost_unknown"}' in metrics


async def test_a_report_that_differs_from_the_table_is_told_as_drift(tmp_path: Path) -> None:
    """fal bills twice the units: its figure is the cost, the table's stands beside it."""
    async with mesh(tmp_path, checked=False) as running:
        await running.script("fal", {"path": "result", "headers": {"X-Fal-Billable-Units": "2"}})
        answer = await running.generate(**SUNSET)
        (attempt,) = answer.json()["metadata"]["attempts"]
        assert (attempt["cost"], attempt["reported_cost"], attempt["computed_cost"]) == (0.006, 0.006, 0.003)
        assert attempt["cost_drift"] == 0.003
        log = (await running.http.get(f"/v1/requests/{answer.json()['id']}")).json()
        assert log["attempts"][0]["cost_drift"] == 0.003
        assert log["attempts"][0]["computed_cost"] == 0.003
        columns = "cost_micros, estimated_micros, computed_micros, reported_micros, price_version"
        (row,) = stores.rows(running.state_dir, f"SELECT {columns} FROM attempts")
        assert tuple(row.values()) == (6_000, 3_000, 3_000, 6_000, "fal 2026-11-22")
        metrics = (await running.http.get("/metrics")).text
        drift = 'heliostat_cost_drifts_total{kind="reported",provider="fal",target="fal/fal-ai/flux/schnell"} 1.0'
        assert drift in metrics
