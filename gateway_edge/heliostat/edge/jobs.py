"""GET and DELETE /v1/jobs/{id}: a request that outlived its connection. Its result is that of a call that waited."""

import orjson
from starlette.requests import Request

from heliostat.api.image.v1 import request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, to_duration
from heliostat.edge.answer import Answer
from heliostat.edge.desk import ASK_AGAIN_S, GRACE_S, SMALL_CALL_S, Desk
from heliostat.edge.from_proto import Asked, body_pieces
from heliostat.edge.heads import note
from heliostat.edge.job_form import AnswerForm, job_body, read_form, with_result
from heliostat.edge.media_files import fetch_pictures
from heliostat.edge.narration import EDIT, GENERATION, Manner, Narrator
from heliostat.edge.presence import Presence, line_of
from heliostat.edge.schemas import invalid
from heliostat.edge.streaming import Ends, Telling
from heliostat.edge.to_proto import B64_JSON, URL
from heliostat.edge.visit import Answering, Reply, Visit, visit_of
from heliostat.edge.waiting import Patience, patience

_RUNNING = ledger_pb2.REQUEST_STATE_RUNNING
_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED


class Jobs:
    """Tells and cancels jobs of the caller."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def job(self, request: Request) -> Answering:
        """The job, with its result once it is there; with `stream=true` its events, from the first one on. Raises
        RESOURCE_NOT_FOUND, and RESOURCE_GONE where its pictures are not kept any more."""
        visit, query = visit_of(request), request.scope["query_string"].decode("latin-1")
        form = _asked_form(request.query_params.get("response_format"))
        how_long = patience(visit.header(b"prefer"), query, self._desk.settings.request_timeout_s)
        job = await self._look(request.path_params["id"], visit)
        if _wants_stream(request.query_params.get("stream")):
            return await self._streamed(request, job, form, how_long)
        if job.state == _RUNNING and how_long.takes_job and how_long.wait_s:
            await self._wait(request, job.request_id, how_long.wait_s)
            job = await self._look(job.request_id, visit)
        return await self._reply(job, visit, form)

    async def cancel(self, request: Request) -> Reply:
        """The job after its cancel. Raises RESOURCE_NOT_FOUND."""
        visit = visit_of(request)
        ask = ledger_pb2.CancelJobRequest(request_id=request.path_params["id"])
        answer = await call(self._desk.ledger.CancelJob, ask, timeout_s=2 * GRACE_S, metadata=visit.credentials())
        return self._plain(answer.request)

    async def _look(self, request_id: str, visit: Visit) -> ledger_pb2.Request:
        ask = ledger_pb2.GetJobRequest(request_id=request_id)
        answer = await call(self._desk.ledger.GetJob, ask, timeout_s=SMALL_CALL_S, metadata=visit.credentials())
        job: ledger_pb2.Request = answer.request
        return job

    async def _streamed(self, request: Request, job: ledger_pb2.Request, form: str, how_long: Patience) -> Answering:
        """The job's events. Raises what it failed with, as long as there is nothing else to say."""
        desk, visit, kept = self._desk, visit_of(request), read_form(job.answer_form)
        form = form or kept.in_json
        as_bytes = form == B64_JSON and desk.settings.pictures != "store"
        ask = ledger_pb2.WaitJobRequest(
            request_id=job.request_id,
            wait=to_duration(how_long.wait_s),
            progressive=True,
            delivery=request_pb2.DELIVERY_BYTES if as_bytes else request_pb2.DELIVERY_STORED,
        )
        timeout_s = how_long.wait_s + GRACE_S
        opened = stream(desk.ledger.WaitJob, ask, timeout_s=timeout_s, metadata=visit.credentials())
        manner = Manner(
            event=GENERATION if job.operation == "text_to_image" else EDIT,
            form=form,
            count=0,
            own_progress=not visit.openai_base,
            link=desk.link_maker(visit),
            now=desk.clock.time,
        )
        asked = Asked(job.model, kept.quality, kept.background, job.trace_id, desk.sandbox)
        narrator = Narrator(asked, manner)
        ends = Ends(
            note=lambda: note(narrator.answer, visit),
            detached=lambda: self._plain(job),
            job=lambda: job_body(job, sandbox=desk.sandbox),
            takes_job=lambda: True,
        )
        return await Telling(desk, request, opened, narrator, ends).begin()

    async def _wait(self, request: Request, request_id: str, wait_s: float) -> None:
        """Waits for the job's end, at most so long. How it ended is looked up afterwards."""
        visit = visit_of(request)
        ask = ledger_pb2.WaitJobRequest(
            request_id=request_id, wait=to_duration(wait_s), delivery=request_pb2.DELIVERY_STORED
        )
        opened = stream(self._desk.ledger.WaitJob, ask, timeout_s=wait_s + GRACE_S, metadata=visit.credentials())
        with Presence(line_of(request.scope), visit.interruption):
            try:
                async with opened as responses:
                    async for _ in responses:
                        pass
            except MeshError:
                return

    async def _reply(self, job: ledger_pb2.Request, visit: Visit, form: str) -> Reply:
        if job.state != _SUCCEEDED:
            return self._plain(job)
        kept = read_form(job.answer_form)
        pieces = await self._result(job, visit, AnswerForm(form or kept.in_json, kept.quality, kept.background))
        body = with_result(job_body(job, sandbox=self._desk.sandbox), pieces)
        return Reply(200, body, headers={"x-heliostat-request-id": job.request_id})

    def _plain(self, job: ledger_pb2.Request) -> Reply:
        headers = {"x-heliostat-request-id": job.request_id}
        if job.state == _RUNNING:
            headers["retry-after"] = str(ASK_AGAIN_S)
        return Reply(200, [orjson.dumps(job_body(job, sandbox=self._desk.sandbox))], headers=headers)

    async def _result(self, job: ledger_pb2.Request, visit: Visit, form: AnswerForm) -> list[bytes]:
        """The answer that a call which waited would have got. Raises RESOURCE_GONE."""
        desk = self._desk
        as_bytes = form.form == B64_JSON and desk.settings.pictures != "store"
        ask = ledger_pb2.WaitJobRequest(
            request_id=job.request_id,
            delivery=request_pb2.DELIVERY_BYTES if as_bytes else request_pb2.DELIVERY_STORED,
        )
        answer = Answer(as_base64=True)
        opened = stream(desk.ledger.WaitJob, ask, timeout_s=2 * GRACE_S, metadata=visit.credentials())
        async with opened as responses:
            async for response in responses:
                answer.take_all(response.events)
                del response
        if form.form == B64_JSON and not as_bytes:
            await fetch_pictures(desk.blobs, answer)
        # It is this caller's own answer, though it is told again.
        answer.replayed = answer.joined = False
        asked = Asked(job.model, form.quality, form.background, job.trace_id, desk.sandbox)
        pieces = body_pieces(
            answer,
            asked,
            form=form.form,
            created=answer.created or job.create_time.seconds,
            link=desk.link_maker(visit),
        )
        answer.release()
        return pieces


def _wants_stream(text: str | None) -> bool:
    """Whether the query string asks for events. Raises INVALID_FIELD."""
    if text not in (None, "", "true", "1", "false", "0"):
        raise invalid("stream", "stream must be true or false.")
    return text in ("true", "1")


def _asked_form(text: str | None) -> str:
    """The form that the query string asks for; empty where it asks for none. Raises INVALID_FIELD."""
    if text not in (None, URL, B64_JSON):
        raise invalid("response_format", 'response_format must be "url" or "b64_json".')
    return text or ""
