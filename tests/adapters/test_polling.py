"""A job is waited for with patience, and never beyond the deadline."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, cast

import pytest

from heliostat.adapters.sdk import Answer, Call, Model, polling
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name

RUNNING = Answer(202, {}, b"{}")
DONE = Answer(200, {}, b"{}")


class Bench:
    """What a call needs where nothing is fetched."""

    clock = Clock()
    dice = random.Random(7)


def call_of(time_s: float = 10.0) -> Call:
    """A call whose job was taken."""
    call = Call(cast(Any, Bench()), Model("m"), request_pb2.ImageRequest(), time_s=time_s)
    call.submitted = True
    call.accepted_job_id = "job-1"
    return call


class Job:
    """Answers polls one by one; the last answer stays."""

    def __init__(self, *answers: Answer | int) -> None:
        self.answers: Sequence[Answer | int] = answers
        self.polls = 0

    async def ask(self) -> Answer:
        """One poll; a number is the reason of an error."""
        answer = self.answers[min(self.polls, len(self.answers) - 1)]
        self.polls += 1
        if isinstance(answer, int):
            raise MeshError(answer, "no")
        return answer


async def statuses(job: Job, call: Call, **options: float) -> list[int]:
    """Polls until the job is done."""
    seen = []
    async for answer in polling.poll(call, job.ask, **{"first_s": 0.001, **options}):
        seen.append(answer.status)
        if answer is DONE:
            break
    return seen


async def test_a_job_is_polled_until_it_is_done() -> None:
    """Every answer is told."""
    assert await statuses(Job(RUNNING, RUNNING, DONE), call_of()) == [202, 202, 200]


@pytest.mark.parametrize(
    "reason",
    [
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
        reasons.ERROR_REASON_PROVIDER_TIMEOUT,
        reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
        reasons.ERROR_REASON_RATE_LIMITED,
        reasons.ERROR_REASON_PROVIDER_MODEL_GONE,
        reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
    ],
    ids=reason_name,
)
async def test_a_job_outlives_polls_that_fail(reason: int) -> None:
    """Five of them in a row, here."""
    job = Job(*[reason] * 5, RUNNING, DONE)
    assert await statuses(job, call_of()) == [202, 200]
    assert job.polls == 7


async def test_patience_with_failing_polls_has_an_end() -> None:
    """The last error is told."""
    job = Job(reasons.ERROR_REASON_PROVIDER_MODEL_GONE)
    with pytest.raises(MeshError) as caught:
        await statuses(job, call_of(), patience_s=0.01)
    assert reason_name(caught.value.reason) == "provider_model_gone"


async def test_an_error_that_no_job_outlives_ends_the_wait_at_once() -> None:
    """A blocked picture stays blocked."""
    job = Job(reasons.ERROR_REASON_CONTENT_BLOCKED)
    with pytest.raises(MeshError):
        await statuses(job, call_of())
    assert job.polls == 1


async def test_a_job_that_never_ends_is_left_at_the_deadline_with_its_id() -> None:
    """Whoever asks again can look it up."""
    with pytest.raises(MeshError) as caught:
        await statuses(Job(RUNNING), call_of(time_s=0.05))
    error = caught.value
    assert error.failure is not None
    assert reason_name(error.reason) == "provider_timeout"
    assert error.failure.outcome == event_pb2.OUTCOME_ACCEPTED
    assert error.failure.billed == event_pb2.BILLED_UNKNOWN
    assert error.failure.provider_job_id == "job-1"


async def test_a_webhook_ends_a_wait() -> None:
    """Without it the first poll would come after an hour."""
    call, job = call_of(time_s=7200), Job(DONE)
    polled = asyncio.create_task(statuses(job, call, first_s=3600))
    await asyncio.sleep(0)
    assert job.polls == 0
    call.wake.set()
    async with asyncio.timeout(30):
        assert await polled == [200]
    assert not call.wake.is_set()
