"""Stability AI's API (api.stability.ai, v2beta) below /stability; the reference of 2026, read 2026-11-22."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.stability.catalogue import BY_PATH
from heliostat.emulators.stability.dialect import check_key, refused
from heliostat.emulators.stability.inputs import read_order
from heliostat.emulators.stability.studio import Studio, as_json, check_words

CREDITS = 1000.0


class StabilityEndpoints:
    """Forms, results of jobs, the balance."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._studio = Studio(room)

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/v1/user/balance", self.balance, "GET"),
            room.route("/v2beta/results/{job_id}", self.result, "GET"),
            room.route("/v2beta/stable-image/{family}/{name}", self.submit, "POST"),
        ]

    async def submit(self, request: Request) -> Call:
        """Take a form; answer with the picture, or with a job."""
        body = await read_body(request)
        path = f"{request.path_params['family']}/{request.path_params['name']}"
        model = body.text("model") or path
        prompt = body.text("prompt") or body.text("background_prompt")

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            endpoint = BY_PATH.get(path)
            if endpoint is None:
                raise refused(404)
            if body.fault and body.is_form:
                raise refused(400, "bad_request", f"body: {body.fault}")
            order = read_order(endpoint, body)
            check_words(order)
            if not endpoint.queued:
                reply = await self._studio.carry_out(order, entry)
                return as_json(reply, "image") if _wants_json(request) else reply
            job = Job(secrets.token_hex(32), entry, self._room.address(request), order)

            async def paint(billed: Entry) -> Reply:
                return await self._studio.carry_out(order, billed)

            self._jobs.start(job, paint)
            return json_reply({"id": job.id})

        return Call("submit", work, model, prompt)

    async def result(self, request: Request) -> Call:
        """Tell how a job stands, or answer with its picture."""
        job = self._jobs.find(request.path_params["job_id"])

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            if job is None:
                raise refused(404)
            if job.result is None:
                return json_reply({"id": job.id, "status": "in-progress"}, 202)
            if job.result.status >= 400 or not _wants_json(request):
                return job.result
            return as_json(job.result, "result")

        model, prompt = ("", "") if job is None else (job.entry.model, job.entry.prompt)
        return Call("status", work, model, prompt)

    async def balance(self, request: Request) -> Call:
        """Tell what is left on the account."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            return json_reply({"credits": CREDITS})

        return Call("account", work)


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")
