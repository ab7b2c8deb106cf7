"""DashScope's errors in the words of the mesh. Pure.

Source: Model Studio's list of error codes (to 2026-03), read 2026-11-22. Contents are refused by a 400, by the end of a
task, or by an error among its results; an account that owes money by a 400 or a 403.
"""

from collections.abc import Mapping

from heliostat.adapters.dashscope.outcomes import LOST_TASK, OUTCOMES, UNMADE
from heliostat.adapters.dashscope.tasks import SUCCEEDED, Fault, State
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_BLOCKED = ("datainspectionfailed", "ipinfringementsuspect")
_UNPAID = (
    *("arrearage", "freetieronly", "commoditynotpurchased", "prepaidbilloverdue", "postpaidbilloverdue"),
    *("accessdenied.unpurchased",),
)
_UNREADABLE = ("invalidurl", "invalidparameter.datainspection", "invalidparameter.filedownload", "invalidimage")
_SENTENCES: Mapping[int, str] = {
    reasons.ERROR_REASON_CONTENT_BLOCKED: "DashScope refused the prompt or a picture; change it.",
    reasons.ERROR_REASON_QUOTA_EXHAUSTED: "The account at Alibaba owes money, or has not bought this; look into it.",
    reasons.ERROR_REASON_INPUT_UNREADABLE: "DashScope cannot read a picture; send another file.",
    reasons.ERROR_REASON_INVALID_FIELD: "DashScope refused the request; change the prompt or the parameters.",
    reasons.ERROR_REASON_RATE_LIMITED: "DashScope asks to slow down.",
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE: "DashScope could not finish the work; ask again later or elsewhere.",
}
_FIELDS: Mapping[int, str] = {
    reasons.ERROR_REASON_CONTENT_BLOCKED: "prompt",
    reasons.ERROR_REASON_INPUT_UNREADABLE: "image",
}


def _known(code: str) -> int | None:
    """The reason that only DashScope's word tells; None where a status tells it as well."""
    if any(word in code for word in _BLOCKED):
        return reasons.ERROR_REASON_CONTENT_BLOCKED
    if any(word in code for word in _UNPAID):
        return reasons.ERROR_REASON_QUOTA_EXHAUSTED
    return reasons.ERROR_REASON_INPUT_UNREADABLE if code.startswith(_UNREADABLE) else None


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """The error of an answer whose word says more than its status; None leaves it to the kit's table."""
    reason = _known(answer.error_code()) if answer.status in {400, 403, 429} else None
    if reason is None:
        return None
    error = read_refusal(answer, key_name)
    error.reason, error.field, error.retry_after_s = reason, _FIELDS.get(reason), None
    error.message = f"{_SENTENCES[reason]} It said: {answer.error_text()}"
    if reason == reasons.ERROR_REASON_CONTENT_BLOCKED:
        error.failure = OUTCOMES.failure("submit", UNMADE)
    return error


def unmade(call: Call, state: State, phase: str) -> MeshError:
    """Why nothing was made, in a task ("poll") or at once ("submit"). Only what succeeds is charged; what neither
    failed nor has a picture may have been."""
    if not state.faults and state.status in {"", SUCCEEDED}:
        message = "DashScope answered without a picture; ask again later or elsewhere."
        return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
    fault = state.faults[0] if state.faults else Fault()
    reason = _known(fault.code) or _by_class(fault.code)
    message = _SENTENCES[reason]
    if fault.said:
        message += f" It said: {clean(fault.said, (call.request.prompt, call.request.negative_prompt))}"
    row = OUTCOMES.row(phase, UNMADE)
    return call.error(
        reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase, field=_FIELDS.get(reason)
    )


def _by_class(code: str) -> int:
    if code.startswith(("invalidparameter", "badrequest")):
        return reasons.ERROR_REASON_INVALID_FIELD
    limited = code.startswith(("throttling", "limitrequests"))
    return reasons.ERROR_REASON_RATE_LIMITED if limited else reasons.ERROR_REASON_PROVIDER_UNAVAILABLE


def lost(call: Call) -> MeshError:
    """A task that DashScope does not know, or not any more."""
    row = OUTCOMES.row("poll", LOST_TASK)
    message = "DashScope does not know the task; it may be over for more than a day, or belong to another account."
    return call.error(
        reasons.ERROR_REASON_PROVIDER_MODEL_GONE, message, outcome=row.outcome, billed=row.billed, phase=row.phase
    )


def nameless(call: Call) -> MeshError:
    """A submit was taken without an id that the task could be asked for by."""
    message = "DashScope took the request without an id of the task; look into Model Studio."
    return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")


def foreign(call: Call) -> MeshError:
    """A job id that cannot be one of a task."""
    message = "The job id to go on with is none of DashScope's tasks; look it up in Model Studio."
    return call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
