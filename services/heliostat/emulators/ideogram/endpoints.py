"""Ideogram's API (api.ideogram.ai, version 2) below /ideogram, its pictures below /ideogram/files."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.ideogram.catalogue import BY_PATH
from heliostat.emulators.ideogram.dialect import MAX_INFLIGHT, check_key, new_id, wrong
from heliostat.emulators.ideogram.inputs import Order, read_order
from heliostat.emulators.ideogram.studio import Studio, now, refuse_unsafe
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry

KEPT = "data", "seed", "usage_cost_usd_micros", "failure_reason", "status"


class IdeogramEndpoints:
    """Operations, generations, files."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v2/generations/{generation_id}", self.generation, "GET"),
            room.route("/v2/image/{operation}/{model}", self.submit, "POST"),
        ]

    async def submit(self, request: Request) -> Call:
        """Take a generation: carry it out at once, or later where the body says `async`."""
        body = await read_body(request)
        path = "{operation}/{model}".format(**request.path_params)
        job_id = new_id()

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("api-key"))
            order = self._order(path, body)
            if request.query_params.get("dry_run") == "true":
                return json_reply(_quote(order))
            refuse_unsafe(order)
            self._check_room(order)
            studio = Studio(self._room, self._room.address(request))
            job = Job(job_id, entry, self._room.address(request), order)

            async def carry_out(billed: Entry) -> Reply:
                return await studio.carry_out(order, billed)

            self._jobs.start(job, carry_out)
            if order.operation.always_async or order.fields.get("async"):
                return json_reply({"generation_id": job_id, "generation_kind": "sampling", "seed": order.seed})
            await job.over.wait()
            return _at_once(job)

        return Call("submit", work, path, body.text("prompt"), job_id)

    async def generation(self, request: Request) -> Call:
        """Tell how a generation stands."""
        job_id = request.path_params["generation_id"]
        job = self._jobs.find(job_id)

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("api-key"))
            if job is None:
                raise wrong("Generation not found.", 404)
            return json_reply(_state(job))

        model, prompt = ("", "") if job is None else (job.entry.model, job.entry.prompt)
        return Call("status", work, model, prompt, job_id)

    def _order(self, path: str, body: Body) -> Order:
        operation = BY_PATH.get(path)
        if operation is None:
            raise Refusal(self._room.dialect.error(404))
        if body.fault:
            raise wrong(f"The body cannot be read: {body.fault}.")
        return read_order(operation, body)

    def _check_room(self, order: Order) -> None:
        """Raises `Refusal` with status 429 where more pictures would be under way than the account may have."""
        active = sum(job.facts.count for job in self._jobs if not job.over.is_set())
        if active + order.count > MAX_INFLIGHT:
            raise Refusal(self._room.dialect.error(429))


def _quote(order: Order) -> dict[str, Any]:
    return {
        "object": "price_quote",
        "billing_identifier": order.operation.path.replace("/", "_").replace("-", "_"),
        "quantity": order.count,
        "usd_micros": order.cost_micros,
        "credit_millis": order.cost_micros // 10,
        "qualifier": "estimate" if order.operation.per_megapixel else "exact",
        "upper_bound_usd_micros": None,
    }


def _content(job: Job) -> dict[str, Any]:
    """What a job came to, as far as it is an object."""
    try:
        content = orjson.loads(job.result.body) if job.result is not None else {}
    except orjson.JSONDecodeError:
        return {}
    return {name: content[name] for name in KEPT if name in content} if isinstance(content, dict) else {}


def _at_once(job: Job) -> Reply:
    if job.result is None or job.result.status >= 400:
        return job.result or json_reply({"error": "The generation was dropped."}, 500)
    return json_reply({"generation_id": job.id, "generation_kind": "sampling", "created": now(), **_content(job)})


def _state(job: Job) -> dict[str, Any]:
    """Show a generation as it stands. A scripted result's own members are shown as well."""
    shown: dict[str, Any] = {"generation_id": job.id, "status": "pending", "created": now()}
    if not job.over.is_set():
        return shown
    if job.result is None or job.result.status >= 400:
        return shown | {"status": "failed", "failure_reason": "The generation failed.", **_content(job)}
    return shown | {"status": "completed", "response_type": "image", **_content(job)}
