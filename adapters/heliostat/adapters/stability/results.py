"""Pictures and jobs in Stability AI's answers. Pure.

Source: the v2beta OpenAPI document (2026), read 2026-11-22. A picture is the body itself; `seed` and `finish-reason`
are headers. A job's result is a 202 while it is under way and the picture afterwards.
"""

import re

from heliostat.adapters.sdk import Answer, Call, MeshError, Picture, image
from heliostat.adapters.stability.outcomes import BLURRED, OUTCOMES
from heliostat.api.image.v1 import reason_pb2 as reasons

_JOB = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)
_SEED = re.compile(r"[0-9]{1,10}", re.ASCII)
_FILTERED = "CONTENT_FILTERED"


def is_picture(answer: Answer) -> bool:
    """Whether the body is a picture."""
    return answer.headers.get("content-type", "").strip().lower().startswith("image/")


def is_job(text: object) -> bool:
    """Whether it can be a job's id: it becomes part of a path."""
    return isinstance(text, str) and _JOB.fullmatch(text) is not None


def read_picture(answer: Answer, call: Call, *, phase: str) -> Picture:
    """The picture of an answer. Raises PROVIDER_ANSWER_INVALID, and CONTENT_BLOCKED for one that was blurred."""
    if not is_picture(answer):
        message = "Stability AI answered with something that is no picture; ask again later or elsewhere."
        raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
    if answer.headers.get("finish-reason", "").strip().upper() == _FILTERED:
        row = OUTCOMES.row(phase, BLURRED)
        message = "Stability AI blurred the result as unsafe; change the prompt or the picture."
        raise call.error(
            reasons.ERROR_REASON_CONTENT_BLOCKED, message, outcome=row.outcome, billed=row.billed, phase=phase
        )
    seed = answer.headers.get("seed", "").strip()
    return image(answer.body, seed=int(seed) if _SEED.fullmatch(seed) else None)


def still_under_way(answer: Answer) -> bool:
    """Whether a job goes on. Raises PROVIDER_ANSWER_INVALID for what is neither that nor a picture."""
    if is_picture(answer):
        return False
    if answer.status == 202:
        return True
    value = answer.json_or_none()
    if isinstance(value, dict) and value.get("status") == "in-progress":
        return True
    raise MeshError(
        reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
        "Stability AI answered a look at the job with something that cannot be read; ask for it by its id later.",
    )
