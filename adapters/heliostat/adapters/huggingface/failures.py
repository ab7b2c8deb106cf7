"""Errors of Hugging Face's router and of the providers behind it, in the words of the mesh. Pure.

Source: the official clients (huggingface.js 2026-08-21) and the providers' error pages, read 2026-11-22. An error is
`error` (a text, or OpenAI's object), `detail`, or `message`, sometimes plain text; a model that is being loaded is a
503 with `estimated_time`. What a provider says travels through as it is.
"""

import re
from collections.abc import Mapping

from heliostat.adapters.huggingface.endpoints import FAL, REPLICATE
from heliostat.adapters.huggingface.jobs import State
from heliostat.adapters.huggingface.outcomes import BLOCKED_JOB, CANCELED_JOB, FAILED_JOB, OUTCOMES, UNTOLD_JOB
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import LONGEST_PAUSE_S, clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_UNSAFE = re.compile(
    r"\bnsfw\b|safety (?:check|filter)|unsafe content|content[_ ]policy|flagged as sensitive"
    r"|(?:content|request) moderated",
    re.IGNORECASE,
)
_NOT_SERVED = re.compile(r"not supported by (?:provider|any provider)|not a valid model identifier", re.IGNORECASE)
_GATED = re.compile(r"\bgated\b|\baccess to (?:the )?model\b.*\brestricted\b", re.IGNORECASE)
_FIELD_OF: Mapping[str, str] = {
    **dict.fromkeys(("width", "height", "image_size", "aspect_ratio", "target_size"), "size"),
    **dict.fromkeys(("image_url", "image_urls", "input_image", "input_images", "images", "inputs"), "image"),
    **dict.fromkeys(("n", "num_images", "num_outputs"), "image_count"),
    "output_format": "output.media_type",
    "num_inference_steps": "provider_options.huggingface.steps",
    "steps": "provider_options.huggingface.steps",
    "guidance_scale": "provider_options.huggingface.guidance_scale",
    "guidance": "provider_options.huggingface.guidance_scale",
    "scheduler": "provider_options.huggingface.scheduler",
}
_FREE_FAILURES = frozenset({FAL, REPLICATE})
_ADVICE = "The provider refused the prompt or the picture as unsafe; change it."


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only these dialects say; None leaves an answer to the kit's table."""
    said = answer.error_text()
    if answer.status in {400, 403, 422} and _UNSAFE.search(f"{said} {answer.error_code()} {_kind(answer)}"):
        error = read_refusal(answer, key_name)
        error.reason, error.field, error.message = (
            reasons.ERROR_REASON_CONTENT_BLOCKED,
            "prompt",
            f"{_ADVICE} It said: {said}",
        )
        return error
    if answer.status in {400, 422} and _NOT_SERVED.search(said):
        error = read_refusal(answer, key_name)
        error.reason, error.field = reasons.ERROR_REASON_PROVIDER_MODEL_GONE, None
        error.message = f"The provider does not serve this model through Hugging Face. It said: {said}"
        return error
    if answer.status == 403 and _GATED.search(said):
        error = read_refusal(answer, key_name)
        error.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        error.message = f"The model is gated; ask for it on its page at Hugging Face. It said: {said}"
        return error
    if answer.status == 503:
        wait_s = _loading_s(answer)
        if wait_s is not None:
            error = read_refusal(answer, key_name)
            error.retry_after_s = wait_s
            return error
    if answer.status in {400, 422} and answer.error_field():
        error = read_refusal(answer, key_name)
        error.field = _FIELD_OF.get(answer.error_field(), answer.error_field())
        return error
    return None


def ended_badly(call: Call, state: State, provider: str) -> MeshError:
    """Why a job gave nothing. It is not charged where its provider says so."""
    what = FAILED_JOB if provider in _FREE_FAILURES else UNTOLD_JOB
    said = clean(state.error, (call.request.prompt, call.request.negative_prompt))
    reason, message = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "The job failed; ask again later or elsewhere."
    if _UNSAFE.search(state.error):
        reason, message = reasons.ERROR_REASON_CONTENT_BLOCKED, _ADVICE
    elif state.status == "canceled":
        reason, message = reasons.ERROR_REASON_CANCELLED, "The job was cancelled at the provider."
        what = CANCELED_JOB
    row = OUTCOMES.row("poll", what)
    return call.error(
        reason,
        f"{message} It said: {said}" if said else message,
        outcome=row.outcome,
        billed=row.billed,
        phase=row.phase,
    )


def of_job(call: Call, error: MeshError) -> MeshError:
    """A refusal that stands in place of a job's result, where the job had begun."""
    blocked = error.reason == reasons.ERROR_REASON_CONTENT_BLOCKED
    row = OUTCOMES.row("poll", BLOCKED_JOB if blocked else FAILED_JOB)
    return call.error(
        error.reason, error.message, outcome=row.outcome, billed=row.billed, phase=row.phase, field=error.field
    )


def _kind(answer: Answer) -> str:
    """The word of fal's errors: {"detail": [{"type"}]}."""
    value = answer.json_or_none()
    detail = value.get("detail") if isinstance(value, Mapping) else None
    first = detail[0] if isinstance(detail, list) and detail else None
    return str(first.get("type", ""))[:100] if isinstance(first, Mapping) else ""


def _loading_s(answer: Answer) -> float | None:
    value = answer.json_or_none()
    told = value.get("estimated_time") if isinstance(value, Mapping) else None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told < 1e9:
        return None
    return min(float(told), LONGEST_PAUSE_S)
