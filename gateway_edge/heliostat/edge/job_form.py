"""Jobs as callers see them: a request that outlived its connection, and how its answer is to be written. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import from_status
from heliostat.edge.answer import Answer
from heliostat.edge.from_proto import attempt_of, result_metadata
from heliostat.edge.problems import KINDS, param_of
from heliostat.edge.to_proto import B64_JSON, PICTURE, URL

JOB_STATES: Mapping[int, str] = {
    ledger_pb2.REQUEST_STATE_RUNNING: "in_progress",
    ledger_pb2.REQUEST_STATE_SUCCEEDED: "completed",
    ledger_pb2.REQUEST_STATE_FAILED: "failed",
    ledger_pb2.REQUEST_STATE_CANCELLED: "cancelled",
    ledger_pb2.REQUEST_STATE_EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How an answer is written: `form` is url, b64_json or picture; the numbers are those of the request's output."""

    form: str
    quality: int = 0
    background: int = 0

    def text(self) -> str:
        """As it is kept with the request."""
        return orjson.dumps([self.form, self.quality, self.background]).decode()

    @property
    def in_json(self) -> str:
        """The form inside of JSON, where a picture itself cannot stand."""
        return B64_JSON if self.form == PICTURE else self.form


def read_form(text: str) -> AnswerForm:
    """The form that was kept; links where none was, or another version wrote it."""
    try:
        form, quality, background = orjson.loads(text)
    except (ValueError, TypeError):
        return AnswerForm(URL)
    if form not in (URL, B64_JSON, PICTURE) or not isinstance(quality, int) or not isinstance(background, int):
        return AnswerForm(URL)
    return AnswerForm(form, quality, background)


def job_path(request_id: str) -> str:
    """Where a job is asked for."""
    return f"/v1/jobs/{request_id}"


def detached_body(answer: Answer, model: str, created: int) -> dict[str, Any]:
    """A job that has only just been let go on, as an object."""
    return {
        "id": answer.request_id,
        "object": "image.job",
        "status": "in_progress",
        "created_at": created,
        "model": model,
        "url": job_path(answer.request_id),
    }


def job_body(request: ledger_pb2.Request, *, sandbox: bool) -> dict[str, Any]:
    """A job as an object, with `error` where it failed; its result is put in by `with_result`."""
    body: dict[str, Any] = {
        "id": request.request_id,
        "object": "image.job",
        "status": JOB_STATES.get(request.state, "in_progress"),
        "created_at": moment(request, "create_time"),
        "completed_at": moment(request, "end_time"),
        "model": request.model,
        "url": job_path(request.request_id),
    }
    if request.HasField("error") and request.error.code:
        error = from_status(request.error)
        kind = KINDS.get(error.reason, KINDS[reasons.ERROR_REASON_INTERNAL])
        body["error"] = {"message": error.message, "type": kind.type, "param": param_of(error), "code": kind.code}
    metadata: dict[str, Any] = {}
    if request.HasField("result"):
        metadata = result_metadata(request.result, request.request_id, request.model)
    metadata["attempts"] = [attempt_of(attempt) for attempt in request.attempts]
    if request.trace_id:
        metadata["trace_id"] = request.trace_id
    if sandbox:
        metadata["sandbox"] = True
    body["metadata"] = metadata
    return body


def with_result(body: Mapping[str, Any], result: Sequence[bytes]) -> list[bytes]:
    """A job's JSON with its result, which is JSON in pieces, spliced in."""
    return [orjson.dumps(body)[:-1] + b',"result":', *result, b"}"]


def moment(request: ledger_pb2.Request, name: str) -> int | None:
    """A time of a request in whole seconds since the epoch; None where it is not known."""
    return int(getattr(request, name).seconds) if request.HasField(name) else None
