"""Ideogram's errors in the words of the mesh. Pure.

Source: developer.ideogram.ai (errors, rate limits), read 2026-11-22. An error answer is {"error", "reject_reason"?}; a
prompt that is refused is a 422, a picture that is held back is a 200.
"""

from heliostat.adapters.ideogram.generations import Generation
from heliostat.adapters.ideogram.outcomes import FAILED, OUTCOMES, UNSAFE
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_SAFETY = ("safety", "unsafe", "moderat", "nsfw", "content_policy")


def refusal(answer: Answer) -> MeshError | None:
    """The error of an answer that speaks the API's dialect; None for what any provider could say."""
    said = answer.error_text().lower()
    if answer.status != 422 or not any(word in said for word in _SAFETY):
        return None
    error = read_refusal(answer)
    error.reason = reasons.ERROR_REASON_CONTENT_BLOCKED
    error.message = f"Ideogram refused the prompt or a picture as unsafe; change it. It said: {answer.error_text()}"
    return error


def ended_badly(call: Call, generation: Generation) -> MeshError:
    """Why a generation failed. It is not charged."""
    blocked = any(word in generation.why.lower() for word in _SAFETY)
    reason = reasons.ERROR_REASON_CONTENT_BLOCKED if blocked else reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    message = (
        "Ideogram refused the prompt or a picture as unsafe; change it."
        if blocked
        else "Ideogram could not finish the generation; ask again later or elsewhere."
    )
    said = clean(generation.why, (call.request.prompt, call.request.negative_prompt))
    row = OUTCOMES.row("poll", FAILED)
    return call.error(
        reason,
        f"{message} It said: {said}" if said else message,
        outcome=row.outcome,
        billed=row.billed,
        phase=row.phase,
    )


def nothing_to_show(call: Call, generation: Generation) -> MeshError:
    """The error of a generation that ended without a picture to be had. It was charged."""
    if generation.unsafe_count:
        row = OUTCOMES.row("poll", UNSAFE)
        message = "Ideogram holds every picture back as unsafe, and charges for them; change the prompt."
        return call.error(
            reasons.ERROR_REASON_CONTENT_BLOCKED, message, outcome=row.outcome, billed=row.billed, phase=row.phase
        )
    message = "Ideogram's generation holds no picture; ask again later or elsewhere."
    return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="poll")
