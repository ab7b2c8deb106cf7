"""Runware's errors in the words of the mesh. Pure.

Source: runware.ai/docs (errors, 2026), read 2026-11-22. An error answer is {"errors": [{"code", "message", "parameter",
"taskUUID"}]}; codes are being made uniform, so unknown ones leave it to the status.
"""

from collections.abc import Mapping

from heliostat.adapters.runware.outcomes import FAILED, OUTCOMES, UNSAFE
from heliostat.adapters.runware.tasks import CONFLICT, Fault, Standing, faults_of
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_UNSAFE = ("nsfw", "moderat", "safety", "content polic", "sensitive", "flagged")
_FIELD_OF: Mapping[str, str] = {
    "positivePrompt": "prompt",
    "negativePrompt": "negative_prompt",
    "width": "size",
    "height": "size",
    "seedImage": "image",
    "inputImage": "image",
    "maskImage": "mask",
    "referenceImages": "references",
    "numberResults": "image_count",
    "outputFormat": "output.media_type",
    "upscaleFactor": "upscale.factor",
}
_BY_CODE = (
    (("apikey", "unauthorized"), reasons.ERROR_REASON_PROVIDER_AUTH_FAILED),
    (("insufficient", "balance", "credit"), reasons.ERROR_REASON_QUOTA_EXHAUSTED),
    (("timeout",), reasons.ERROR_REASON_PROVIDER_TIMEOUT),
    (("invalidmodel", "modelnotfound"), reasons.ERROR_REASON_PROVIDER_MODEL_GONE),
    (("invalid", "missing", "unsupported", "required"), reasons.ERROR_REASON_INVALID_FIELD),
)
_ADVICE: Mapping[int, str] = {
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED: "Runware refused our key; mend it.",
    reasons.ERROR_REASON_QUOTA_EXHAUSTED: "Runware's account is out of credit; top it up.",
    reasons.ERROR_REASON_PROVIDER_TIMEOUT: "Runware ran out of time for the task; ask again later or elsewhere.",
    reasons.ERROR_REASON_PROVIDER_MODEL_GONE: "Runware does not know the model; choose another one.",
    reasons.ERROR_REASON_INVALID_FIELD: "Runware refused a field of the task; change it.",
    reasons.ERROR_REASON_CONTENT_BLOCKED: "Runware refused the prompt or a picture as unsafe; change it.",
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE: "Runware could not carry the task out; ask again later or elsewhere.",
}


class TaskRefused(MeshError):
    """An error answer that tells of tasks: it may say that one is known already, or how one ended."""

    def __init__(self, error: MeshError, answer: Answer, faults: tuple[Fault, ...]) -> None:
        super().__init__(
            error.reason, error.message, failure=error.failure, retry_after_s=error.retry_after_s, field=error.field
        )
        self.metadata.update(error.metadata)
        self.answer = answer
        self.faults = faults

    @property
    def is_known(self) -> bool:
        """Whether Runware has the task already, from before."""
        return any(fault.code == CONFLICT for fault in self.faults)

    @property
    def has_ended(self) -> bool:
        """Whether a task ended, as opposed to the question being refused."""
        return any(fault.ended for fault in self.faults)


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """The error of an answer that speaks the API's dialect; None for what any provider could say."""
    faults = faults_of(answer.json_or_none())
    if not faults:
        return None
    error, fault = read_refusal(answer, key_name), faults[0]
    said = f" It said: {fault.words}" if fault.words else ""
    # A status of 400 says little; others say more than their code.
    if answer.status in {400, 409, 422}:
        error.reason = reason_of(fault)
        error.message = _ADVICE[error.reason] + said
        error.field = _field_of(fault) if error.reason == reasons.ERROR_REASON_INVALID_FIELD else None
    else:
        error.message += said
    return TaskRefused(error, answer, faults)


def reason_of(fault: Fault) -> int:
    """The reason of an error by its code, and by its words where content was refused."""
    words = fault.words.lower()
    if any(word in words or word in fault.code for word in _UNSAFE):
        return reasons.ERROR_REASON_CONTENT_BLOCKED
    found = (reason for parts, reason in _BY_CODE if any(part in fault.code for part in parts))
    return next(found, reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)


def _field_of(fault: Fault) -> str | None:
    return _FIELD_OF.get(fault.parameter, fault.parameter) or None


def not_taken(standing: Standing) -> MeshError:
    """The error of a submit that was answered with errors under a good status."""
    fault = standing.faults[0]
    reason = reason_of(fault)
    return MeshError(
        reason,
        f"{_ADVICE[reason]} It said: {fault.words}" if fault.words else _ADVICE[reason],
        failure=KIT.failure("submit", "error answer"),
        field=_field_of(fault) if reason == reasons.ERROR_REASON_INVALID_FIELD else None,
    )


def nothing_to_show(call: Call, standing: Standing) -> MeshError:
    """Why a task that is over gave nothing: it failed, or all of it is held back."""
    if not standing.faults:
        row = OUTCOMES.row("poll", UNSAFE)
        message = "Runware found every picture unsafe, and charges for them; change the prompt."
        reason: int = reasons.ERROR_REASON_CONTENT_BLOCKED
        return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase)
    fault = standing.faults[0]
    row, reason = OUTCOMES.row("poll", FAILED), reason_of(fault)
    said = clean(fault.words, (call.request.prompt, call.request.negative_prompt))
    return call.error(
        reason,
        f"{_ADVICE[reason]} It said: {said}" if said else _ADVICE[reason],
        outcome=row.outcome,
        billed=row.billed,
        phase=row.phase,
        field=_field_of(fault) if reason == reasons.ERROR_REASON_INVALID_FIELD else None,
    )
