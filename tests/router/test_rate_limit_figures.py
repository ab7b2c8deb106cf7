"""What a rate limit may cost a caller, to the figure, in virtual time."""

import pytest

from tests.support.router_room import route
from tests.support.scripted_adapter import ScriptedAdapter, delivers
from tests.support.virtual_room import limited, noting, taking, virtual, virtually

_QUICK = taking(0.1, delivers())


@virtually
async def test_u08_a_pause_of_one_second_is_waited_for_on_the_same_priority() -> None:
    """429 with Retry-After: 1 while a second target stands: the first one is asked again, after a second."""
    adapters = [ScriptedAdapter("a", [limited(1.0), _QUICK]), ScriptedAdapter("b", [_QUICK])]
    async with virtual(adapters, route("a/model", "b/model")) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "a/model"]
    assert 1.0 <= answer.took_s <= 1.2


@virtually
async def test_u08_with_max_wait_0_the_second_target_answers_at_once() -> None:
    """The same 429, and not a moment is waited."""
    adapters = [ScriptedAdapter("a", [limited(1.0), _QUICK]), ScriptedAdapter("b", [_QUICK])]
    async with virtual(adapters, route("a/model", "b/model"), max_wait_s=0) as room:
        answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    assert answer.took_s == pytest.approx(0.1)


@virtually
async def test_u08_a_lone_target_that_pauses_for_two_seconds_answers_within_three() -> None:
    """429 with Retry-After: 2 and no other target: no error, 2.0 to 3.0 seconds, and no call in between by anybody."""
    calls: list[float] = []
    only = ScriptedAdapter("a", [noting(calls, limited(2.0)), noting(calls, _QUICK)])
    async with virtual([only], route("a/model")) as room:
        answers = await room.ask_at(5.0, 1.0)
    assert [answer.reason for answer in answers] == [""] * 5
    assert 2.0 <= answers[0].took_s <= 3.0
    assert all(answer.ended <= 3.0 for answer in answers)
    assert calls[0] == 0.0
    assert all(2.0 <= time <= 3.0 for time in calls[1:])
