"""Which step a request gets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from heliostat.emulators.script import NORMAL, Script, Step


def taken(steps: list[Step], *kinds: str) -> list[int | None]:
    """Take a step per kind, and give their statuses."""
    script = Script()
    script.load(steps)
    return [script.take(kind, "model", "a red fox").status for kind in kinds]


def test_no_script_is_normal() -> None:
    """Without steps every request gets its real answer."""
    assert Script().take("generations", "model", "prompt") is NORMAL


def test_steps_in_order_and_the_last_one_stays() -> None:
    """One step per billable request, whichever its kind; the last is used from then on."""
    steps = [Step(status=500), Step(status=503)]
    assert taken(steps, "generations", "submit", "edits", "generations") == [500, 503, 503, 503]


def test_times_repeats_a_step_and_ends_the_last_one() -> None:
    """`times` counts a step's uses; when the last step is used up the provider behaves."""
    steps = [Step(status=500, times=2), Step(status=503, times=1)]
    assert taken(steps, "submit", "submit", "submit", "submit") == [500, 500, 503, None]


def test_steps_without_path_leave_other_requests_alone() -> None:
    """Polls and downloads use no step of the submits."""
    assert taken([Step(status=500)], "status", "result", "file", "submit") == [None, None, None, 500]


@pytest.mark.parametrize(
    ("path", "hit"),
    [("submit", {"submit", "generations", "edits"}), ("edits", {"edits"}), ("status", {"status"}), ("job", {"job"})],
)
def test_path_restricts_a_step(path: str, hit: set[str]) -> None:
    """A step with a path is for that kind; "submit" is for all that may be billed."""
    for kind in ("submit", "generations", "edits", "status", "result", "job"):
        assert taken([Step(path=path, status=500)], kind) == [500 if kind in hit else None]


def test_paths_have_queues_of_their_own() -> None:
    """Steps for other kinds are passed over, not used up."""
    steps = [Step(path="status", status=500), Step(path="generations", status=503), Step(path="generations")]
    assert taken(steps, "generations", "generations", "status", "status") == [503, None, 500, 500]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"model": "model"}, True),
        ({"model": "mod*"}, True),
        ({"model": "mode"}, False),
        ({"prompt": "fox"}, True),
        ({"prompt": "bear"}, False),
        ({"model": "model", "prompt": "bear"}, False),
    ],
)
def test_match_by_model_pattern_and_part_of_the_prompt(match: dict[str, str], hit: bool) -> None:
    """A matched step is for fitting requests only, as often as they come."""
    steps = [Step.model_validate({"match": match, "status": 429})]
    assert taken(steps, "submit", "submit") == ([429, 429] if hit else [None, None])


def test_matched_steps_come_first_while_they_last() -> None:
    """A matched step goes before the queue and does not use it up."""
    steps = [Step(status=500), Step.model_validate({"match": {"model": "*"}, "status": 429, "times": 2})]
    assert taken(steps, "submit", "submit", "submit") == [429, 429, 500]


@pytest.mark.parametrize(
    "step",
    [
        {"statuss": 500},
        {"status": 99},
        {"times": 0},
        {"path": "nowhere"},
        {"cut_after_bytes": -1},
        {"cut_after_bytes": 1, "stall_after_bytes": 1},
        {"connection": "maybe"},
        {"body_base64": "*"},
        {"repeat": 2},
    ],
)
def test_a_wrong_step_is_refused(step: dict[str, object]) -> None:
    """A typo in a script is an error, never a step that does nothing."""
    with pytest.raises(ValidationError):
        Step.model_validate(step)


def test_a_step_given_back_is_used_by_the_next_request() -> None:
    """A step that could do nothing to an answer waits for one that it can."""
    script = Script()
    step = Step(path="status", spoil="expired", times=1)
    script.load([step])
    assert script.take("status", "model", "") is step
    script.give_back(step)
    assert script.left() == [step]
    assert script.take("status", "model", "") is step
    assert script.take("status", "model", "") is NORMAL


def test_a_step_that_stays_has_nothing_to_be_given_back() -> None:
    """Without `times` the last step is used for ever, and one before it once."""
    script = Script()
    first, last = Step(path="status", spoil="expired"), Step(path="status")
    script.load([first, last])
    for step in (script.take("status", "model", ""), script.take("status", "model", "")):
        script.give_back(step)
    assert script.take("status", "model", "") is last
