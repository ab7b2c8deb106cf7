"""Kontext's jobs at Fireworks AI: their ids, how they stand, and why they gave nothing. Pure.

Source: docs.fireworks.ai (get-generated-image-from-flux-kontext, 2026), read 2026-11-22. The states are those of Black
Forest Labs, who made the model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.fireworks.outcomes import ENDED_BADLY, LOST_JOB, OUTCOMES
from heliostat.adapters.sdk import Answer, Call, MeshError
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

READY, NOT_FOUND = "Ready", "Task not found"
# Anything else goes on.
ENDED = frozenset({READY, "Request Moderated", "Content Moderated", "Error", "Failed"})
_JOB = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_ENDED: Mapping[str, tuple[int, str]] = {
    "Request Moderated": (
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        "Fireworks AI refused the prompt or the picture as unsafe; change it.",
    ),
    "Content Moderated": (
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        "Fireworks AI refused the result as unsafe; change the prompt.",
    ),
    NOT_FOUND: (
        reasons.ERROR_REASON_PROVIDER_MODEL_GONE,
        "Fireworks AI does not know the job; it may be over for long.",
    ),
}
_FAILED = (
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
    "Fireworks AI could not finish the job; ask again later or elsewhere.",
)


@dataclass(frozen=True, slots=True)
class State:
    """One look at a job: `percent` of the work done, 0..100; `url` of the picture; why it was moderated."""

    status: str
    percent: float | None = None
    url: str = ""
    seed: int | None = None
    why: str = ""


def is_job(text: object) -> bool:
    """Whether it can be a job's id."""
    return isinstance(text, str) and _JOB.fullmatch(text) is not None


def read_state(answer: Answer) -> State:
    """The state in an answer. Raises PROVIDER_ANSWER_INVALID."""
    value = answer.json()
    result = value.get("result")
    result = result if isinstance(result, Mapping) else {}
    done, seed, url = value.get("progress"), result.get("seed"), result.get("sample")
    share = float(done) if isinstance(done, int | float) and not isinstance(done, bool) else -1.0
    return State(
        status=str(value.get("status", "")),
        percent=100 * share if 0 <= share <= 1 else None,
        url=url if isinstance(url, str) else "",
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63 else None,
        why=_why(value.get("details")),
    )


def ended_badly(call: Call, state: State) -> MeshError:
    """Why a job gave nothing. Only what is ready is charged."""
    reason, message = _ENDED.get(state.status, _FAILED)
    if state.why:
        message = f"{message} It said: {clean(state.why, (call.request.prompt,))}"
    row = OUTCOMES.row("poll", LOST_JOB if state.status == NOT_FOUND else ENDED_BADLY)
    return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase)


def _why(details: Any) -> str:
    given = details.get("Moderation Reasons") if isinstance(details, Mapping) else None
    return ", ".join(str(one) for one in given[:5]) if isinstance(given, list) else ""
