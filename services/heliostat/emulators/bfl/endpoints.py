"""Black Forest Labs' API (api.bfl.ai) below /bfl, its pictures below /bfl/files; docs.bfl.ai, read to 2026-11."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bfl.billing import MEGAPIXEL_PX
from heliostat.emulators.bfl.catalogue import BY_NAME, BflModel
from heliostat.emulators.bfl.dialect import check_key, fault
from heliostat.emulators.bfl.inputs import Order, picture_of, read_order
from heliostat.emulators.bfl.studio import Studio, credits_of, output_size
from heliostat.emulators.bfl.webhooks import Webhooks
from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of
from heliostat.emulators.sources import SourceUnreadable

CREDITS = 1000.0


class BflEndpoints:
    """Submits, results, credits, files."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._webhooks = Webhooks(room)

    def routes(self) -> list[Route]:
        """Give the provider's routes; the order matters, for an endpoint is any word."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v1/get_result", self.result, "GET"),
            room.route("/v1/credits", self.credits, "GET"),
            room.route("/v1/{endpoint:path}", self.submit, "POST"),
        ]

    async def submit(self, request: Request) -> Call:
        """Take a task. Its body is checked at once."""
        body = await read_body(request)
        name = request.path_params["endpoint"]
        task_id = self._room.dialect.new_request_id()

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("x-key"))
            model = BY_NAME.get(name)
            if model is None:
                raise Refusal(self._room.dialect.error(404))
            if body.fault:
                raise fault("body", body.fault, "json_invalid")
            order = read_order(model, body.fields)
            self._check_room(model)
            inputs = [await self._picture(source, "image") for source in order.sources]
            mask = await self._mask(order)
            studio = Studio(self._room, self._room.address(request))
            job = Job(task_id, entry, self._room.address(request), order)

            async def paint(billed: Entry) -> Reply:
                return await studio.carry_out(order, inputs, mask, billed)

            self._jobs.start(job, paint, ended=self._told(body))
            return json_reply(_submitted(job, order, inputs, body))

        return Call("submit", work, name, body.text("prompt"), task_id)

    async def result(self, request: Request) -> Call:
        """Tell how a task stands. One that nobody knows is told by its status as well."""
        task_id = request.query_params.get("id", "")
        job = self._jobs.find(task_id)

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("x-key"))
            if job is None:
                missing = {"id": task_id, "status": "Task not found", "result": None}
                return json_reply(missing | {"progress": None, "details": None, "preview": None}, 404)
            return json_reply(_state(job))

        model, prompt = ("", "") if job is None else (job.entry.model, job.entry.prompt)
        return Call("status", work, model, prompt, task_id)

    async def credits(self, request: Request) -> Call:
        """Tell what is left on the account."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("x-key"))
            return json_reply({"credits": CREDITS})

        return Call("account", work)

    def _check_room(self, model: BflModel) -> None:
        """Raises `Refusal` with status 429 where the account has as many tasks under way as it may have."""
        active = sum(1 for job in self._jobs if not job.over.is_set() and job.entry.model == model.name)
        if active >= model.active_tasks:
            raise Refusal(self._room.dialect.error(429))

    async def _picture(self, source: str, field: str) -> bytes:
        hosted = f"{self._room.name}/files/"
        _, found, name = source.partition(hosted)
        file = self._room.shelf.get(name) if found else None
        try:
            data = file.data if file else await picture_of(source)
            header_of(data)
        except (SourceUnreadable, PictureRefused) as error:
            raise fault(field, f"Invalid image: {error}", "value_error") from error
        return data

    async def _mask(self, order: Order) -> bytes | None:
        source = order.fields.get("mask")
        return await self._picture(source, "mask") if source else None

    def _told(self, body: Body) -> Any:
        address, secret = body.text("webhook_url"), body.text("webhook_secret")

        async def send(job: Job) -> None:
            await self._webhooks.send(address, secret, job, _state(job))

        return send if address else None


def _submitted(job: Job, order: Order, inputs: list[bytes], body: Body) -> dict[str, Any]:
    """Show a task as the submit answers it; who is called back gets no address to poll."""
    pixels = sum(size[0] * size[1] for size in (header_of(image).size for image in inputs))
    out = output_size(order, inputs)
    shown: dict[str, Any] = {
        "id": job.id,
        "cost": float(credits_of(order, inputs)),
        "input_mp": round(pixels / MEGAPIXEL_PX, 2) if inputs else None,
        "output_mp": round(out[0] * out[1] / MEGAPIXEL_PX, 2),
    }
    webhook = body.text("webhook_url")
    if webhook:
        return shown | {"status": "Pending", "webhook_url": webhook}
    return shown | {"polling_url": f"{job.address}/v1/get_result?id={job.id}"}


def _state(job: Job) -> dict[str, Any]:
    """Show a task as it stands. A scripted result's own members are shown as well."""
    shown: dict[str, Any] = {
        "id": job.id,
        "status": "Pending",
        "result": None,
        "progress": 0.5 if job.began else 0.0,
        "details": None,
        "preview": None,
    }
    if job.result is None:
        return shown
    shown["progress"] = None
    if job.result.status >= 400:
        return shown | {"status": "Error", "details": {"error": "The task failed."}}
    try:
        content = orjson.loads(job.result.body)
    except orjson.JSONDecodeError:
        content = None
    return shown | (content if isinstance(content, dict) else {"status": "Error"})
