"""Errors of a mapped provider: answers with an error status, good answers that hold an error, jobs that failed."""

from collections.abc import Iterable
from dataclasses import replace

from heliostat.adapters.mapped.endpoints import JobPlan
from heliostat.adapters.mapped.errors import BILLED, ErrorRule, Errors
from heliostat.adapters.mapped.mapping import Mapping
from heliostat.adapters.mapped.outcomes import FAILED, FREE_FAILED, OUTCOMES
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.outcomes import KIT
from heliostat.adapters.sdk.refusals import clean, told_pause_s
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons

_SENTENCES: dict[int, str] = {
    int(reasons.ERROR_REASON_CONTENT_BLOCKED): "{name} refused the prompt or a picture as unsafe; change it.",
    int(reasons.ERROR_REASON_RATE_LIMITED): "{name} asks to slow down.",
    int(reasons.ERROR_REASON_QUOTA_EXHAUSTED): "The account at {name} is out of credit or quota; top it up.",
    int(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED): "{name} refused our key; set {key} to a good key.",
    int(reasons.ERROR_REASON_PROVIDER_MODEL_GONE): "{name} does not know what was asked for; the model may be gone.",
    int(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE): "{name} could not do it; ask again later or elsewhere.",
    int(reasons.ERROR_REASON_PROVIDER_TIMEOUT): "{name} ran out of time.",
    int(reasons.ERROR_REASON_INVALID_FIELD): "{name} refused the request.",
    int(reasons.ERROR_REASON_INPUT_UNREADABLE): "{name} cannot read a picture; send another file.",
    int(reasons.ERROR_REASON_UNSUPPORTED): "{name} cannot do that with this model.",
}
# The status that the kit reads a good answer by that holds an error of an unknown code.
_UNKNOWN_ERROR = 500


def refusal(mapping: Mapping, answer: Answer) -> MeshError | None:
    """The error of an answer of status 400 and up that a rule knows; the kit's, with the provider's own sentence."""
    errors = mapping.errors
    value = answer.json_or_none()
    code, said = errors.code_of(value), errors.said_in(value) or answer.error_text()
    rule = errors.meaning(answer.status, code, said)
    error = read_refusal(answer, mapping.auth.key)
    if rule is not None:
        error = _by_rule(mapping, rule, answer, said)
    elif said and said not in error.message:
        blamed = error.reason == reasons.ERROR_REASON_INVALID_FIELD
        error.message = said if blamed else f"{error.message} It said: {said}"
    return _with_id(errors, answer, value, error)


def hidden_error(mapping: Mapping, answer: Answer, call: Call, secrets: Iterable[str]) -> MeshError | None:
    """The error in an answer of status 200, without prompts and `secrets`; None where it is a success.

    One is what a rule for that status names, and any code that is not among the good ones where there are such."""
    errors = mapping.errors
    value = answer.json_or_none()
    code, said = errors.code_of(value), errors.said_in(value)
    rule = errors.meaning(answer.status, code, said)
    named = rule is not None and answer.status in rule.status
    if not named and (not code or errors.is_good(code)):
        return None
    if rule is not None:
        error = _by_rule(mapping, rule, answer, said)
    else:
        error = read_refusal(replace(answer, status=_UNKNOWN_ERROR), mapping.auth.key)
        error.message = f"{mapping.name} answered with the code {code}; ask again later or elsewhere."
        error.failure = KIT.failure("submit", "error answer")
    error.message = clean(error.message, (call.request.prompt, call.request.negative_prompt), secrets)
    return _with_id(errors, answer, value, error)


def _by_rule(mapping: Mapping, rule: ErrorRule, answer: Answer, said: str) -> MeshError:
    sentence = _SENTENCES[rule.number].format(name=mapping.name, key=mapping.auth.key)
    failure = KIT.failure("submit", "error answer")
    if rule.billed != "no":
        failure = event_pb2.AttemptFailure(
            outcome=event_pb2.OUTCOME_ACCEPTED, billed=BILLED[rule.billed], phase="submit"
        )
    pause = told_pause_s(answer.headers) if rule.number == reasons.ERROR_REASON_RATE_LIMITED else None
    error = MeshError(
        rule.number, f"{sentence} It said: {said}" if said else sentence, failure=failure, retry_after_s=pause
    )
    error.metadata["provider_status"] = str(answer.status)
    if rule.number == reasons.ERROR_REASON_INVALID_FIELD:
        error.field = answer.error_field() or None
    return error


def _with_id(errors: Errors, answer: Answer, value: object, error: MeshError) -> MeshError:
    told = errors.id.read(answer, value) if errors.id is not None else None
    if isinstance(told, str) and told:
        error.metadata["provider_request_id"] = told[:200]
    return error


def ended_badly(mapping: Mapping, job: JobPlan, call: Call, why: str, *, blocked: bool) -> MeshError:
    """Why a job gave no picture."""
    rule = mapping.errors.meaning(200, why, why) if why else None
    number = rule.number if rule is not None else int(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)
    if blocked:
        number = int(reasons.ERROR_REASON_CONTENT_BLOCKED)
    sentence = _SENTENCES[number].format(name=mapping.name, key=mapping.auth.key)
    if why:
        sentence = f"{sentence} It said: {clean(why, (call.request.prompt, call.request.negative_prompt))}"
    row = OUTCOMES.row("poll", FREE_FAILED if job.failed_is_free else FAILED)
    return call.error(number, sentence, outcome=row.outcome, billed=row.billed, phase=row.phase)
