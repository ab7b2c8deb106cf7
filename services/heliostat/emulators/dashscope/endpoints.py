"""DashScope's API (dashscope-intl.aliyuncs.com) below /dashscope/api/v1, its pictures below /dashscope/files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.dashscope.catalogue import IMAGE, IMAGE2IMAGE, MULTIMODAL, TEXT2IMAGE
from heliostat.emulators.dashscope.dialect import BEIJING_KEY, read_key, refused
from heliostat.emulators.dashscope.inputs import Order, read_order
from heliostat.emulators.dashscope.studio import Studio
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry

MOST_LISTED = 100


class DashScopeEndpoints:
    """Answers at once, tasks, files."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room, services = self._room, "/api/v1/services/aigc"
        return [
            *(room.route(f"{services}/{path}", self.submit, "POST") for path in (IMAGE, TEXT2IMAGE, IMAGE2IMAGE)),
            room.route(f"{services}/{MULTIMODAL}", self.generations, "POST"),
            room.route("/api/v1/tasks", self.tasks, "GET"),
            room.route("/api/v1/tasks/", self.tasks, "GET"),
            room.route("/api/v1/tasks/{id}", self.result, "GET"),
            room.route("/api/v1/tasks/{id}/cancel", self.cancel, "POST"),
            room.route("/files/{name}", room.file, "GET"),
        ]

    async def generations(self, request: Request) -> Call:
        """Draw at once."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            studio, order = await self._admitted(request, MULTIMODAL, read=body)
            made = orjson.loads((await studio.carry_out(order, entry)).body)
            return json_reply({"request_id": entry.request_id, **made})

        return Call("generations", work, body.text("model"), _said(body))

    async def submit(self, request: Request) -> Call:
        """Take a task. Its body is checked at once."""
        body = await read_body(request)
        path = request.url.path.partition("/aigc/")[2]
        task_id = self._room.dialect.new_request_id()

        async def work(entry: Entry) -> Reply:
            studio, order = await self._admitted(request, path, read=body)
            job = Job(task_id, entry, studio.address, order)

            async def paint(billed: Entry) -> Reply:
                return await studio.carry_out(order, billed)

            self._jobs.start(job, paint)
            output = {"task_id": task_id, "task_status": "PENDING"}
            return json_reply({"request_id": self._room.dialect.new_request_id(), "output": output})

        return Call("submit", work, body.text("model"), _said(body), task_id)

    async def result(self, request: Request) -> Call:
        """Tell how a task stands; of one that nobody knows, that it is UNKNOWN."""
        task_id = request.path_params["id"]
        job = self._jobs.find(task_id)

        async def work(entry: Entry) -> Reply:
            read_key(request.headers.get("authorization"))
            told: dict[str, Any] = {"output": {"task_id": task_id, "task_status": "UNKNOWN"}}
            return json_reply({"request_id": entry.request_id, **(told if job is None else _state(job))})

        return Call("status", work, job.entry.model if job else "", job.entry.prompt if job else "")

    async def cancel(self, request: Request) -> Call:
        """Take a task back that waits; one that runs or is over stays."""
        job = self._jobs.find(request.path_params["id"])

        async def work(entry: Entry) -> Reply:
            read_key(request.headers.get("authorization"))
            if job is None:
                raise refused(404, "InvalidParameter.TaskNotFound", "The task does not exist.")
            if job.began or not self._jobs.cancel(job):
                message = "Failed to cancel the task, please confirm if the task is in PENDING status."
                raise refused(400, "UnsupportedOperation", message)
            return json_reply({"request_id": entry.request_id})

        return Call("cancel", work, job.entry.model if job else "", job.entry.prompt if job else "")

    async def tasks(self, request: Request) -> Call:
        """List tasks, the newest first."""

        async def work(entry: Entry) -> Reply:
            read_key(request.headers.get("authorization"))
            told = [{**_state(job)["output"], "model_name": job.entry.model} for job in self._jobs]
            wanted = request.query_params.get("status")
            told = [one for one in told if wanted in {None, one["task_status"]}]
            return json_reply({"request_id": entry.request_id, "total": len(told), "data": told[:MOST_LISTED]})

        return Call("tasks", work)

    async def _admitted(self, request: Request, path: str, *, read: Body) -> tuple[Studio, Order]:
        key = read_key(request.headers.get("authorization"))
        asynchronous = request.headers.get("x-dashscope-async") == "enable"
        order = await read_order(path, read, asynchronous=asynchronous)
        beijing = key.startswith(BEIJING_KEY)
        return Studio(self._room, self._room.address(request), beijing), order


def _said(body: Body) -> str:
    """Give the prompt, before anything was checked; empty where it is not where it should be."""
    given = body.fields.get("input")
    given = given if isinstance(given, dict) else {}
    if isinstance(given.get("prompt"), str):
        return str(given["prompt"])
    try:
        return str(given["messages"][0]["content"][-1]["text"])
    except (KeyError, IndexError, TypeError):
        return ""


def _state(job: Job) -> dict[str, Any]:
    """Show a task as it stands: `output`, and `usage` where it is over. A scripted result's own members are shown."""
    shown: dict[str, Any] = {
        "task_id": job.id,
        "task_status": "RUNNING" if job.began else "PENDING",
        "submit_time": _time(job.created),
    }
    if job.began:
        shown["scheduled_time"] = _time(job.began)
    if not job.over.is_set():
        return {"output": shown}
    shown["end_time"] = _time(job.ended)
    if job.result is None:
        return {"output": shown | {"task_status": "CANCELED"}}
    try:
        content = orjson.loads(job.result.body)
    except orjson.JSONDecodeError:
        content = {}
    if job.result.status >= 400 or not isinstance(content, dict):
        named = content if isinstance(content, dict) else {}
        fault = {"code": named.get("code", "InternalError"), "message": named.get("message", "The task failed.")}
        return {"output": shown | {"task_status": "FAILED", **fault}}
    output = shown | {"task_status": "SUCCEEDED"} | content.get("output", {})
    return {"output": output, **{name: value for name, value in content.items() if name != "output"}}


def _time(seconds: float) -> str:
    """A Unix time as DashScope writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
