"""Where a provider says that its result is: rows U26, U28, U29, U31 of the plan of faults, through a whole adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.errors import reason_name
from heliostat.painting.blank import blank_png
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import Answer, pixels
from tests.adapters.test_fal_queue import KEY, SCHNELL, Fal, running
from tests.adapters.test_guard import BOMBS, ELSEWHERE

SMALL = pixels(256, 256)
PICTURE = blank_png(256, 256)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("FAL_KEY", KEY)


@pytest.fixture
async def fal(tmp_path: Path) -> AsyncIterator[Fal]:
    """A provider whose jobs take no time."""
    async with running(tmp_path) as one:
        yield one


async def resulting(fal: Fal, url: str) -> Answer:
    """What the adapter makes of a job whose picture is said to be at an address."""
    result = {"images": [{"url": url, "width": 256, "height": 256}], "has_nsfw_concepts": [False], "seed": 1}
    await fal.script({"path": "result", "body": result})
    return await fal.room.ask(SCHNELL, size=SMALL)


def told(answer: Answer) -> tuple[str, str, int, int]:
    """Reason, phase, outcome and bill of an attempt that failed."""
    error = answer.failure
    assert error.failure is not None
    return reason_name(error.reason), error.failure.phase, error.failure.outcome, error.failure.billed


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_u26_a_result_inside_is_not_fetched_and_stays_billed(fal: Fal, url: str) -> None:
    """The attempt failed, and what it cost is kept: the provider did its work."""
    answer = await resulting(fal, url.replace("{port}", "22"))
    reason, phase, outcome, billed = told(answer)
    assert reason in ("provider_answer_invalid", "media_invalid")
    assert (phase, outcome, billed) == ("download", events.OUTCOME_ACCEPTED, events.BILLED_YES)
    assert len(await fal.journal()) == 1


async def test_u26_u28_a_result_that_leads_elsewhere_takes_no_key_along(fal: Fal) -> None:
    """The file's host sees a GET without credentials; where it redirects to is not asked."""

    async def away(exchange: Exchange) -> None:
        await exchange.answer(302, location="https://169.254.169.254/latest/meta-data")

    async with raw_server(away) as outside:
        answer = await resulting(fal, f"{outside.base}/a.png")
        assert told(answer)[0] == "provider_answer_invalid"
        (seen,) = outside.seen
        assert not {"authorization", "cookie", "x-key"} & seen.headers.keys()


@pytest.mark.parametrize(
    ("status", "tries"),
    [(403, 3), (404, 3), (410, 1), (500, 3), (503, 3)],
    ids=["expired", "missing", "gone", "broken", "away"],
)
async def test_u29_a_result_that_cannot_be_read_is_billed_with_its_cost(fal: Fal, status: int, tries: int) -> None:
    """Three tries where trying again may help; then the attempt has failed, its job and its cost are known."""

    async def no(exchange: Exchange) -> None:
        await exchange.answer(status)

    async with raw_server(no) as files:
        answer = await resulting(fal, f"{files.base}/a.png")
        assert told(answer) == ("provider_unavailable", "download", events.OUTCOME_ACCEPTED, events.BILLED_YES)
        failure = answer.failure.failure
        assert failure is not None
        assert failure.provider_job_id
        assert failure.cost.nanos == 3_000_000
        assert len(files.seen) == tries
        assert len(await fal.journal()) == 1


async def test_u29_a_result_that_appears_late_is_delivered(fal: Fal) -> None:
    """Twice not there, then there: bought once."""
    tries = 0

    async def late(exchange: Exchange) -> None:
        nonlocal tries
        tries += 1
        await (exchange.answer(200, PICTURE) if tries == 3 else exchange.answer(404))

    async with raw_server(late) as files:
        answer = await resulting(fal, f"{files.base}/a.png")
        assert answer.result.image_count == 1
        assert len(await fal.journal()) == 1


@pytest.mark.parametrize("name", BOMBS)
async def test_u31_a_bomb_for_a_result_is_not_delivered(fal: Fal, name: str) -> None:
    """Refused from its head, whatever the header says of it; the work is billed."""
    bomb, _ = BOMBS[name]

    async def sent(exchange: Exchange) -> None:
        await exchange.answer(200, bomb, content_type="image/png")

    async with raw_server(sent) as files:
        answer = await resulting(fal, f"{files.base}/a.png")
        assert told(answer)[0] == "media_invalid"
        assert told(answer)[3] == events.BILLED_YES
        assert answer.pictures == []
