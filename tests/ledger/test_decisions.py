"""Why a request went where it went: kept with its attempts, told to operators, and in the trace."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.ledger.decisions import DecisionLog
from tests.support.ledger_room import (
    Room,
    ask,
    attempt,
    completed,
    failed,
    happy,
    ledger,
    picture,
    picture_bytes,
    started,
)

NAME = "req_" + "d" * 24
REFUSED = {"outcome": event_pb2.OUTCOME_REFUSED, "billed": event_pb2.BILLED_NO}


def decision(draw: float) -> event_pb2.Decision:
    """Two candidates, one of them out."""
    made = event_pb2.Decision(route="flux-schnell", draw=draw)
    made.candidates.add(target="fal/x", weight=1)
    made.candidates.add(target="compat/y", priority=1, weight=1, excluded_because="has no key")
    return made


def three_tries(draws: Sequence[float | None]) -> Any:
    """A request that is asked of three targets, each chosen by the decision with that draw."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        down = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down.")
        steps: list[Any] = []
        for ordinal, draw in enumerate(draws, 1):
            (begun,) = started(name, ordinal)
            if draw is not None:
                begun.attempt_started.decision.CopyFrom(decision(draw))
            steps.append([begun])
            if ordinal < len(draws):
                steps.append(failed(name, down, ordinal, more=True, **REFUSED))
        last = len(draws)
        return [*steps, picture(name, picture_bytes(), ordinal=last), completed(name, attempt(name, last))]

    return script


async def told(room: Room) -> admin_pb2.GetDecisionsResponse:
    """What operators see of the request."""
    return await call(room.admin.GetDecisions, admin_pb2.GetDecisionsRequest(request_id=NAME))


async def test_each_decision_is_kept_once(tmp_path: Path) -> None:
    """With the intent of the first attempt that follows from it, as the router told it."""
    async with ledger(tmp_path, three_tries([0.25, 0.25, 0.5])) as room:
        await room.run(ask(request_id=NAME))
        rows = sorted(await room.rows("attempts"), key=lambda row: str(row["attempt_id"]))
        answer = await told(room)
    assert [row["decision"] is not None for row in rows] == [True, False, True]
    assert [each.attempt_id for each in answer.decisions] == [f"{NAME}/0/{ordinal}" for ordinal in (1, 2, 3)]
    assert [each.HasField("decision") for each in answer.decisions] == [True, False, True]
    assert answer.decisions[0].decision == decision(0.25)
    assert answer.decisions[2].decision == decision(0.5)
    assert [each.target for each in answer.request.attempts] == ["fal/x"] * 3


async def test_a_request_without_a_decision_says_so(tmp_path: Path) -> None:
    """One that chose no target or was made by an earlier version is RESOURCE_GONE, an unknown one NOT_FOUND."""
    async with ledger(tmp_path, happy()) as room:
        with pytest.raises(MeshError) as unknown:
            await told(room)
        await room.run(ask(request_id=NAME))
        with pytest.raises(MeshError) as undecided:
            await told(room)
    assert unknown.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
    assert (undecided.value.reason, undecided.value.field) == (reasons.ERROR_REASON_RESOURCE_GONE, "request_id")
    assert "No decision is kept" in undecided.value.message


def test_a_decision_is_told_in_the_trace() -> None:
    """How many candidates, which of them out and why, and the draw; nothing where nothing was decided."""
    log = DecisionLog()
    assert log.attributes() == {}
    log.keep(event_pb2.AttemptStarted(decision=decision(0.25)))
    assert log.attributes() == {
        telemetry.DECISION_ROUTE: "flux-schnell",
        telemetry.DECISION_DRAW: 0.25,
        telemetry.DECISION_CANDIDATE_COUNT: 2,
        telemetry.DECISION_EXCLUDED_COUNT: 1,
        telemetry.DECISION_EXCLUDED: "compat/y has no key",
    }


def test_a_long_decision_stays_small_in_the_trace() -> None:
    """A thousand excluded targets are counted, not listed."""
    made = event_pb2.Decision(route="m")
    for number in range(1_000):
        made.candidates.add(target=f"a/{number}", excluded_because="is away")
    log = DecisionLog()
    log.keep(event_pb2.AttemptStarted(decision=made))
    attributes = log.attributes()
    assert attributes[telemetry.DECISION_EXCLUDED_COUNT] == 1_000
    assert len(str(attributes[telemetry.DECISION_EXCLUDED])) == 1_000


async def test_f11_fallback_models_stay_within_the_key(tmp_path: Path) -> None:
    """A key for one model is not used for another by naming it as a fallback."""
    async with ledger(tmp_path, happy(), open=False) as room:
        limits = admin_pb2.KeyLimits(models=["flux-schnell"])
        made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=admin_pb2.Key(limits=limits)))
        request = ask()
        request.image.routing.fallback_models.append("gpt-image-2")
        with pytest.raises(MeshError) as caught:
            await room.run(request, made.secret)
        assert room.router.asked == []
    assert caught.value.reason == reasons.ERROR_REASON_CALLER_FORBIDDEN


async def test_a_model_is_counted_by_the_name_of_its_route(tmp_path: Path) -> None:
    """However a caller writes its name: no new label is made by it."""

    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    counted = {"operation": "text_to_image", "outcome": "succeeded"}
    before = count("heliostat_requests_total", **counted, model="flux-schnell")
    async with ledger(tmp_path, three_tries([0.5])) as room:
        asked = ask()
        asked.image.model = "FLUX__schnell"
        await room.run(asked)
    assert count("heliostat_requests_total", **counted, model="flux-schnell") == before + 1
    assert count("heliostat_requests_total", **counted, model="FLUX__schnell") == 0
