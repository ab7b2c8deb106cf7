"""Runware's API (api.runware.ai) at /runware/v1, over HTTP and over a WebSocket, its pictures below /runware/files:
tasks and answers in arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import BaseRoute, WebSocketRoute

from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.runware.dialect import TaskFault, check_key, fault, wrong
from heliostat.emulators.runware.inputs import Order, check_uuid, read_order, read_tasks
from heliostat.emulators.runware.sockets import AUTHENTICATION, Sockets
from heliostat.emulators.runware.studio import Studio

Shown = dict[str, Any]
LOOK = "getResponse"


class RunwareEndpoints:
    """The one address, and files."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs

    def routes(self) -> list[BaseRoute]:
        """Give the provider's routes."""
        return [
            self._room.route("/files/{name}", self._room.file, "GET"),
            self._room.route("/v1", self.tasks, "POST"),
            WebSocketRoute("/runware/v1", Sockets(self._room, self.call_of).talk),
        ]

    async def tasks(self, request: Request) -> Call:
        """Take tasks."""
        tasks = read_tasks(await request.body())
        return self.call_of(tasks, _key(request, tasks or []), self._room.address(request))

    def call_of(self, tasks: Sequence[Mapping[str, Any]] | None, key: str, address: str) -> Call:
        """The call that tasks are, None for a body that holds none; the first one that is no authentication tells what
        kind of request it is."""
        first = next((task for task in tasks or [] if task.get("taskType") != AUTHENTICATION), {})

        async def work(entry: Entry) -> Reply:
            check_key(key)
            if tasks is None:
                shown = fault("invalidPayload", "The payload must be an array of task objects.")
                raise Refusal(json_reply({"errors": [shown]}, 400))
            return await self._answered(tasks, address, entry)

        kind = "status" if first.get("taskType") == LOOK else "submit"
        model, prompt = (str(first.get(name, "")) for name in ("model", "positivePrompt"))
        return Call(kind, work, model, prompt, str(first.get("taskUUID", "")))

    async def _answered(self, tasks: Sequence[Mapping[str, Any]], address: str, entry: Entry) -> Reply:
        """Answer each task; the status is good where one of them is."""
        data: list[Shown] = []
        errors: list[Shown] = []
        status = 200
        for task in tasks:
            kept: Shown = {"taskType": task.get("taskType"), "taskUUID": task.get("taskUUID")}
            try:
                for content in await self._one(task, address, entry):
                    (errors if "code" in content else data).append(kept | content)
            except TaskFault as refused:
                status = refused.status
                errors.append(refused.shown | kept)
        shown = {name: found for name, found in (("data", data), ("errors", errors)) if found}
        return json_reply(shown or {"data": []}, 200 if data else status)

    async def _one(self, task: Mapping[str, Any], address: str, entry: Entry) -> list[Shown]:
        if task.get("taskType") == AUTHENTICATION:
            return [{"connectionSessionUUID": self._room.dialect.new_request_id()}]
        task_id = check_uuid(task)
        job = self._jobs.find(task_id)
        if task.get("taskType") == LOOK:
            if job is None:
                raise wrong("taskNotFound", "There is no such task.", "taskUUID", 404)
            return _state(job)
        if job is not None:
            raise wrong("conflictTaskUUID", "A task with this taskUUID already exists.", "taskUUID", 409)
        order = await read_order(task)
        job = Job(task_id, entry, address, order)
        self._start(job, order)
        if task.get("deliveryMethod") == "async":
            return [{}]
        await job.over.wait()
        return _state(job, status=False)

    def _start(self, job: Job, order: Order) -> None:
        studio = Studio(self._room, job.address)

        async def carry_out(billed: Entry) -> Reply:
            return await studio.carry_out(order, billed)

        self._jobs.start(job, carry_out)


def _key(request: Request, tasks: Sequence[Mapping[str, Any]]) -> str:
    """The key, of the header or of a first task for it."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and key:
        return key
    first = tasks[0] if tasks else {}
    return str(first.get("apiKey", "")) if first.get("taskType") == AUTHENTICATION else ""


def _state(job: Job, *, status: bool = True) -> list[Shown]:
    """Show a task as it stands. A scripted result's own members are shown as well."""
    kept: Shown = {"taskType": job.facts.fields.get("taskType")}
    if not job.over.is_set():
        return [kept | {"status": "processing"}]
    content = _content(job)
    data = [kept | ({"status": "success"} if status else {}) | one for one in content.get("data") or []]
    errors = [kept | ({"status": "error"} if status else {}) | one for one in content.get("errors") or []]
    return data + errors


def _content(job: Job) -> Mapping[str, Any]:
    try:
        content = orjson.loads(job.result.body) if job.result is not None else None
    except orjson.JSONDecodeError:
        content = None
    if isinstance(content, dict) and ("data" in content or "errors" in content):
        return content
    return {"errors": [fault("providerError", "The task failed.")]}
