"""What a provider answers, read by its mapping. What it says is hostile: bounded, typed, never trusted. Pure."""

import math
import re
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.mapped.endpoints import AnswerPlan, Cost, JobPlan
from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.costing import Reported, read_cost
from heliostat.adapters.sdk.media import decode_base64

_JOB = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_MOST_UNITS = 1e6
_NOT_REPORTED = Reported()


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer holds: pictures as bytes or addresses, and what is told of them."""

    pictures: tuple[bytes | str, ...] = ()
    seed: int | None = None
    prompt: str = ""
    reported: Reported = _NOT_REPORTED
    units: float = 0.0
    broken: bool = False
    """True: something stood where a picture should be, and was none."""
    flagged: frozenset[int] = frozenset()
    """Places of pictures that the provider calls unsafe."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a job. `state` is a word of the mapping's states, empty for one that it does not know."""

    state: str = ""
    percent: float | None = None
    why: str = ""


def read_answer(plan: AnswerPlan, answer: Answer) -> Told:
    """The pictures of an answer. Raises PROVIDER_ANSWER_INVALID where it is neither a picture nor JSON."""
    raw = answer.headers.get("content-type", "").startswith("image/")
    value = None if raw or plan.pictures is None else answer.json()
    found, broken = _pictures(plan, answer, value, raw=raw)
    flags = plan.flags.all(value) if plan.flags is not None else []
    seed = plan.seed.read(answer, value) if plan.seed is not None else None
    prompt = plan.prompt.read(answer, value) if plan.prompt is not None else None
    return Told(
        found,
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63 else None,
        prompt=prompt if isinstance(prompt, str) else "",
        reported=read_reported(plan.cost, answer, value),
        units=_units(plan.units.read(answer, value) if plan.units is not None else None),
        broken=broken,
        # Of a picture that is left out it would not be known whose flag is whose.
        flagged=frozenset(place for place, flag in enumerate(flags) if flag is True and not broken),
    )


def _pictures(plan: AnswerPlan, answer: Answer, value: Any, *, raw: bool) -> tuple[tuple[bytes | str, ...], bool]:
    if raw:
        return ((answer.body,) if answer.body else ()), False
    if plan.pictures is None:
        return (), False
    texts = plan.pictures.all(value)
    made = [_picture(plan, text) for text in texts]
    good = tuple(one for one in made if one)
    return good, len(good) < len(texts)


def _picture(plan: AnswerPlan, text: Any) -> bytes | str:
    if not isinstance(text, str) or plan.form == "address":
        return text if isinstance(text, str) else b""
    try:
        return decode_base64(text.encode())
    except ValueError:
        return b""


def read_reported(cost: Cost | None, answer: Answer, value: Any) -> Reported:
    """The cost that an answer tells; nothing where it tells none, or names a unit that is not believed."""
    if cost is None:
        return Reported()
    if cost.word is not None and cost.word.first(value) not in cost.words:
        return Reported()
    return read_cost(cost.read(answer, value), unit=cost.unit)


def _units(told: Any) -> float:
    try:
        count = float(told) if isinstance(told, int | float | str) and not isinstance(told, bool) else 0.0
    except ValueError:
        return 0.0
    return count if math.isfinite(count) and 0 <= count <= _MOST_UNITS else 0.0


def read_job(job: JobPlan, answer: Answer) -> str:
    """The id in the answer to a submit; empty where there is none that can be one."""
    told = job.id.read(answer, answer.json_or_none())
    return str(told) if isinstance(told, str | int) and is_job(str(told)) else ""


def is_job(text: str) -> bool:
    """Whether a text can be an id: it becomes part of a path."""
    return _JOB.fullmatch(text) is not None


def read_look(job: JobPlan, answer: Answer) -> Look:
    """How a job stands. Raises PROVIDER_ANSWER_INVALID for what is no JSON object."""
    value = answer.json()
    word, percent = job.status.first(value), job.percent.first(value) if job.percent is not None else None
    why = job.why.first(value) if job.why is not None else None
    sane = isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100
    return Look(
        state=job.states.get(str(word), ""),
        percent=float(percent) if sane and percent is not None else None,
        why=why if isinstance(why, str) else "",
    )
