"""The answer says how several pictures were come by, and how many are missing."""

from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.money import to_micros
from tests.support.router_room import Answer, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, Step, capability, delivers, fails, says


def told_of_n(answer: Answer) -> tuple[str, str, str, int, str] | None:
    """The one adjustment about the number: requested, sent, delivered, mode, reason."""
    found = [one for one in answer.result.adjustments if one.parameter == "n"]
    assert len(found) <= 1
    return (found[0].requested, found[0].sent, found[0].delivered, found[0].mode, found[0].reason) if found else None


def adapter(name: str, most: int, *script: Step) -> ScriptedAdapter:
    """An adapter that makes `most` pictures a call."""
    return ScriptedAdapter(name, list(script) or [delivers()], models=[capability(max_image_count=most)])


EMULATED, CONVERTED = event_pb2.ADJUSTMENT_MODE_EMULATED, event_pb2.ADJUSTMENT_MODE_CONVERTED
DOWN = fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)
BLOCKED = fails(reasons.ERROR_REASON_CONTENT_BLOCKED)


@pytest.mark.parametrize(
    ("count", "adapters", "told"),
    [
        (1, [adapter("a", 1)], None),
        (4, [adapter("a", 4)], None),
        (5, [adapter("a", 4)], ("5", "3 + 2", "5", EMULATED, "The pictures took 2 calls.")),
        (
            3,
            [adapter("a", 1, delivers(), DOWN, delivers())],
            (
                "3",
                "1 + 1",
                "2",
                CONVERTED,
                "1 of 3 pictures could not be made: provider_unavailable.",
            ),
        ),
        (
            2,
            [adapter("a", 1, BLOCKED, delivers())],
            ("2", "1", "1", CONVERTED, "1 of 2 pictures could not be made: content_blocked."),
        ),
        (
            4,
            [adapter("a", 4, delivers(3))],
            (
                "4",
                "4",
                "3",
                CONVERTED,
                "1 of 4 pictures could not be made: the provider delivered fewer than it was asked for.",
            ),
        ),
        (
            4,
            [adapter("a", 4, delivers(2)), adapter("b", 4)],
            ("4", "4 + 2", "4", EMULATED, "The pictures took 2 calls."),
        ),
    ],
)
async def test_the_answer_says_what_became_of_n(count: int, adapters: list[ScriptedAdapter], told: Any) -> None:
    """One call needs no word; several calls and missing pictures do."""
    targets = [f"{each.provider}/model" for each in adapters]
    async with running_router(adapters, route(*targets), max_branches=1) as room:
        answer = await room.ask(image_count=count)
    assert told_of_n(answer) == told


async def test_u25_pictures_that_one_provider_lacks_come_from_the_next_and_are_paid_once() -> None:
    """The true count, the true cost, and no picture twice."""
    first, second = adapter("a", 4, delivers(1, 5000)), adapter("b", 1, delivers(micros=700))
    async with running_router([first, second], route("a/model", "b/model")) as room:
        answer = await room.ask(image_count=3)
    result = answer.result
    assert sorted(ended.image_index for ended in answer.of("media_ended")) == [0, 1, 2]
    assert (result.image_count, result.missing_image_count) == (3, 0)
    assert to_micros(result.cost.amount) == 5000 + 2 * 700
    assert told_of_n(answer) == ("3", "3 + 1 + 1", "3", EMULATED, "The pictures took 3 calls.")


async def test_a_caller_who_wants_to_hear_nothing_still_gets_the_true_count() -> None:
    """`strict: off` leaves the list empty, not the numbers."""
    async with running_router([adapter("a", 4, delivers(3))], route("a/model")) as room:
        result = (await room.ask(image_count=4, strict=request_pb2.STRICT_OFF)).result
    assert (list(result.adjustments), result.image_count, result.missing_image_count) == ([], 3, 1)


async def test_an_adapters_own_word_about_n_stands() -> None:
    """It knows why; how many came is added."""
    own = event_pb2.Adjustment(
        parameter="n", requested="2", sent="1", reason="There is one answer only.", mode=CONVERTED
    )
    result = event_pb2.ImageResult(provider="a", image_count=1, adjustments=[own])
    (events,) = [event async for event in delivers(1)(adapter("a", 4), adapter_pb2.GenerateRequest())][1:]
    answers = says([*events[:-1], event_pb2.ImageEvent(completed=result)])
    async with running_router([adapter("a", 4, answers)], route("a/model")) as room:
        answer = await room.ask(image_count=2)
    assert told_of_n(answer) == ("2", "1", "1", CONVERTED, "There is one answer only.")


async def test_masks_are_not_counted_against_n() -> None:
    """A segmentation answers what it finds."""
    models = [capability(operations=[capability_pb2.OPERATION_SEGMENT], max_image_count=1)]
    finder = ScriptedAdapter("a", [delivers(5)], models=models)
    async with running_router([finder], route("a/model")) as room:
        answer = await room.ask(segment=request_pb2.Segment())
    assert told_of_n(answer) is None
