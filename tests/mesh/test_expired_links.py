"""Row U29 of the plan of faults through the whole mesh: links to results that hold no more."""

from pathlib import Path
from typing import Any

from heliostat.chassis import telemetry
from tests.support.mesh import mesh

FAL = {"target": "fal/fal-ai/flux/schnell"}
ROUTES = {"routes": [{"model": "two", "targets": [FAL, {"target": "studio/studio", "priority": 1}]}]}
BOAT = {"model": "two", "prompt": "A boat", "size": "256x256"}


def priced(body: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """Provider, bill and cost of each attempt."""
    return [(each["provider"], each["billed"], each["cost"]) for each in body["metadata"]["attempts"]]


async def test_u29_an_expired_link_is_asked_for_anew_and_the_trace_shows_it(tmp_path: Path) -> None:
    """Three tries, one more look at the job, the picture: one attempt, one purchase."""
    async with mesh(tmp_path, over={"router": ROUTES}) as running:
        await running.script("fal", {"path": "result", "spoil": "expired", "times": 1})
        answer = await running.generate(**BOAT)
        assert answer.status_code == 200, answer.text
        entries = (await running.journal("fal"))["entries"]
    assert priced(answer.json()) == [("fal", "yes", 0.003)]
    assert [entry["kind"] for entry in entries if entry["kind"] in ("submit", "result", "file")] == [
        *("submit", "result", "file", "file", "file"),
        *("result", "file"),
    ]
    spans = running.collector.trace(answer.headers["x-heliostat-trace-id"])
    fetched = [span.attributes[telemetry.HTTP_STATUS] for span in spans if span.name == "GET picture"]
    assert fetched == [403, 403, 403, 200]


async def test_u29_a_link_that_stays_expired_is_billed_and_somebody_else_delivers(tmp_path: Path) -> None:
    """The cost of what could not be fetched is kept, and part of the answer's."""
    async with mesh(tmp_path, over={"router": ROUTES}) as running:
        await running.script("fal", {"path": "result", "spoil": "expired"})
        answer = await running.generate(**BOAT)
        assert answer.status_code == 200, answer.text
    assert priced(answer.json()) == [("fal", "yes", 0.003), ("studio", "no", 0.0)]
    assert answer.json()["metadata"]["cost"] == 0.003
