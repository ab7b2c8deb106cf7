"""Fireworks AI's image API (api.fireworks.ai/inference/v1) below /fireworks; docs.fireworks.ai (2026)."""

from __future__ import annotations

import binascii
from typing import Any

import orjson
import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.fireworks.catalogue import BY_NAME, Dialect, FireworksModel
from heliostat.emulators.fireworks.dialect import check_key, refused
from heliostat.emulators.fireworks.inputs import read_order
from heliostat.emulators.fireworks.studio import as_job, at_once
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of

_MODEL = "accounts/fireworks/models/{model}"


class FireworksEndpoints:
    """Workflows, jobs and their results, the older API, files."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room, workflows, older = self._room, "/inference/v1/workflows", "/inference/v1/image_generation"
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route(f"{workflows}/{_MODEL}/text_to_image", self.workflow, "POST"),
            room.route(f"{workflows}/{_MODEL}/get_result", self.result, "POST"),
            room.route(f"{workflows}/{_MODEL}", self.submit, "POST"),
            room.route(f"{older}/{_MODEL}/image_to_image", self.repaint, "POST"),
            room.route(f"{older}/{_MODEL}", self.draw, "POST"),
        ]

    async def workflow(self, request: Request) -> Call:
        """Draw with FLUX."""
        return await self._at_once(request, "workflow")

    async def draw(self, request: Request) -> Call:
        """Draw with an older model."""
        return await self._at_once(request, "legacy")

    async def repaint(self, request: Request) -> Call:
        """Change a picture with an older model."""
        return await self._at_once(request, "legacy", repaints=True)

    async def submit(self, request: Request) -> Call:
        """Take a job of Kontext's."""
        body = await read_body(request)
        name, job_id = _name(request), self._room.dialect.new_request_id().replace("-", "")

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            order = read_order(_model(name, "job"), body)
            image = _picture(order.fields.get("input_image"))
            if image is not None and (order.fields.get("safety_tolerance") or 0) > 2:
                raise refused(422, "safety_tolerance must be at most 2 with an input image", "safety_tolerance")
            address = self._room.address(request)
            job = Job(job_id, entry, address, order)

            async def paint(billed: Entry) -> Reply:
                return await as_job(self._room, order, image, address, billed)

            self._jobs.start(job, paint)
            return json_reply({"request_id": job.id})

        return Call("submit", work, name, body.text("prompt"), job_id)

    async def result(self, request: Request) -> Call:
        """Tell how a job stands."""
        body = await read_body(request)
        job = self._jobs.find(body.text("id"))
        name = _name(request)

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            if job is None or job.entry.model != name:
                return json_reply(_shown(body.text("id"), status="Task not found"))
            return json_reply(_state(job))

        return Call("status", work, name, "" if job is None else job.entry.prompt)

    async def _at_once(self, request: Request, dialect: Dialect, *, repaints: bool = False) -> Call:
        body = await read_body(request)
        name = _name(request)
        accept = request.headers.get("accept", "application/json")

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            model = _model(name, dialect)
            image = _file(model, body) if repaints else None
            return await at_once(self._room, read_order(model, body), image, accept, entry)

        return Call("submit", work, name, body.text("prompt"))


def _name(request: Request) -> str:
    return _MODEL.format(model=request.path_params["model"])


def _model(name: str, dialect: Dialect) -> FireworksModel:
    """Find a model that is spoken to in this way. Raises `Refusal`."""
    model = BY_NAME.get(name.rpartition("/")[2])
    if model is None or model.dialect != dialect:
        raise refused(404)
    return model


def _file(model: FireworksModel, body: Body) -> bytes:
    """Give the picture of a form. Raises `Refusal`."""
    given = body.files.get("init_image")
    if not model.repaints:
        raise refused(404)
    if not given:
        raise refused(422, "init_image is required", "init_image")
    return given[0]


def _picture(source: Any) -> bytes | None:
    """Give the bytes behind base64 text, bare or as a data URI. Raises `Refusal`."""
    if not source:
        return None
    try:
        data = pybase64.b64decode(str(source).rpartition(",")[2], validate=True)
        header_of(data)
    except (binascii.Error, PictureRefused) as error:
        raise refused(422, "input_image is no picture", "input_image") from error
    return data


def _shown(job_id: str, **more: Any) -> dict[str, Any]:
    return {"id": job_id, "status": "Pending", "result": None, "progress": 0, "details": None} | more


def _state(job: Job) -> dict[str, Any]:
    """Show a job as it stands. A scripted result's own members are shown as well."""
    if job.result is None:
        return _shown(job.id, progress=0.5 if job.began else 0)
    if job.result.status >= 400:
        return _shown(job.id, status="Error", details={"error": "The task failed."})
    content = orjson.loads(job.result.body)
    return _shown(job.id, **content)
