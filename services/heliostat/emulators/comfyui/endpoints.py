"""A ComfyUI server below /comfyui, with and without /api (2025-10, and of the second half of 2026); read 2026-11-22.

Several prompts run at once here, where a server has one worker. The websocket is missing.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.comfyui.dialect import check_proxy, error_body, refused
from heliostat.emulators.comfyui.graph import check, file_of, texts_of
from heliostat.emulators.comfyui.object_info import FOLDERS, NODES, told
from heliostat.emulators.comfyui.studio import Studio
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of

KINDS = ("input", "temp", "output")


@dataclass
class Prompt:
    """What the server keeps of a prompt."""

    number: int
    workflow: dict[str, Any]
    outputs: list[str]
    extra: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False


class ComfyuiEndpoints:
    """Prompts, queue, history, pictures."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._studio = Studio(room, self._file)
        self._numbers = itertools.count()

    def routes(self) -> list[Route]:
        """Give the server's routes."""
        table = [
            ("/prompt", self.submit, "POST"),
            ("/prompt", self.waiting, "GET"),
            ("/queue", self.queue, "GET"),
            ("/queue", self.delete, "POST"),
            ("/interrupt", self.interrupt, "POST"),
            ("/history", self.history, "GET"),
            ("/history/{prompt_id}", self.history, "GET"),
            ("/view", self.view, "GET"),
            ("/upload/image", self.upload, "POST"),
            ("/object_info", self.nodes, "GET"),
            ("/object_info/{name}", self.nodes, "GET"),
            ("/models/{folder}", self.models, "GET"),
            ("/system_stats", self.stats, "GET"),
        ]
        routes = [
            self._room.route(base + path, handler, verb) for base in ("", "/api") for path, handler, verb in table
        ]
        routes.append(self._room.route("/api/jobs/{prompt_id}", self.job, "GET"))
        routes.append(self._room.route("/api/jobs/{prompt_id}/cancel", self.cancel, "POST"))
        return routes

    async def submit(self, request: Request) -> Call:
        """Check a workflow and queue it."""
        body = await read_body(request)
        workflow = body.fields.get("prompt")

        async def work(entry: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            if body.fault:
                raise refused(400, "invalid_json", "The body is not JSON")
            prompt_id = _own_id(body)
            checked = check(workflow, self._has_file)
            if not checked.outputs:
                message, errors = "Prompt outputs failed validation", checked.node_errors
                return json_reply(error_body("prompt_outputs_failed_validation", message, "", errors), 400)
            prompt = Prompt(next(self._numbers), workflow or {}, checked.outputs, {"client_id": body.text("client_id")})
            job = Job(prompt_id, entry, self._room.address(request), prompt)

            async def paint(billed: Entry) -> Reply:
                return await self._painted(prompt, billed)

            self._jobs.start(job, paint)
            return json_reply({"prompt_id": job.id, "number": prompt.number, "node_errors": checked.node_errors})

        return Call("submit", work, file_of(workflow), texts_of(workflow))

    async def _painted(self, prompt: Prompt, entry: Entry) -> Reply:
        try:
            made = await self._studio.carry_out(prompt.workflow, prompt.outputs)
        except PictureRefused as error:
            return json_reply({"exception_type": "ValueError", "exception_message": str(error)}, 500)
        entry.bill(0, [picture for pictures in made.values() for picture in pictures])
        outputs = {}
        for node_id, pictures in made.items():
            temporary = prompt.workflow[node_id]["class_type"] == "PreviewImage"
            kind, stem = (
                ("temp", f"ComfyUI_temp_{secrets.token_hex(3)}") if temporary else ("output", _prefix(prompt, node_id))
            )
            images = []
            for index, picture in enumerate(pictures, 1):
                name = f"{stem}_{index:05}_.png"
                self._room.shelf.put(picture, "image/png", f"{kind}//{name}")
                images.append({"filename": name, "subfolder": "", "type": kind})
            outputs[node_id] = {"images": images}
        return json_reply(outputs)

    async def waiting(self, request: Request) -> Call:
        """Tell how many prompts are not over."""

        async def work(_: Entry) -> Reply:
            return json_reply({"exec_info": {"queue_remaining": self._jobs.unfinished()}})

        return Call("status", work)

    async def queue(self, request: Request) -> Call:
        """Tell what runs and what waits."""

        async def work(_: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            open_ones = [job for job in self._jobs if not job.over.is_set()]
            running = [_listed(job) for job in open_ones if job.began]
            pending = [_listed(job) for job in open_ones if not job.began]
            return json_reply({"queue_running": running, "queue_pending": pending})

        return Call("status", work)

    async def delete(self, request: Request) -> Call:
        """Take waiting prompts out of the queue; those that run stay."""
        body = await read_body(request)

        async def work(_: Entry) -> Reply:
            wanted = body.fields.get("delete") or []
            for job in list(self._jobs):
                waits = not job.began and not job.over.is_set()
                if waits and (body.fields.get("clear") or job.id in wanted):
                    job.facts.deleted = True
                    self._jobs.cancel(job)
            return Reply(200, b"", "application/octet-stream")

        return Call("cancel", work)

    async def interrupt(self, request: Request) -> Call:
        """Interrupt the prompt that runs under an id, or whatever runs."""
        body = await read_body(request)
        wanted = body.fields.get("prompt_id")

        async def work(_: Entry) -> Reply:
            for job in list(self._jobs):
                if job.began and not job.over.is_set() and wanted in (None, job.id):
                    self._jobs.cancel(job)
            return Reply(200, b"", "application/octet-stream")

        return Call("cancel", work)

    async def cancel(self, request: Request) -> Call:
        """Take a prompt back, waiting or running."""
        job = self._jobs.find(request.path_params["prompt_id"])

        async def work(_: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            if job is not None and not job.began:
                job.facts.deleted = True
            return json_reply({"cancelled": job is not None and self._jobs.cancel(job)})

        return Call("cancel", work)

    async def history(self, request: Request) -> Call:
        """Tell how prompts ended; nothing of those that did not."""
        prompt_id = request.path_params.get("prompt_id")

        async def work(_: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            ended = [job for job in self._jobs if job.over.is_set() and not (job.taken_back and job.facts.deleted)]
            return json_reply({job.id: _ended(job) for job in ended if prompt_id in (None, job.id)})

        return Call("status", work)

    async def job(self, request: Request) -> Call:
        """Tell how a prompt stands, as newer servers do."""
        job = self._jobs.find(request.path_params["prompt_id"])

        async def work(_: Entry) -> Reply:
            if job is None or (job.taken_back and job.facts.deleted):
                return json_reply({"error": "Job not found"}, 404)
            facts: dict[str, Any] = {"id": job.id, "priority": job.facts.number, "create_time": int(1000 * job.created)}
            if not job.over.is_set():
                return json_reply(facts | {"status": "in_progress" if job.began else "pending"})
            entry = _ended(job)
            status = "completed" if entry["status"]["completed"] else "cancelled" if job.taken_back else "failed"
            return json_reply(
                facts | {"status": status, "outputs": entry["outputs"], "execution_status": entry["status"]}
            )

        return Call("status", work)

    async def view(self, request: Request) -> Call:
        """Answer with a file."""
        query = request.query_params

        async def work(_: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            name = query.get("filename", "")
            if not name or name.startswith("/") or ".." in name:
                return Reply(400, b"", "text/plain")
            kind = query.get("type", "output")
            found = self._room.shelf.get(f"{kind}/{query.get('subfolder', '')}/{name}")
            return Reply(404, b"", "text/plain") if found is None else Reply(200, found.data, found.media_type)

        return Call("file", work)

    async def upload(self, request: Request) -> Call:
        """Keep a picture."""
        body = await read_body(request)

        async def work(_: Entry) -> Reply:
            check_proxy(request.headers.get("authorization"))
            given = body.files.get("image")
            kind, folder = body.text("type") or "input", body.text("subfolder")
            if not given or kind not in KINDS:
                return Reply(400, b"", "text/plain")
            name = self._free_name(given[0], kind, folder, overwrite=body.text("overwrite") in ("true", "1"))
            return json_reply({"name": name, "subfolder": folder, "type": kind})

        return Call("upload", work)

    def _free_name(self, data: bytes, kind: str, folder: str, *, overwrite: bool) -> str:
        """Keep the bytes under a name that is free, or that may be overwritten; the same bytes are kept once."""
        try:
            media_type = header_of(data).media_type
        except PictureRefused:
            media_type = "application/octet-stream"
        stem, suffix = f"upload_{seed_name(data)}", media_type.partition("/")[2]
        name, count = f"{stem}.{suffix}", 1
        while not overwrite and (held := self._room.shelf.get(f"{kind}/{folder}/{name}")) and held.data != data:
            name, count = f"{stem} ({count}).{suffix}", count + 1
        self._room.shelf.put(data, media_type, f"{kind}/{folder}/{name}")
        return name

    async def nodes(self, request: Request) -> Call:
        """Tell what nodes there are."""
        name = request.path_params.get("name")

        async def work(_: Entry) -> Reply:
            return json_reply({one: told(one) for one in NODES if name in (None, one)})

        return Call("models", work)

    async def models(self, request: Request) -> Call:
        """Tell what files a folder has."""

        async def work(_: Entry) -> Reply:
            folder = FOLDERS.get(request.path_params["folder"])
            return Reply(404, b"", "text/plain") if folder is None else json_reply(folder)

        return Call("models", work)

    async def stats(self, request: Request) -> Call:
        """Tell the version."""

        async def work(_: Entry) -> Reply:
            system = {"os": "posix", "comfyui_version": "0.33.1", "python_version": "3.12.3", "argv": ["main.py"]}
            return json_reply({"system": system, "devices": []})

        return Call("models", work)

    def _key(self, annotated: str) -> str:
        """The shelf's name of a file as a workflow names it: "folder/name [kind]"."""
        kind = "input"
        for one in KINDS:
            if annotated.endswith(f" [{one}]"):
                kind, annotated = one, annotated.removesuffix(f" [{one}]")
        folder, _, name = annotated.rpartition("/")
        return f"{kind}/{folder}/{name}"

    def _has_file(self, annotated: str) -> bool:
        return self._room.shelf.get(self._key(annotated)) is not None

    def _file(self, annotated: str) -> bytes:
        found = self._room.shelf.get(self._key(annotated))
        if found is None:
            raise PictureRefused("the file is gone")
        return found.data


def seed_name(data: bytes) -> str:
    """Name bytes by what they are."""
    return hashlib.sha256(data).hexdigest()[:12]


def _prefix(prompt: Prompt, node_id: str) -> str:
    return str(prompt.workflow[node_id]["inputs"].get("filename_prefix", "ComfyUI")).replace("/", "_")


def _own_id(body: Body) -> str:
    """The client's own id, which has to be a UUID in its usual form. Raises `Refusal`."""
    given = body.fields.get("prompt_id")
    if given is None:
        return str(uuid.uuid4())
    try:
        good = str(uuid.UUID(given)) == given
    except (ValueError, AttributeError, TypeError):
        good = False
    if not good:
        raise refused(400, "invalid_prompt_id", "prompt_id must be a UUID in canonical form", str(given)[:100])
    return str(given)


def _listed(job: Job) -> list[Any]:
    prompt: Prompt = job.facts
    return [prompt.number, job.id, prompt.workflow, prompt.extra, prompt.outputs]


def _ended(job: Job) -> dict[str, Any]:
    """The entry of a prompt that is over."""
    prompt: Prompt = job.facts
    start = ["execution_start", {"prompt_id": job.id, "timestamp": int(1000 * (job.began or job.created))}]
    ended = {"prompt_id": job.id, "timestamp": int(1000 * (job.ended or time.time()))}
    result = job.result
    outputs: dict[str, Any] = {}
    if result is None:
        last = ["execution_interrupted", {**ended, "node_id": "3", "node_type": "KSampler", "executed": []}]
    elif result.status >= 400:
        last = [
            "execution_error",
            {**ended, "node_id": "3", "node_type": "KSampler", "traceback": [], **_exception(result)},
        ]
    else:
        last, outputs = ["execution_success", ended], orjson.loads(result.body)
    status = {"status_str": "success" if outputs else "error", "completed": bool(outputs), "messages": [start, last]}
    listed = [prompt.number, job.id, prompt.workflow, prompt.extra, prompt.outputs]
    return {"prompt": listed, "outputs": outputs, "status": status, "meta": {}}


def _exception(result: Reply) -> dict[str, str]:
    """What went wrong: a script may say it."""
    told = {"exception_type": "RuntimeError", "exception_message": "Something in the node went wrong"}
    try:
        given = orjson.loads(result.body)
    except orjson.JSONDecodeError:
        return told
    return {name: str(given.get(name, text)) for name, text in told.items()} if isinstance(given, dict) else told
