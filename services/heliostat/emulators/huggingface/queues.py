"""The three providers behind the router that answer with a job: fal, Replicate, WaveSpeed, each in its own dialect."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.huggingface.catalogue import BY_ID, Served
from heliostat.emulators.huggingface.dialect import check_key, refused
from heliostat.emulators.huggingface.inputs import Order, read_order
from heliostat.emulators.huggingface.studio import Studio, is_unsafe
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of

LONGEST_WAIT_S = 60.0


class Queues:
    """Submits, states and results."""

    def __init__(self, room: Room, jobs: Jobs, studio: Studio) -> None:
        self._room = room
        self._jobs = jobs
        self._studio = studio

    def routes(self) -> list[Route]:
        """Give the routes; the order matters, for a model of fal's is any path."""
        room = self._room
        return [
            room.route("/fal-ai/{owner}/{app}/requests/{job}/status", self.fal_state, "GET"),
            room.route("/fal-ai/{owner}/{app}/requests/{job}", self.fal_result, "GET"),
            room.route("/fal-ai/{model:path}", self.fal, "POST"),
            room.route("/replicate/v1/predictions/{job}", self.replicate_state, "GET"),
            room.route("/replicate/v1/predictions", self.replicate, "POST"),
            room.route("/replicate/v1/models/{model:path}/predictions", self.replicate, "POST"),
            room.route("/wavespeed/api/v3/predictions/{job}/result", self.wavespeed_state, "GET"),
            room.route("/wavespeed/api/v3/{model:path}", self.wavespeed, "POST"),
        ]

    async def fal(self, request: Request) -> Call:
        """Queue a job at fal, or without `_subdomain=queue` wait for it."""
        body = await read_body(request)
        name = request.path_params["model"]
        queued = request.query_params.get("_subdomain") == "queue"

        async def work(entry: Entry) -> Reply:
            order = await self._order(request, "fal-ai", name, body.fields)
            job = self._start(request, order, entry)
            if not queued:
                await job.over.wait()
                return job.result or refused(500).reply
            app = "/".join(name.split("/")[:2])
            root = f"https://queue.fal.run/{app}/requests/{job.id}"
            return json_reply(
                {
                    "status": "IN_QUEUE",
                    "request_id": job.id,
                    "response_url": root,
                    "status_url": f"{root}/status",
                    "cancel_url": f"{root}/cancel",
                    "queue_position": 0,
                }
            )

        return Call("submit", work, name, body.text("prompt"))

    async def fal_state(self, request: Request) -> Call:
        """Tell how a job stands at fal."""

        def shown(job: Job) -> Reply:
            word = "COMPLETED" if job.over.is_set() else "IN_PROGRESS" if job.began else "IN_QUEUE"
            content: dict[str, Any] = {"status": word, "request_id": job.id}
            if job.result is not None and job.result.status >= 500:
                content |= {"error": "The job failed.", "error_type": "internal_error"}
            return json_reply(content, 200 if job.over.is_set() else 202)

        return self._look(request, shown)

    async def fal_result(self, request: Request) -> Call:
        """Give a job's result at fal."""

        def shown(job: Job) -> Reply:
            return job.result or json_reply({"detail": "Request is still in progress"}, 400)

        return self._look(request, shown, "result")

    async def replicate(self, request: Request) -> Call:
        """Begin a prediction; `Prefer: wait` waits up to a minute for it."""
        body = await read_body(request)
        given = body.fields.get("input")
        fields = dict(given) if isinstance(given, dict) else {}
        version = body.text("version")
        name = request.path_params.get("model") or next(
            (own for provider, own in BY_ID if provider == "replicate" and version and own.endswith(f":{version}")), ""
        )

        async def work(entry: Entry) -> Reply:
            order = await self._order(request, "replicate", name, fields)
            job = self._start(request, order, entry)
            if "wait" in request.headers.get("prefer", ""):
                try:
                    await asyncio.wait_for(job.over.wait(), LONGEST_WAIT_S)
                except TimeoutError:
                    return json_reply(_prediction(job), 202)
            return json_reply(_prediction(job), 201)

        return Call("submit", work, name, str(fields.get("prompt") or ""))

    async def replicate_state(self, request: Request) -> Call:
        """Tell how a prediction stands."""
        return self._look(request, lambda job: json_reply(_prediction(job)))

    async def wavespeed(self, request: Request) -> Call:
        """Begin a task."""
        body = await read_body(request)
        name = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            order = await self._order(request, "wavespeed", name, body.fields)
            return json_reply(_task(self._start(request, order, entry)))

        return Call("submit", work, name, body.text("prompt"))

    async def wavespeed_state(self, request: Request) -> Call:
        """Tell how a task stands."""
        return self._look(request, lambda job: json_reply(_task(job)))

    def _look(self, request: Request, shown: Any, kind: str = "status") -> Call:
        job = self._jobs.find(request.path_params["job"])

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            if job is None:
                raise refused(404)
            reply: Reply = shown(job)
            return reply

        model, prompt = ("", "") if job is None else (job.entry.model, job.entry.prompt)
        return Call(kind, work, model, prompt)

    async def _order(self, request: Request, provider: str, name: str, fields: dict[str, Any]) -> Order:
        check_key(request.headers.get("authorization"))
        model: Served | None = BY_ID.get((provider, name))
        if model is None:
            raise refused(400, f"Model {name} not supported by provider {provider}")
        return await read_order(model, fields)

    def _start(self, request: Request, order: Order, entry: Entry) -> Job:
        job = Job(secrets.token_hex(13), entry, self._room.address(request), order)

        async def paint(billed: Entry) -> Reply:
            if is_unsafe(order) and order.model.provider != "fal-ai":
                said = "NSFW content detected. Try running it again, or try a different prompt."
                raise Refusal(json_reply({"error": said}, 422))
            images = await self._studio.draw(order, billed)
            if order.model.provider != "fal-ai":
                return json_reply({"output": self._studio.hosted(images, order, job.address)})
            return json_reply(_fal_result(order, images, self._studio.hosted(images, order, job.address)))

        self._jobs.start(job, paint)
        return job


def _fal_result(order: Order, images: list[bytes], urls: list[str]) -> dict[str, Any]:
    """With the safety checker on, a flagged picture is black; the bill is the same."""
    width, height = header_of(images[0]).size
    files = [{"url": url, "width": width, "height": height, "content_type": order.media_type} for url in urls]
    return {
        "images": files,
        "seed": order.seed,
        "has_nsfw_concepts": [is_unsafe(order)] * len(files),
        "prompt": order.prompt,
        "timings": {"inference": 0.1},
    }


def _told(job: Job) -> dict[str, Any]:
    """What a job came to: `output`, or `error`; a scripted result's own members as well."""
    if job.result is None:
        return {}
    try:
        content = orjson.loads(job.result.body)
    except orjson.JSONDecodeError:
        content = {}
    told = dict(content) if isinstance(content, dict) else {"output": content}
    if job.result.status >= 400:
        return {"error": str(told.get("error") or "The model failed."), "failed": True}
    return told


def _prediction(job: Job) -> dict[str, Any]:
    told, order = _told(job), job.facts
    failed = told.pop("failed", False)
    status = (
        "failed" if failed else "succeeded" if job.result is not None else "processing" if job.began else "starting"
    )
    return {
        "id": job.id,
        "model": order.model.own_id.partition(":")[0],
        "version": order.model.own_id.partition(":")[2] or "hidden",
        "input": {"prompt": order.prompt},
        "output": None,
        "error": None,
        "logs": "",
        "status": status,
        "data_removed": False,
        "urls": {"get": f"https://api.replicate.com/v1/predictions/{job.id}"},
    } | told


def _task(job: Job) -> dict[str, Any]:
    told = _told(job)
    failed = told.pop("failed", False)
    status = "failed" if failed else "completed" if job.result is not None else "processing" if job.began else "created"
    data = {
        "id": job.id,
        "model": job.facts.model.own_id,
        "outputs": told.pop("output", []),
        "urls": {"get": f"https://api.wavespeed.ai/api/v3/predictions/{job.id}/result"},
        "status": status,
        "has_nsfw_contents": [],
        "error": "",
    }
    return {"code": 200, "message": "success", "data": data | told}
