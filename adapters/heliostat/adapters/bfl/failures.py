"""Black Forest Labs' errors in the words of the mesh. Pure.

Source: docs.bfl.ai (errors, get-result) and the OpenAPI document (2026-04-23), read 2026-11-22. A wrong key is a 403,
or a 422 whose detail is a sentence; contents are refused by the state of a task, not by an HTTP status.
"""

from collections.abc import Mapping

from heliostat.adapters.bfl.outcomes import ENDED_BADLY, LOST_TASK, OUTCOMES
from heliostat.adapters.bfl.tasks import NOT_FOUND, State
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_FIELD_OF: Mapping[str, str] = {
    "width": "size",
    "height": "size",
    "aspect_ratio": "size",
    "resolution": "size",
    "input_image": "image",
    "image_prompt": "references",
    "images": "references",
    "output_format": "output.media_type",
}
_ENDED: Mapping[str, tuple[int, str]] = {
    "Request Moderated": (
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        "Black Forest Labs refused the prompt or a picture as unsafe; change it.",
    ),
    "Content Moderated": (
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        "Black Forest Labs refused the result as unsafe; change the prompt.",
    ),
    NOT_FOUND: (
        reasons.ERROR_REASON_PROVIDER_MODEL_GONE,
        "Black Forest Labs does not know the task; it may be over for long, or belong to another region.",
    ),
}
_FAILED = (
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
    "Black Forest Labs could not finish the task; ask again later or elsewhere.",
)


class TaskAnswer(MeshError):
    """An error answer that tells of a task after all: its state stands in the body, under whatever HTTP status."""

    def __init__(self, error: MeshError, answer: Answer) -> None:
        super().__init__(error.reason, error.message, failure=error.failure)
        self.answer = answer


def refusal(answer: Answer) -> MeshError | None:
    """The error of an answer that speaks the API's dialect; None for what any provider could say."""
    value = answer.json_or_none()
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("status"), str) and "id" in value:
        return TaskAnswer(read_refusal(answer), answer)
    if answer.status != 422:
        return None
    error = read_refusal(answer)
    if isinstance(value.get("detail"), str) and "api key" in value["detail"].lower():
        error.reason = reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
        error.message = f"The provider refused our key; mend it. It said: {value['detail']}"
    elif error.field:
        error.field = _FIELD_OF.get(error.field, error.field)
    return error


def ended_badly(call: Call, state: State) -> MeshError:
    """Why a task gave nothing. Only what is ready is charged."""
    reason, message = _ENDED.get(state.status, _FAILED)
    if state.why:
        said = clean(state.why, (call.request.prompt, call.request.negative_prompt))
        message = f"{message} It said: {said}"
    row = OUTCOMES.row("poll", LOST_TASK if state.status == NOT_FOUND else ENDED_BADLY)
    return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase)
