"""A task at Runware: its id, which we make, and what an answer tells of it. Pure.

Source: runware.ai/docs (introduction, task polling, errors, 2026), read 2026-11-22. An answer may hold results and
errors at once, of several tasks; they are told apart by the taskUUID. A task sent again under its id is refused.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.costing import Reported, read_cost

CONFLICT = "conflicttaskuuid"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MOST = 64
_UNTOLD = "Runware told the cost of some pictures only."


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture of a task."""

    url: str
    seed: int | None = None
    unsafe: bool = False
    reported: Reported = field(default_factory=Reported)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a task: Runware's code in lower case, its words, and the parameter that it blames."""

    code: str
    words: str
    parameter: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer tells of one task. `known`: it tells of it at all; `waits`: some of it is under way."""

    known: bool
    waits: bool
    drawn: tuple[Drawn, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def pictures(self) -> list[Drawn]:
        """Those that are not held back."""
        return [one for one in self.drawn if not one.unsafe]

    @property
    def reported(self) -> Reported:
        """The cost of all pictures together; nothing where it is told of some only."""
        told = [one.reported for one in self.drawn]
        doubt = next((one.doubt for one in told if one.doubt), "")
        if any(one.micros is None for one in told) or not told:
            partly = any(one.micros is not None for one in told)
            return Reported(doubt=doubt or (_UNTOLD if partly else ""))
        return Reported(sum(one.micros or 0 for one in told), doubt)

    @property
    def is_conflict(self) -> bool:
        """Whether Runware has the task already, from before."""
        return any(fault.code == CONFLICT for fault in self.faults)

    def is_over(self, wanted: int) -> bool:
        """Whether nothing more comes: `wanted` pictures are there, or errors in the place of the missing ones."""
        return not self.waits and (len(self.drawn) >= wanted or bool(self.faults))


def task_id(attempt_id: str) -> str:
    """A UUID of version 4 that belongs to the attempt: sent again, it is known again."""
    if not attempt_id:
        return str(uuid.uuid4())
    return str(uuid.UUID(bytes=hashlib.sha256(f"heliostat {attempt_id}".encode()).digest()[:16], version=4))


def known_task(job_id: str) -> str:
    """The id of a task; empty where it cannot be one."""
    return job_id if _UUID.fullmatch(job_id) else ""


def read_standing(answer: Answer, task: str) -> Standing:
    """What an answer tells of a task. Raises PROVIDER_ANSWER_INVALID for what is no JSON object."""
    value = answer.json()
    mine = [item for item in _objects(value.get("data")) if item.get("taskUUID") == task]
    faults = faults_of(value, task)
    drawn = tuple(_drawn(item) for item in mine if _url(item))
    waits = any(item.get("status") == "processing" or not _url(item) for item in mine)
    return Standing(bool(mine or faults), waits, drawn, faults)


def faults_of(value: Any, task: str = "") -> tuple[Fault, ...]:
    """The errors of an answer, of a task if one is named: those that name none belong to it as well."""
    found = _objects(value.get("errors") if isinstance(value, Mapping) else None)
    return tuple(_fault(item) for item in found if not task or item.get("taskUUID", task) in (task, None, ""))


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [item for item in value[:_MOST] if isinstance(item, Mapping)] if isinstance(value, list) else []


def _fault(item: Mapping[str, Any]) -> Fault:
    code, words, parameter = item.get("code"), item.get("message"), item.get("parameter")
    if isinstance(parameter, list):
        parameter = next((one for one in parameter if isinstance(one, str)), "")
    upstream = item.get("responseContent")
    said = [one for one in (words, upstream) if isinstance(one, str) and one]
    return Fault(
        code=code.lower()[:100] if isinstance(code, str) else "",
        words=" ".join(said),
        parameter=parameter[:100] if isinstance(parameter, str) else "",
        ended=item.get("status") == "error",
    )


def _url(item: Mapping[str, Any]) -> str:
    value = item.get("imageURL") or item.get("maskImageURL")
    return value if isinstance(value, str) else ""


def _drawn(item: Mapping[str, Any]) -> Drawn:
    seed = item.get("seed")
    return Drawn(
        url=_url(item),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63 else None,
        unsafe=item.get("NSFWContent") is True,
        reported=read_cost(item.get("cost")),
    )
