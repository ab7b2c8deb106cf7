"""A task at DashScope, or an answer that comes at once: how it stands, and what it made. Pure.

Source: the vendor's own SDK (2.0.2) and help pages to 2026-03, read 2026-11-22. Both shapes of results are looked for
in every answer: `results`, and the messages of `choices`. What is partly made is SUCCEEDED, with errors among results.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.sdk import Answer

SUCCEEDED, UNKNOWN = "SUCCEEDED", "UNKNOWN"
# Anything else goes on. UNKNOWN is looked for again: a task may not be known everywhere at once.
ENDED = frozenset({SUCCEEDED, "FAILED", "CANCELED", "CANCELLED"})
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOST_SAID = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """One picture: its address, and the prompt as it was rewritten, empty where it was not."""

    url: str
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nothing was made: DashScope's word in lower case, and its sentence."""

    code: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One look: the pictures so far, and why there are no others."""

    status: str = ""
    made: tuple[Made, ...] = ()
    faults: tuple[Fault, ...] = ()


def is_task(task_id: object) -> bool:
    """Whether this can be the id of a task; an id never becomes another path."""
    return isinstance(task_id, str) and _TASK_ID.fullmatch(task_id) is not None


def submitted_task(answer: Any) -> str | None:
    """The id in a submit's answer; None where there is none that could be asked for."""
    task_id = _mapping(_mapping(answer).get("output")).get("task_id")
    return task_id if isinstance(task_id, str) and is_task(task_id) else None


def read_state(answer: Answer) -> State:
    """The state in an answer. Raises PROVIDER_ANSWER_INVALID for one that is no object."""
    value = answer.json()
    output = _mapping(value.get("output"))
    made, faults = [], []
    for one in (*_results(output), *_choices(output)):
        url, prompt = _text(one, "url"), _text(one, "actual_prompt")
        if url:
            made.append(Made(url, prompt))
        elif one.get("code"):
            faults.append(_fault(one))
    faults += [_fault(place) for place in (output, value) if place.get("code")]
    return State(_text(output, "task_status"), tuple(made), tuple(faults))


def _results(output: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    results = output.get("results")
    yield from (one for one in results if isinstance(one, Mapping)) if isinstance(results, list) else ()


def _choices(output: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The pictures of all messages in the shape of `results`; a text beside them is the rewritten prompt."""
    choices = output.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        content = _mapping(_mapping(choice).get("message")).get("content")
        parts = [one for one in content if isinstance(one, Mapping)] if isinstance(content, list) else []
        rewritten = next((_text(one, "text") for one in parts if _text(one, "text")), "")
        for one in parts:
            if "image" in one:
                yield {"url": one["image"], "actual_prompt": rewritten}


def _fault(place: Mapping[str, Any]) -> Fault:
    return Fault(_text(place, "code").lower()[:100], _text(place, "message")[:_MOST_SAID])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name)
    return value if isinstance(value, str) else ""
