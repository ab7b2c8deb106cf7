"""What holds of every answer, whatever targets do: many requests with random faults, one checker."""

import random
from collections import Counter

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import from_status
from heliostat.chassis.money import to_micros
from tests.support.router_room import Answer, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, Step, accepted, capability, delivers, fails, picture, says

_REASONS = (
    reasons.ERROR_REASON_RATE_LIMITED,
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
    reasons.ERROR_REASON_PROVIDER_TIMEOUT,
    reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
    reasons.ERROR_REASON_INVALID_FIELD,
    reasons.ERROR_REASON_UNSUPPORTED,
)
_OUTCOMES = (None, event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED, event_pb2.OUTCOME_ACCEPTED)


def random_step(dice: random.Random) -> Step:
    """Something that a target may do."""
    kind = dice.choice(("all", "all", "all", "one", "none", "fails", "fails", "breaks", "previews"))
    if kind == "all":
        return delivers(micros=dice.choice((0, 1000, 4000)))
    if kind == "one":
        return delivers(1)
    if kind == "none":
        return says([accepted("job-1")])
    before = {"fails": [], "breaks": picture(0), "previews": picture(0, partial=True)}[kind]
    billed = dice.choice((event_pb2.BILLED_UNSPECIFIED, event_pb2.BILLED_YES))
    reason = dice.choice(_REASONS)
    pause_s = 0.0 if reason == reasons.ERROR_REASON_RATE_LIMITED else None
    return fails(reason, dice.choice(_OUTCOMES), before=before, billed=billed, micros=500, retry_after_s=pause_s)


def check(answer: Answer, image_count: int, max_attempts: int) -> None:
    """The grammar, the sums and the limits of one answer."""
    started: list[str] = []
    target_of: dict[str, str] = {}
    failed: set[str] = set()
    limited: set[str] = set()
    whole: list[int] = []
    partial: dict[tuple[str, int], bool] = {}
    for message in answer.messages:
        for event in message.events:
            attempt_id = event.attempt_id
            if event.HasField("waiting"):
                assert attempt_id == ""
                continue
            if event.HasField("attempt_started"):
                assert len(message.events) == 1
                assert attempt_id not in started
                branch = attempt_id.rsplit("/", 1)[0]
                others = failed - limited
                refused = {target_of[other] for other in others if other.startswith(f"{branch}/")}
                assert event.attempt_started.target not in refused
                target_of[attempt_id] = event.attempt_started.target
                started.append(attempt_id)
            assert attempt_id in started
            assert attempt_id not in failed or event.HasField("completed")
            if event.HasField("attempt_failed"):
                failed.add(attempt_id)
                if was_rate_limited(event.attempt_failed.attempt):
                    limited.add(attempt_id)
            elif event.HasField("media_started"):
                partial[attempt_id, event.media_started.image_index] = event.media_started.partial
            elif event.HasField("media_ended") and not partial[attempt_id, event.media_ended.image_index]:
                whole.append(event.media_ended.image_index)
    assert len(set(whole)) == len(whole)
    assert set(whole) <= set(range(image_count))
    assert (answer.error is None) == bool(whole)
    failures = Counter(attempt_id.rsplit("/", 1)[0] for attempt_id in failed)
    assert max(failures.values(), default=0) <= max_attempts
    if answer.error is None:
        check_result(answer.result, started, failed, len(whole), image_count)
        assert answer.events[-1].HasField("completed")


def was_rate_limited(attempt: event_pb2.Attempt) -> bool:
    """True where the target asked for a pause and took nothing: only then may it be asked again."""
    reason = from_status(attempt.status).reason
    return reason == reasons.ERROR_REASON_RATE_LIMITED and attempt.billed == event_pb2.BILLED_NO


def check_result(
    result: event_pb2.ImageResult, started: list[str], failed: set[str], whole: int, image_count: int
) -> None:
    """The result counts what was delivered and sums what was billed."""
    assert (result.image_count, result.missing_image_count) == (whole, image_count - whole)
    assert sorted(attempt.attempt_id for attempt in result.attempts) == sorted(started)
    assert sum(attempt.image_count for attempt in result.attempts) == whole
    assert {attempt.attempt_id for attempt in result.attempts if attempt.HasField("status")} == failed
    billed = [attempt for attempt in result.attempts if attempt.billed == event_pb2.BILLED_YES]
    assert to_micros(result.cost.amount) == sum(to_micros(attempt.cost) for attempt in billed)


@pytest.mark.parametrize("seed", range(6))
async def test_every_answer_is_sound(seed: int) -> None:
    """Pictures once each, attempts told before and after, the true count and the true cost."""
    dice = random.Random(seed)
    for _ in range(40):
        adapters = [
            ScriptedAdapter(
                name,
                [random_step(dice) for _ in range(12)],
                models=[capability(max_image_count=dice.randint(1, 4))],
            )
            for name in "abcd"
        ]
        targets = [f"{adapter.provider}/model" for adapter in adapters]
        image_count, max_attempts = dice.randint(1, 7), dice.randint(1, 4)
        on_unknown = dice.choice(("next", "fail"))
        async with running_router(adapters, route(*targets, on_unknown=on_unknown), max_attempts=max_attempts) as room:
            answer = await room.ask(image_count=image_count)
        check(answer, image_count, max_attempts)
