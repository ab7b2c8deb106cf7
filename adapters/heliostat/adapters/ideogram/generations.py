"""A generation at Ideogram: its id, how it stands, and its pictures. Pure.

Source: developer.ideogram.ai (get-generation, responses and metadata), read 2026-11-22.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.costing import Reported, read_cost

COMPLETED, FAILED = "completed", "failed"
ENDED = frozenset({COMPLETED, FAILED})
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOST = 64


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture of a generation; without `url` where it is held back as unsafe."""

    url: str = ""
    seed: int | None = None
    prompt: str = ""
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Generation:
    """One look at a generation. `why` it failed; `reported` is its cost where Ideogram says it."""

    id: str = ""
    status: str = ""
    drawn: tuple[Drawn, ...] = ()
    why: str = ""
    reported: Reported = field(default_factory=Reported)

    @property
    def pictures(self) -> list[Drawn]:
        """Those that can be had."""
        return [one for one in self.drawn if one.safe and one.url]

    @property
    def unsafe_count(self) -> int:
        """Pictures that are held back, and charged."""
        return sum(1 for one in self.drawn if not one.safe)


def generation_id(value: Any) -> str:
    """An id of a generation; empty where it cannot be one."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def read_generation(answer: Answer) -> Generation:
    """The generation in an answer, at once or looked at later. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    data, why = value.get("data"), value.get("failure_reason")
    drawn = tuple(_drawn(one) for one in data[:_MOST] if isinstance(one, Mapping)) if isinstance(data, list) else ()
    status = value.get("status")
    return Generation(
        id=generation_id(value.get("generation_id")),
        status=str(status) if status is not None else COMPLETED if isinstance(data, list) else "",
        drawn=drawn,
        why=why if isinstance(why, str) else "",
        reported=read_cost(value.get("usage_cost_usd_micros"), unit="0.000001"),
    )


def _drawn(item: Mapping[str, Any]) -> Drawn:
    url, seed, prompt = item.get("url"), item.get("seed"), item.get("prompt")
    return Drawn(
        url=url if isinstance(url, str) else "",
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63 else None,
        prompt=prompt if isinstance(prompt, str) else "",
        safe=item.get("is_image_safe") is not False,
    )
