"""What the router counts, and what never becomes a label."""

from prometheus_client import REGISTRY

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from tests.support.router_room import route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails


def attempts(provider: str, target: str, reason: str) -> float:
    """Attempts counted so far."""
    labels = {"provider": provider, "target": target, "reason": reason}
    return REGISTRY.get_sample_value("heliostat_attempts_total", labels) or 0.0


async def test_attempts_are_counted_by_reason() -> None:
    """One for the failure, one for the success."""
    limited = ScriptedAdapter("metered", [fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=0.0), delivers()])
    async with running_router([limited], route("metered/model")) as room:
        await room.ask()
    assert attempts("metered", "metered/model", "rate_limited") == 1
    assert attempts("metered", "metered/model", "") == 1
    assert REGISTRY.get_sample_value("heliostat_attempt_duration_seconds_count", {"provider": "metered"}) == 2
    assert REGISTRY.get_sample_value("heliostat_in_flight", {"room": "router"}) == 0


async def test_names_that_callers_make_up_share_one_label() -> None:
    """Metrics do not grow with the imagination of callers."""
    adapter = ScriptedAdapter("open", models=[capability("*"), capability("known")])
    async with running_router([adapter]) as room:
        for name in ("one", "two", "known"):
            await room.ask(model=f"open/{name}")
    assert attempts("open", "open/*", "") == 2
    assert attempts("open", "open/known", "") == 1
    assert attempts("open", "open/one", "") == 0


async def test_all_attempts_are_in_the_callers_trace() -> None:
    """One trace from the caller to every adapter that was asked, branches included."""
    first = ScriptedAdapter(
        "a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)], models=[capability(max_image_count=1)]
    )
    second = ScriptedAdapter("b")
    async with running_router([first, second], route("a/model", "b/model")) as room:
        with telemetry.span("caller") as span:
            await room.ask(image_count=2)
    assert first.traces + second.traces == [span.trace_id] * 4
