"""A run is seen in traces, metrics and logs, and its words are in none of them."""

import logging
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import PRICE, ask, happy, ledger


def count(name: str, **labels: str) -> float:
    """A metric's value; 0 where it has none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_run_belongs_to_its_callers_trace(tmp_path: Path) -> None:
    """The row carries the trace id under which the caller asked, though the run has a context of its own."""
    async with ledger(tmp_path, happy()) as room:
        with telemetry.span("caller") as span:
            await room.run(ask())
        (row,) = await room.rows("requests")
    assert row["trace_id"] == span.trace_id


async def test_ends_are_counted(tmp_path: Path) -> None:
    """By operation, model and outcome, with cost; nothing stays in flight; unknown models are not labels."""
    asked = {"operation": "text_to_image", "model": "flux-schnell", "outcome": "succeeded"}
    before = count("heliostat_requests_total", **asked)
    spent = count("heliostat_cost_micros_total", provider="fal", model="flux-schnell")
    lost = count("heliostat_requests_total", operation="text_to_image", model="unknown", outcome="failed")
    async with ledger(tmp_path / "a", happy()) as room:
        await room.run(ask())
    error = MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "No.")
    async with ledger(tmp_path / "b", lambda _: [error]) as room:
        with pytest.raises(MeshError):
            await room.run(ask())
    assert count("heliostat_requests_total", **asked) == before + 1
    assert count("heliostat_cost_micros_total", provider="fal", model="flux-schnell") == spent + PRICE
    after = count("heliostat_requests_total", operation="text_to_image", model="unknown", outcome="failed")
    assert after == lost + 1
    assert count("heliostat_in_flight", room="ledger") == 0


async def test_words_and_keys_are_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A prompt, a key, a provider's fault that nobody foresaw: none of their texts is in a line or in an answer."""
    caplog.set_level(logging.DEBUG, logger="heliostat")

    class UnforeseenError(Exception):
        """A fault whose text holds a secret."""

    async with ledger(tmp_path, lambda _: [UnforeseenError("canary-in-fault")]) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask("canary-in-prompt"), "canary-in-key")
    told = " ".join(f"{record.getMessage()} {record.__dict__.get('fields')}" for record in caplog.records)
    assert "canary" not in told
    assert "canary" not in f"{caught.value.message}{caught.value.metadata}"
