"""fal's errors in the words of the mesh. Pure.

Source: fal.ai/docs/model-apis/errors and the Python client (2026-08-21), read 2026-11-22. A model's error is
{"detail": [{"loc", "msg", "type"}]}, an error of the queue {"detail": "...", "error_type": "..."}; a locked account
answers 403 with "Exhausted balance" in its text.
"""

from collections.abc import Mapping
from typing import Any

from heliostat.adapters.fal.outcomes import CANCELLED_JOB, CONTRADICTED_JOB, FAILED_JOB, OUTCOMES, REFUSED_JOB
from heliostat.adapters.sdk import Answer, Call, MeshError
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_UNREADABLE = (
    "image_too_small",
    "image_too_large",
    "image_aspect_ratio_error",
    "image_load_error",
    "file_download_error",
    "file_too_large",
    "unsupported_image_format",
    "face_detection_error",
)
_UNAVAILABLE = (
    "downstream_service_error",
    "downstream_service_unavailable",
    "internal_server_error",
    "internal_error",
    "runner_server_error",
    "runner_incomplete_response",
    "runner_scheduling_failure",
    "runner_disconnected",
)
_TIMEOUT = ("generation_timeout", "request_timeout", "startup_timeout")
_CANCELLED = ("client_disconnected", "client_cancelled")
_TOO_EARLY = "still in progress"
# Faults of fal's own, not of a job's input.
_OF_FAL = frozenset({reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, reasons.ERROR_REASON_PROVIDER_TIMEOUT})

_REASON_OF_TYPE: Mapping[str, int] = {
    "content_policy_violation": reasons.ERROR_REASON_CONTENT_BLOCKED,
    # The model ran and gave nothing: in practice its own refusal.
    "no_media_generated": reasons.ERROR_REASON_CONTENT_BLOCKED,
    **dict.fromkeys(_UNREADABLE, reasons.ERROR_REASON_INPUT_UNREADABLE),
    **dict.fromkeys(_UNAVAILABLE, reasons.ERROR_REASON_PROVIDER_UNAVAILABLE),
    **dict.fromkeys(_TIMEOUT, reasons.ERROR_REASON_PROVIDER_TIMEOUT),
    **dict.fromkeys(_CANCELLED, reasons.ERROR_REASON_CANCELLED),
}

_FIELD_OF: Mapping[str, str] = {
    "image_size": "size",
    "aspect_ratio": "size",
    "resolution": "size",
    "num_images": "image_count",
    "image_url": "image",
    "image_urls": "references",
    "mask_url": "mask",
    "output_format": "output.media_type",
    "upscale_factor": "upscale.factor",
    "scale": "upscale.factor",
}


_ADVICE: Mapping[int, str] = {
    reasons.ERROR_REASON_CONTENT_BLOCKED: "fal refused the prompt or the picture as unsafe; change it.",
    reasons.ERROR_REASON_INPUT_UNREADABLE: "fal cannot use a picture of the request; send another one.",
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE: "fal could not run the job; ask again later or elsewhere.",
    reasons.ERROR_REASON_PROVIDER_TIMEOUT: "fal ran out of time for the job; ask again later or elsewhere.",
    reasons.ERROR_REASON_CANCELLED: "The job was cancelled at fal.",
    reasons.ERROR_REASON_INVALID_FIELD: "fal refused a field of the request; change it.",
}


class FalRefusal(MeshError):
    """An error that fal told of in its own dialect: of a submit unless `of_job` says otherwise."""

    def __init__(self, reason: int, answer: Answer) -> None:
        kind, words, loc = _read(answer.json_or_none())
        said = words or kind
        super().__init__(
            reason,
            f"{_ADVICE[reason]} It said: {said}" if said else _ADVICE[reason],
            field=(_FIELD_OF.get(loc, loc) or None) if reason == reasons.ERROR_REASON_INVALID_FIELD else None,
            failure=OUTCOMES.failure("submit", "error answer"),
        )
        self._status = answer.status

    def of_job(self, call: Call, *, done: bool = False) -> MeshError:
        """The same error where the job had begun; `done` tells that its status spoke of no error."""
        row = OUTCOMES.row("poll", self._what_became(done=done))
        return call.error(
            self.reason,
            clean(self.message, (call.request.prompt, call.request.negative_prompt)),
            outcome=row.outcome,
            billed=row.billed,
            phase=row.phase,
            field=self.field,
        )

    def _what_became(self, *, done: bool) -> str:
        """What is wrong with a request may be found out by a runner, and costs then. That fal cannot give the result of
        a job that is done does not mean that the job failed."""
        if self.reason in _OF_FAL:
            return CONTRADICTED_JOB if done else FAILED_JOB
        if self.reason == reasons.ERROR_REASON_CANCELLED:
            return CANCELLED_JOB
        return FAILED_JOB if self._status >= 500 else REFUSED_JOB


def contradicted(call: Call) -> MeshError:
    """The error of a job that was said to have failed and whose result is there: the first word stands, the bill is
    open."""
    message = "fal said that the job failed, and has a result of it; ask again later or elsewhere."
    row = OUTCOMES.row("poll", CONTRADICTED_JOB)
    reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase)


def refusal(answer: Answer) -> FalRefusal | None:
    """The error of an answer that speaks fal's dialect; None for what any provider could say (401, 429, HTML...)."""
    body = answer.json_or_none()
    if not isinstance(body, Mapping):
        return None
    kind, words, _ = _read(body)
    reason = _REASON_OF_TYPE.get(kind)
    if kind.startswith("runner_connection_"):
        reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    if reason is None and answer.status == 400 and _TOO_EARLY in words:
        # A result that was asked for before it is there: ask again.
        reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
    if reason is None and answer.status == 499:
        reason = reasons.ERROR_REASON_CANCELLED
    if reason is None and answer.status in {400, 422} and isinstance(body.get("detail"), list):
        reason = reasons.ERROR_REASON_INVALID_FIELD
    return None if reason is None else FalRefusal(reason, answer)


def _read(body: Any) -> tuple[str, str, str]:
    """(type, message, last name of loc) of an error body of either shape, or of a status that tells of an error."""
    if not isinstance(body, Mapping):
        return "", "", ""
    detail = body.get("detail") or body.get("error") or ""
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        first = detail[0]
        loc = first.get("loc")
        names = [name for name in loc if isinstance(name, str)] if isinstance(loc, list) else []
        return str(first.get("type", "")), str(first.get("msg", "")), names[-1] if len(names) > 1 else ""
    return str(body.get("error_type", "")), detail if isinstance(detail, str) else "", ""
