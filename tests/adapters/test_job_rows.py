"""What may befall a job between its submit and its end: rows U32 to U36 of the plan of faults."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.routing_sim.virtual_time import run
from heliostat.adapters.sdk import Answer, Call, Model, polling
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, reason_name
from tests.adapters.served import ATTEMPT, pixels, wish
from tests.adapters.test_fal_queue import KEY, SCHNELL, Fal, running

SMALL = pixels(256, 256)
RUNNING = Answer(202, {}, b"{}")
DONE = Answer(200, {}, b"{}")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("FAL_KEY", KEY)


def looks(*states: str, **fields: Any) -> list[dict[str, Any]]:
    """Script rows: one look at a job after the other finds it so; afterwards the truth is told."""
    return [{"path": "status", "match": {}, "times": 1, "body": {"status": state, **fields}} for state in states]


async def test_u32_a_flapping_job_has_one_end_and_one_submit(tmp_path: Path) -> None:
    """Queued, running, queued, running, done."""
    async with running(tmp_path) as fal:
        await fal.script(*looks("IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS"))
        answer = await fal.room.ask(SCHNELL, size=SMALL)
        assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
        assert len(await fal.journal()) == 1


async def test_u33_success_stands_and_later_looks_are_not_made(tmp_path: Path) -> None:
    """After the first terminal state nobody asks for another one."""
    async with running(tmp_path) as fal:
        await fal.script(*looks("IN_QUEUE", "COMPLETED"), *looks("COMPLETED", error="no", error_type="internal_error"))
        answer = await fal.room.ask(SCHNELL, size=SMALL)
        assert answer.result.image_count == 1
        assert len(await fal.journal("status")) == 2


async def test_u33_failure_stands_where_a_result_turns_up_and_the_bill_is_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The contradiction is logged; nobody says that nothing was charged."""
    async with running(tmp_path) as fal:
        await fal.script(*looks("COMPLETED", error="no", error_type="internal_error"))
        with caplog.at_level(logging.WARNING):
            failure = (await fal.room.ask(SCHNELL, size=SMALL)).failure
        assert failure.failure is not None
        assert (failure.failure.outcome, failure.failure.billed) == (events.OUTCOME_ACCEPTED, events.BILLED_UNKNOWN)
        assert failure.failure.provider_job_id.startswith("fal-ai/flux/")
        assert "its result is there" in caplog.text


@pytest.mark.parametrize(
    "step",
    [{"status": 404}, {"status": 401}, {"status": 429}, {"status": 500}],
    ids=["u34-404", "u35-401", "u35-429", "u35-500"],
)
async def test_u34_u35_five_failing_looks_do_not_end_a_job(tmp_path: Path, step: dict[str, Any]) -> None:
    """Then it is found; it was submitted once."""
    async with running(tmp_path) as fal:
        await fal.script({"path": "status", "match": {}, "times": 5, "headers": {"retry-after-ms": "50"}, **step})
        assert (await fal.room.ask(SCHNELL, size=SMALL)).result.image_count == 1
        assert len(await fal.journal()) == 1
        assert len(await fal.journal("status")) == 6


# In virtual time: how long is waited, and how often is asked


class Bench:
    """What a call needs where nothing is fetched; its clock is the loop's."""

    def __init__(self) -> None:
        import random

        self.dice = random.Random(11)
        self.clock = self

    def monotonic(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()


def polled(answer_at: Callable[[float], Answer | int], time_s: float) -> tuple[list[float], MeshError | None]:
    """Polls a job in virtual time: when it was asked, and the error at the end, if any.

    `answer_at` tells the answer at a time, or the reason of an error.
    """
    times: list[float] = []

    async def go() -> MeshError | None:
        call = Call(cast(Any, Bench()), Model("m"), request_pb2.ImageRequest(), time_s=time_s)
        call.submitted, call.accepted_job_id = True, "job-1"

        async def ask() -> Answer:
            times.append(asyncio.get_running_loop().time())
            answer = answer_at(times[-1])
            if isinstance(answer, int):
                raise MeshError(answer, "no", failure=events.AttemptFailure(outcome=events.OUTCOME_ACCEPTED))
            return answer

        try:
            async for answer in polling.poll(call, ask):
                if answer is DONE:
                    return None
        except MeshError as error:
            return error
        raise AssertionError("polling ended without an answer")

    return times, run(go())


GONE = reasons.ERROR_REASON_PROVIDER_MODEL_GONE


def test_u34_a_job_that_nobody_knows_for_29_seconds_is_waited_for() -> None:
    """After 31 it is given up, and stays unknown with its id: it is looked up again later."""
    assert polled(lambda now: DONE if now >= 29 else GONE, 300)[1] is None
    times, error = polled(lambda now: DONE if now >= 36 else GONE, 300)
    assert error is not None
    assert reason_name(error.reason) == "provider_model_gone"
    assert 30 <= times[-1] <= 34


@pytest.mark.parametrize(
    "reason",
    [
        reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
        reasons.ERROR_REASON_RATE_LIMITED,
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
    ],
    ids=reason_name,
)
def test_u35_looks_back_off_with_jitter(reason: int) -> None:
    """Each wait is longer than the one before, up to about two seconds, and no two are the same."""
    times, error = polled(lambda now: DONE if now >= 25 else reason, 300)
    assert error is None
    waits = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    assert 0.09 <= waits[0] <= 0.11
    assert all(1.8 <= wait <= 2.2 for wait in waits[14:])
    assert len(times) < 30
    assert len(set(waits)) == len(waits)


async def test_u36_a_job_that_never_ends_is_left_at_its_deadline_and_cancelled_once(tmp_path: Path) -> None:
    """The caller hears of the time-out with the job's id; what it cost is not known."""
    async with running(tmp_path, job_seconds=600) as fal:
        failure = (await fal.room.ask(SCHNELL, timeout_s=4)).failure
        assert reason_name(failure.reason) == "provider_timeout"
        assert failure.failure is not None
        assert failure.failure.billed == events.BILLED_UNKNOWN
        async with asyncio.timeout(30):
            while not await fal.journal("cancel"):
                await asyncio.sleep(0.01)
        request = adapter_pb2.CancelRequest(attempt_id=ATTEMPT, provider_job_id=failure.failure.provider_job_id)
        assert (await fal.room.stub.Cancel(request)).found
        assert len(await fal.journal("cancel")) == 1
        assert len(await fal.journal()) == 1


async def test_a_resumed_job_is_not_cancelled_at_its_deadline(tmp_path: Path) -> None:
    """A restarted gateway waits for it a while; then it is looked up, for it may still be charged and delivered."""
    async with running(tmp_path, job_seconds=600) as fal:
        failure = (await fal.room.ask(SCHNELL, resume=await submitted(fal), timeout_s=4)).failure
        assert reason_name(failure.reason) == "provider_timeout"
        assert failure.failure is not None
        assert failure.failure.billed == events.BILLED_UNKNOWN
        assert await fal.journal("status") != []
        assert await fal.journal("cancel") == []


# A look at a job: what reconciliation asks for


async def look(fal: Fal, job: str) -> tuple[list[str], MeshError | None]:
    """The kinds of events of one look, and its error."""
    kinds: list[str] = []
    request = adapter_pb2.GenerateRequest(
        attempt_id="req_look/0/1",
        provider_model=SCHNELL,
        image=wish(size=SMALL),
        resume_provider_job_id=job,
        look_only=True,
    )
    try:
        async with stream(fal.room.stub.Generate, request, timeout_s=20) as messages:
            async for message in messages:
                kinds += [event.WhichOneof("event") or "" for event in message.events]
    except MeshError as error:
        return kinds, error
    return kinds, None


async def submitted(fal: Fal) -> str:
    """A job that another stream has bought."""
    answer = await fal.http.post(f"/fal/{SCHNELL}", json={"prompt": "x"}, headers={"authorization": f"Key {KEY}"})
    return f"fal-ai/flux/{answer.json()['request_id']}"


async def test_a_look_at_a_job_under_way_asks_once_and_cancels_nothing(tmp_path: Path) -> None:
    """It is still unknown what it costs."""
    async with running(tmp_path, job_seconds=600) as fal:
        kinds, error = await look(fal, await submitted(fal))
        assert kinds[0] == "provider_accepted"
        assert error is not None
        assert error.failure is not None
        assert error.failure.billed == events.BILLED_UNKNOWN
        assert len(await fal.journal("status")) == 1
        assert await fal.journal("cancel") == []


async def test_a_look_at_a_job_that_is_over_brings_its_picture(tmp_path: Path) -> None:
    """And its price; nothing is submitted."""
    async with running(tmp_path) as fal:
        job = await submitted(fal)
        async with asyncio.timeout(30):
            while (await look(fal, job))[1] is not None:
                await asyncio.sleep(0.01)
        kinds, error = await look(fal, job)
        assert error is None
        assert kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
        assert len(await fal.journal()) == 1


async def test_a_look_at_a_job_that_nobody_knows_does_not_wait(tmp_path: Path) -> None:
    """One question, one answer: it stays unknown."""
    async with running(tmp_path) as fal:
        _, error = await look(fal, "fal-ai/flux/none")
        assert error is not None
        assert error.failure is not None
        assert (reason_name(error.reason), error.failure.billed) == ("provider_model_gone", events.BILLED_UNKNOWN)
        assert len(await fal.journal("status")) == 1
