"""POST /v1/images/generations, and how every image request is asked and answered."""

from typing import Any

import orjson
from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import MESH_PHASE, stream
from heliostat.chassis.errors import MeshError, to_duration
from heliostat.edge.answer import Answer
from heliostat.edge.desk import ASK_AGAIN_S, GRACE_S, Desk
from heliostat.edge.estimates import is_dry_run, priced
from heliostat.edge.from_proto import Asked, body_pieces, complete, executed_model, usd, warnings_of
from heliostat.edge.heads import note
from heliostat.edge.job_form import AnswerForm, detached_body, job_path
from heliostat.edge.limits import json_fields
from heliostat.edge.media_files import fetch_pictures
from heliostat.edge.narration import EDIT, GENERATION, Manner, Narrator
from heliostat.edge.picture_reply import picture_reply
from heliostat.edge.presence import DrainOver, Presence, line_of
from heliostat.edge.problems import error_body
from heliostat.edge.schemas import ImageBody, generation_body
from heliostat.edge.streaming import Ends, Telling
from heliostat.edge.to_proto import PICTURE, STRICTNESS, Wish, answer_form, generation_request
from heliostat.edge.visit import Answering, Reply, Visit, header_text, visit_of
from heliostat.edge.waiting import Patience, idempotency_key, patience, retry_count


class Images:
    """Asks for pictures and gives the answer OpenAI's shape."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def generations(self, request: Request) -> Answering:
        """Draws pictures from words."""
        visit, settings = visit_of(request), self._desk.settings
        fields = await json_fields(visit, request.receive, settings.max_json_bytes, settings.body_timeout_s)
        body = generation_body(fields)
        wish = wish_of(visit)
        return await self.draw(request, body, generation_request(body, wish), wish)

    async def draw(self, request: Request, body: ImageBody, image: request_pb2.ImageRequest, wish: Wish) -> Answering:
        """Asks for `image` and waits as long as the caller does. Raises MeshError, CallerLeft."""
        visit, desk = visit_of(request), self._desk
        if is_dry_run(request):
            return await priced(desk, request, body, image)
        form = AnswerForm(answer_form(body, wish), image.output.quality, image.output.background)
        how_long = patience(
            visit.header(b"prefer"), request.scope["query_string"].decode("latin-1"), desk.settings.request_timeout_s
        )
        from_store = desk.settings.pictures == "store" and image.output.delivery == request_pb2.DELIVERY_BYTES
        if from_store:
            image.output.delivery = request_pb2.DELIVERY_STORED
        ask = router_pb2.GenerateRequest(
            image=image,
            request_id=visit.request_id,
            idempotency_key=idempotency_key(visit.header(b"idempotency-key")),
            wait=to_duration(how_long.wait_s),
            retry_count=retry_count(visit.header(b"x-stainless-retry-count")),
            wait_is_default=how_long.is_default,
            answer_form=form.text(),
            progressive=bool(body.stream),
        )
        asked = Asked(body.model, form.quality, form.background, visit.trace_id, desk.sandbox)
        if body.stream:
            manner = Manner(
                event=GENERATION if image.WhichOneof("operation") == "text_to_image" else EDIT,
                form=form.form,
                count=image.image_count,
                own_progress=not visit.openai_base,
                link=desk.link_maker(visit),
                now=desk.clock.time,
            )
            return await self._streamed(request, body, ask, Narrator(asked, manner), how_long)
        answer = Answer(as_base64=form.form != PICTURE)
        try:
            await self._follow(answer, ask, request, how_long, from_store=from_store)
        except DrainOver:
            # The run is the ledger's and goes on; who waits is told where to find it.
            answer.detached, answer.result = True, None
        finally:
            note(answer, visit)
        if answer.result is None and answer.detached:
            return self._detached(answer, body, how_long)
        reply = self._reply(answer, asked, form, visit)
        answer.release()
        return reply

    async def _streamed(
        self,
        request: Request,
        body: ImageBody,
        ask: router_pb2.GenerateRequest,
        narrator: Narrator,
        how_long: Patience,
    ) -> Answering:
        """The answer as a stream of events. Raises MeshError, CallerLeft as long as there is nothing to say."""
        desk, visit, answer = self._desk, visit_of(request), narrator.answer
        timeout_s = how_long.wait_s + GRACE_S
        opened = stream(desk.router.Generate, ask, timeout_s=timeout_s, metadata=visit.credentials())
        ends = Ends(
            note=lambda: note(answer, visit),
            detached=lambda: self._detached(answer, body, how_long),
            job=lambda: self._job(answer, body),
            takes_job=lambda: how_long.takes_job or answer.wished_by_key,
        )
        return await Telling(desk, request, opened, narrator, ends).begin()

    async def _follow(
        self,
        answer: Answer,
        ask: router_pb2.GenerateRequest,
        request: Request,
        how_long: Patience,
        *,
        from_store: bool,
    ) -> None:
        visit, timeout_s = visit_of(request), how_long.wait_s + GRACE_S
        opened = stream(self._desk.router.Generate, ask, timeout_s=timeout_s, metadata=visit.credentials())
        try:
            with Presence(line_of(request.scope), visit.interruption):
                async with opened as responses:
                    async for response in responses:
                        answer.take_all(response.events)
                        # The exception that ends the stream keeps this frame for a while; no picture bytes with it.
                        del response
                if from_store:
                    await fetch_pictures(self._desk.blobs, answer)
        except MeshError as error:
            if error.failure is not None and error.failure.phase == MESH_PHASE:
                # The ledger was lost with the request in its hands: nobody here knows how far it came.
                answer.possibly_bought = True
                visit.answer_headers["location"] = job_path(answer.request_id or visit.request_id)
            raise

    def _reply(self, answer: Answer, asked: Asked, form: AnswerForm, visit: Visit) -> Answering:
        result = complete(answer)
        headers = visit.answer_headers
        headers["x-heliostat-provider"] = header_text(result.provider)
        headers["x-heliostat-model"] = header_text(executed_model(result))
        if result.HasField("cost") and result.cost.HasField("amount"):
            headers["x-heliostat-cost"] = f"{usd(result.cost.amount):.6f}"
        warnings = warnings_of(answer.pictures)
        if warnings:
            headers["x-heliostat-warning"] = warnings
        if form.form == PICTURE and answer.pictures:
            return picture_reply(answer.pictures[0], answer.request_id)
        pieces = body_pieces(
            answer,
            asked,
            form=form.in_json,
            created=answer.created or int(self._desk.clock.time()),
            link=self._desk.link_maker(visit),
        )
        return Reply(200, pieces)

    def _detached(self, answer: Answer, body: ImageBody, how_long: Patience) -> Reply:
        job = self._job(answer, body)
        headers = {"location": job["url"]}
        if how_long.takes_job or answer.wished_by_key:
            headers["retry-after"] = str(ASK_AGAIN_S)
            if how_long.applied:
                headers["preference-applied"] = how_long.applied
            return Reply(202, [orjson.dumps(job)], headers=headers)
        problem = error_body(
            f"The pictures are not there yet, the work goes on; ask GET {job['url']} for them instead of asking anew.",
            "server_error",
            None,
            "deadline_exceeded",
            job=job,
        )
        return Reply(504, [problem], headers={**headers, "x-should-retry": "false"})

    def _job(self, answer: Answer, body: ImageBody) -> dict[str, Any]:
        return detached_body(answer, body.model, answer.created or int(self._desk.clock.time()))


def wish_of(visit: Visit) -> Wish:
    """What the head of the request says about its answer. Raises INVALID_FIELD."""
    strict = visit.header(b"x-heliostat-strict").lower()
    if strict and strict not in STRICTNESS:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            'x-heliostat-strict must be one of "off", "report", "refuse".',
            field="x-heliostat-strict",
        )
    accept = visit.header(b"accept").lower()
    wants_picture = "image/" in accept and "json" not in accept and "*/*" not in accept
    return Wish(openai_base=visit.openai_base, wants_picture=wants_picture, strict=strict)
