"""fal's queue (queue.fal.run) below /fal, and its synchronous host (fal.run) below /fal/run; docs read to 2026-11."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, Work, json_reply
from heliostat.emulators.fal.catalogue import BY_ID, FalModel
from heliostat.emulators.fal.dialect import check_key, detail, fault
from heliostat.emulators.fal.inputs import read_order
from heliostat.emulators.fal.jobs import Job
from heliostat.emulators.fal.studio import Studio
from heliostat.emulators.fal.webhooks import Webhooks
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Entry

SLOW_S = 25.0
CANCEL_STATUS = {"OK": 200, "CANCELLATION_REQUESTED": 202, "ALREADY_COMPLETED": 400}
JOB_PATH = "/{owner}/{app}/requests/{request_id}"


class QueueEndpoints:
    """Submit, status, result, cancel, files, and the synchronous call."""

    def __init__(self, room: Room, jobs: Jobs, webhooks: Webhooks) -> None:
        self._room = room
        self._jobs = jobs
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """Give the provider's routes; the order matters, for a model id is any path."""
        room = self._room
        return [
            room.route("/.well-known/jwks.json", self.keys, "GET"),
            room.route("/files/{name}", room.file, "GET"),
            room.route(f"{JOB_PATH}/status/stream", self.status_stream, "GET"),
            room.route(f"{JOB_PATH}/status", self.status, "GET"),
            room.route(f"{JOB_PATH}/cancel", self.cancel, "PUT"),
            room.route(f"{JOB_PATH}/response", self.result, "GET"),
            room.route(JOB_PATH, self.result, "GET"),
            room.route("/run/{model:path}", self.run, "POST"),
            room.route("/{model:path}", self.submit, "POST"),
        ]

    async def submit(self, request: Request) -> Call:
        """Queue a job. The input is checked when the job runs: a wrong one fails the job, not this call."""
        body = await read_body(request)
        request_id = self._room.dialect.new_request_id()
        model_id = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            model = self._admit(request, model_id)
            address = f"{self._room.address(request)}/{model.app}/requests/{request_id}"
            job = Job(request_id, entry, address, app=model.app)
            webhook = request.query_params.get("fal_webhook")

            async def tell(_: object) -> None:
                if webhook is not None:
                    await self._webhooks.send(webhook, job)

            self._jobs.start(job, self._work(request, model, body), ended=tell)
            shown = job.submitted_json()
            return json_reply(shown if webhook is None else shown | {"gateway_request_id": request_id})

        return Call("submit", work, model_id, body.text("prompt"), request_id)

    async def run(self, request: Request) -> Call:
        """Do the work while the client waits."""
        body = await read_body(request)
        model_id = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            model = self._admit(request, model_id)
            job = Job(self._room.dialect.new_request_id(), entry, "", app=model.app)
            self._jobs.start(job, self._work(request, model, body))
            await job.over.wait()
            return job.result or self._room.dialect.error(500)

        return Call("submit", work, model_id, body.text("prompt"))

    async def status(self, request: Request) -> Call:
        """Tell how a job stands: 202 until it has ended, then 200, well or not."""

        def shown(job: Job) -> Reply:
            content = job.status_json(logs=_wants_logs(request))
            return json_reply(content, 200 if job.state == "COMPLETED" else 202)

        return self._about_job(request, "status", shown)

    async def status_stream(self, request: Request) -> Call:
        """Tell how a job stands until it has ended."""

        def shown(job: Job) -> Reply:
            logs = _wants_logs(request)
            return Reply(media_type="text/event-stream", chunks=job.watch(logs=logs))

        return self._about_job(request, "status", shown)

    async def result(self, request: Request) -> Call:
        """Give a job's result, or the error that it ended with."""

        def shown(job: Job) -> Reply:
            return job.result or detail(400, "Request is still in progress")

        return self._about_job(request, "result", shown)

    async def cancel(self, request: Request) -> Call:
        """Cancel a job, if it still waits."""

        def shown(job: Job) -> Reply:
            outcome = job.cancel(self._room.dialect.error(499))
            return json_reply({"status": outcome}, CANCEL_STATUS[outcome])

        return self._about_job(request, "cancel", shown)

    async def keys(self, request: Request) -> Call:
        """Give the keys that webhooks are signed with."""

        async def work(_: Entry) -> Reply:
            return json_reply(self._webhooks.key_set())

        return Call("keys", work)

    def _admit(self, request: Request, model_id: str) -> FalModel:
        check_key(request.headers.get("authorization"))
        model = BY_ID.get(model_id)
        if model is None:
            raise Refusal(detail(404, f"Application '{model_id}' not found"))
        if model.id == "sandbox/rate-limited":
            raise Refusal(self._room.dialect.error(429))
        if model.id == "sandbox/down":
            raise Refusal(self._room.dialect.error(503))
        return model

    def _work(self, request: Request, model: FalModel, body: Body) -> Work:
        studio = Studio(self._room, self._room.address(request))

        async def work(entry: Entry) -> Reply:
            await asyncio.sleep(SLOW_S if model.id == "sandbox/slow" else 0.0)
            if body.fault:
                raise fault("body", body.fault, "json_invalid")
            return await studio.carry_out(read_order(model, body.fields), entry)

        return work

    def _about_job(self, request: Request, kind: str, shown: Callable[[Job], Reply]) -> Call:
        params = request.path_params
        found = self._jobs.find(params["request_id"])
        job = found if isinstance(found, Job) and found.app == f"{params['owner']}/{params['app']}" else None

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            if job is None:
                not_found = {"status": "NOT_FOUND"} if kind == "cancel" else {"detail": "Request not found"}
                raise Refusal(json_reply(not_found, 404))
            return shown(job)

        model = "" if job is None else job.entry.model
        prompt = "" if job is None else job.entry.prompt
        return Call(kind, work, model, prompt, params["request_id"])


def _wants_logs(request: Request) -> bool:
    """fal's own client writes a truth value as the word."""
    return request.query_params.get("logs", "").lower() in {"1", "true"}
