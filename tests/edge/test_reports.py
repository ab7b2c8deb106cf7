"""How providers fare, and how a split between targets went, as callers read it."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.edge.reports import time_of
from tests.edge.conftest import Bench


async def test_providers_are_listed(bench: Bench) -> None:
    """State and reasons in words; what was never asked has no figures rather than zeros."""
    bench.ledger.providers = [
        router_pb2.Provider(
            name="fal",
            provider="fal",
            status=router_pb2.PROVIDER_STATUS_DEGRADED,
            pulse=router_pb2.Pulse(call_count=3, success_ratio=2 / 3, p50_seconds=0.25, p95_seconds=0.5),
            targets=[
                router_pb2.ProviderTarget(
                    target="fal/x",
                    models=["flux-schnell"],
                    status=router_pb2.TARGET_STATUS_DOWN,
                    because="It failed 5 times in a row.",
                    return_time=Timestamp(seconds=60),
                ),
                router_pb2.ProviderTarget(target="fal/y", status=router_pb2.TARGET_STATUS_UP),
            ],
        )
    ]
    for base in ("/v1", "/openai/v1"):
        body = (await bench.client.get(f"{base}/providers")).json()
        (provider,) = body["data"]
        down, up = provider.pop("targets")
        assert provider == {
            "id": "fal",
            "object": "provider",
            "provider": "fal",
            "status": "degraded",
            "calls": 3,
            "success_rate": 0.6667,
            "p50_seconds": 0.25,
            "p95_seconds": 0.5,
        }
        assert (down["status"], down["because"]) == ("down", "It failed 5 times in a row.")
        assert (down["models"], down["returns_at"]) == (["flux-schnell"], "1970-01-01T00:01:00Z")
        assert (up["status"], up["because"], up["returns_at"], up["success_rate"]) == ("up", None, None, None)


async def test_a_status_of_a_newer_version_is_a_number(bench: Bench) -> None:
    """A word that this edge does not know is no reason to fail."""
    newer = router_pb2.Provider(name="fal")
    newer.status = 77  # type: ignore[assignment]
    bench.ledger.providers = [newer]
    assert (await bench.client.get("/v1/providers")).json()["data"][0]["status"] == "77"


async def test_arms_are_told(bench: Bench) -> None:
    """Counts as they are, rates and money in numbers, nothing where there was nothing."""
    bench.ledger.arms = [
        ledger_pb2.Arm(
            target="fal/x",
            weight=9,
            request_count=8,
            success_count=6,
            rescued_count=1,
            attempt_count=8,
            delivered_count=6,
            image_count=7,
            cost=to_money(18_000),
            p50_duration=Duration(seconds=1, nanos=500_000_000),
            p95_duration=Duration(seconds=2),
        ),
        ledger_pb2.Arm(target="compat/y", priority=1),
    ]
    window = "?start_time=2026-11-01T00:00:00Z&end_time=1793570400"
    body = (await bench.client.get("/v1/routes/flux-schnell/arms" + window)).json()
    first, second = body.pop("data")
    assert body == {
        "object": "list",
        "route": "flux-schnell",
        "start_time": "2026-11-01T00:00:00Z",
        "end_time": "2026-11-01T22:00:00Z",
        "currency": "USD",
    }
    assert first == {
        "target": "fal/x",
        "priority": 0,
        "weight": 9,
        "requests": 8,
        "succeeded": 6,
        "rescued": 1,
        "success_rate": 0.75,
        "attempts": 8,
        "delivered": 6,
        "images": 7,
        "cost": 0.018,
        "p50_seconds": 1.5,
        "p95_seconds": 2.0,
    }
    assert (second["success_rate"], second["p50_seconds"], second["cost"]) == (None, None, 0)


async def test_a_route_may_have_slashes_in_its_name(bench: Bench) -> None:
    """A forced target is a model as well; an unknown one is 404."""
    assert (await bench.client.get("/v1/routes/fal/fal-ai/flux/arms")).json()["route"] == "fal/fal-ai/flux"
    answer = await bench.client.get("/v1/routes/nothing/arms")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "model")


@pytest.mark.parametrize("path", ["/v1/providers", "/v1/routes/flux-schnell/arms"])
async def test_reports_want_a_key(bench: Bench, path: str) -> None:
    """Nobody looks in from outside."""
    answer = await bench.client.get(path, headers={"authorization": "Bearer bad"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-01", 1793491200),
        ("2026-11-01T12:00:00", 1793534400),
        ("2026-11-01T12:00:00Z", 1793534400),
        ("2026-11-01T12:00:00+02:00", 1793527200),
        ("2026-11-01T12:00:00 02:00", 1793527200),
        ("0", 0),
        ("1793534400", 1793534400),
    ],
)
def test_times_are_read(text: str, seconds: int) -> None:
    """As RFC 3339 writes them, with a plus sign that was not escaped, or in seconds."""
    assert time_of(text, "start_time").seconds == seconds


@pytest.mark.parametrize("text", ["yesterday", "9" * 30, "-5", "2026-13-01", "0001-01-01T00:00:00+23:00"])
async def test_other_times_are_refused(bench: Bench, text: str) -> None:
    """By the field's name; the value is not repeated."""
    with pytest.raises(MeshError) as caught:
        time_of(text, "end_time")
    assert caught.value.field == "end_time"
    answer = await bench.client.get("/v1/routes/flux-schnell/arms", params={"start_time": text})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "start_time")
    assert text not in answer.text
