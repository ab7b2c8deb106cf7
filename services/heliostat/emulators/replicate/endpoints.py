"""Replicate's HTTP API (api.replicate.com/v1) below /replicate/v1, its pictures below /replicate/files (to 2026-11)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of
from heliostat.emulators.replicate.catalogue import BY_ID, BY_VERSION, ReplicateModel
from heliostat.emulators.replicate.dialect import check_token, invalid, new_id, problem
from heliostat.emulators.replicate.inputs import read_order
from heliostat.emulators.replicate.predictions import Asked, prediction_json
from heliostat.emulators.replicate.studio import Studio
from heliostat.emulators.replicate.uploads import Uploads
from heliostat.emulators.replicate.webhooks import EVENTS, Webhooks

PAGE = 100
LONGEST_WAIT_S = 60
MEMBERS = frozenset({"input", "version", "webhook", "webhook_events_filter", "stream"})
PREFER = re.compile(r"wait(?:=(\d+))?")
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
BAD_VERSION = "The specified version does not exist (or perhaps you don't have permission to use it?)"


class ReplicateEndpoints:
    """Predictions, models, files, and what belongs to an account."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._uploads = Uploads()
        self._webhooks = Webhooks(room)

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v1/models/{owner}/{name}/predictions", self.create_official, "POST"),
            room.route("/v1/models/{owner}/{name}/versions/{version}", self.version, "GET"),
            room.route("/v1/models/{owner}/{name}", self.model, "GET"),
            room.route("/v1/predictions", self.create, "POST"),
            room.route("/v1/predictions", self.list, "GET"),
            room.route("/v1/predictions/{id}", self.get, "GET"),
            room.route("/v1/predictions/{id}/cancel", self.cancel, "POST"),
            room.route("/v1/files", self.upload, "POST"),
            room.route("/v1/files", self.uploaded, "GET"),
            room.route("/v1/files/{id}", self.about_file, "GET", "DELETE"),
            room.route("/v1/webhooks/default/secret", self.secret, "GET"),
            room.route("/v1/account", self.account, "GET"),
        ]

    async def create_official(self, request: Request) -> Call:
        """Start a prediction of an official model."""
        name = _model_name(request)
        model = BY_ID.get(name)
        return await self._create(request, name, model if model is not None and model.official else None, 404)

    async def create(self, request: Request) -> Call:
        """Start a prediction by version; an official model may be named in its place."""
        version = (await read_body(request)).text("version")
        name, _, digest = version.rpartition(":") if ":" in version else ("", "", version)
        model = BY_VERSION.get(digest)
        if name and model is not None and model.id != name:
            model = None
        if model is None and "/" in version and (named := BY_ID.get(version)) is not None and named.official:
            model = named
        return await self._create(request, model.id if model else version, model, 422)

    async def get(self, request: Request) -> Call:
        """Tell how a prediction stands."""
        return self._about_job(request, "status", prediction_json)

    async def cancel(self, request: Request) -> Call:
        """Take a prediction back; one that has ended stays as it is."""

        def cancelled(job: Job) -> dict[str, Any]:
            self._jobs.cancel(job)
            return prediction_json(job)

        return self._about_job(request, "cancel", cancelled)

    async def list(self, request: Request) -> Call:
        """List predictions, the newest first."""
        shown = [prediction_json(job) for job in self._jobs][:PAGE]
        return self._plain(request, "list", {"previous": None, "next": None, "results": shown})

    async def model(self, request: Request) -> Call:
        """Describe a model."""
        model = BY_ID.get(_model_name(request))
        return self._plain(request, "models", None if model is None else _model_json(model), _model_name(request))

    async def version(self, request: Request) -> Call:
        """Describe a version."""
        model = BY_VERSION.get(request.path_params["version"])
        known = model is not None and model.id == _model_name(request)
        return self._plain(request, "models", _version_json(model) if model and known else None)

    async def upload(self, request: Request) -> Call:
        """Take a file."""
        body = await read_body(request)

        async def work(_: Entry) -> Reply:
            token = _token(request)
            files = body.files.get("content")
            if not files:
                raise Refusal(problem(400, "Bad request", "Missing content"))
            try:
                media_type = header_of(files[0]).media_type
            except PictureRefused:
                media_type = "application/octet-stream"
            stored = self._uploads.put(files[0], media_type, token)
            return json_reply(stored.as_json(self._room.address(request)), 201)

        return Call("upload", work)

    async def uploaded(self, request: Request) -> Call:
        """List the files of this token."""

        def shown(token: str) -> dict[str, Any]:
            files = [file.as_json(self._room.address(request)) for file in self._uploads.of(token)]
            return {"previous": None, "next": None, "results": files}

        return self._for_token(request, "files", shown)

    async def about_file(self, request: Request) -> Call:
        """Describe or delete a file of this token."""

        async def work(_: Entry) -> Reply:
            file = self._uploads.find(request.path_params["id"], _token(request))
            if file is None:
                return self._room.dialect.error(404)
            if request.method == "DELETE":
                self._uploads.drop(file.id)
                return Reply(204)
            return json_reply(file.as_json(self._room.address(request)))

        return Call("files", work)

    async def secret(self, request: Request) -> Call:
        """Tell the secret that webhooks are signed with."""
        return self._plain(request, "account", {"key": self._webhooks.secret})

    async def account(self, request: Request) -> Call:
        """Tell whose token this is."""
        return self._plain(request, "account", {"type": "user", "username": "emulated", "name": "Emulated"})

    async def _create(self, request: Request, name: str, model: ReplicateModel | None, unknown: int) -> Call:
        body = await read_body(request)
        given = body.fields.get("input")
        prompt = given.get("prompt") if isinstance(given, dict) else None
        job_id = new_id()

        async def work(entry: Entry) -> Reply:
            token = _token(request)
            if model is None:
                missing = self._room.dialect.error(404)
                raise Refusal(
                    missing if unknown == 404 else problem(422, "Invalid version or not permitted", BAD_VERSION)
                )
            asked = _read_create(request, body, model)
            order = read_order(model, asked.input)
            studio = Studio(self._room, self._uploads, self._room.address(request), token)
            job = Job(job_id, entry, self._room.address(request), asked)

            async def paint(billed: Entry) -> Reply:
                return await studio.carry_out(order, billed)

            self._jobs.start(job, paint, limit_s=asked.limit_s, ended=self._webhooks.tell)
            return await self._first_answer(request, job)

        return Call("submit", work, name, prompt if isinstance(prompt, str) else "", job_id)

    async def _first_answer(self, request: Request, job: Job) -> Reply:
        """Answer at once, or hold the answer as long as `Prefer: wait` says: 202 tells that it was not long enough."""
        found = PREFER.search(request.headers.get("prefer", ""))
        if found is None:
            return json_reply(prediction_json(job), 201)
        wait_s = min(int(found[1] or LONGEST_WAIT_S), LONGEST_WAIT_S)
        try:
            async with asyncio.timeout(wait_s):
                await job.over.wait()
        except TimeoutError:
            return json_reply(prediction_json(job), 202)
        return json_reply(prediction_json(job), 201)

    def _about_job(self, request: Request, kind: str, shown: Callable[[Job], dict[str, Any]]) -> Call:
        job = self._jobs.find(request.path_params["id"])

        async def work(_: Entry) -> Reply:
            check_token(request.headers.get("authorization"))
            return self._room.dialect.error(404) if job is None else json_reply(shown(job))

        model, prompt = ("", "") if job is None else (job.entry.model, job.entry.prompt)
        return Call(kind, work, model, prompt, request.path_params["id"])

    def _for_token(self, request: Request, kind: str, shown: Callable[[str], dict[str, Any]], model: str = "") -> Call:
        async def work(_: Entry) -> Reply:
            return json_reply(shown(_token(request)))

        return Call(kind, work, model)

    def _plain(self, request: Request, kind: str, content: dict[str, Any] | None, model: str = "") -> Call:
        async def work(_: Entry) -> Reply:
            check_token(request.headers.get("authorization"))
            return self._room.dialect.error(404) if content is None else json_reply(content)

        return Call(kind, work, model)


def _model_name(request: Request) -> str:
    return f"{request.path_params['owner']}/{request.path_params['name']}"


def _token(request: Request) -> str:
    """Give the token of a request. Raises `Refusal`."""
    authorization = request.headers.get("authorization")
    check_token(authorization)
    return (authorization or "").partition(" ")[2]


def _read_create(request: Request, body: Body, model: ReplicateModel) -> Asked:
    """Check what stands around the input. Raises `Refusal`."""
    if body.fault:
        raise Refusal(problem(400, "Bad request", body.fault))
    unknown = sorted(body.fields.keys() - MEMBERS)
    if unknown:
        raise invalid(
            (unknown[0], "additional_property_not_allowed", f"Additional property {unknown[0]} is not allowed")
        )
    if "input" not in body.fields:
        raise invalid(("input", "required", "input is required"))
    events = body.fields.get("webhook_events_filter") or sorted(EVENTS)
    if not isinstance(events, list) or not EVENTS.issuperset(events):
        raise invalid(("webhook_events_filter", "enum", "must be one of start, output, logs, completed"))
    return Asked(model, body.fields["input"], body.text("webhook"), frozenset(events), _limit_s(request))


def _limit_s(request: Request) -> float | None:
    """Read Cancel-After: "30s", "5m", "1h30m45s", at least 5 seconds. Raises `Refusal`."""
    text = request.headers.get("cancel-after")
    if text is None:
        return None
    found = DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found and text else (0, 0, 0)
    limit = 3600 * hours + 60 * minutes + seconds
    if limit < 5:
        raise Refusal(problem(400, "Bad request", "Cancel-After must be a duration of at least 5 seconds."))
    return float(limit)


def _model_json(model: ReplicateModel) -> dict[str, Any]:
    owner, name = model.id.split("/")
    return {
        "url": f"https://replicate.com/{model.id}",
        "owner": owner,
        "name": name,
        "description": f"Emulated {name}",
        "visibility": "public",
        "is_official": model.official,
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 0,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": _version_json(model),
    }


def _version_json(model: ReplicateModel) -> dict[str, Any]:
    return {
        "id": model.version,
        "created_at": "2025-12-01T00:00:00.000000Z",
        "cog_version": "0.16.0",
        "openapi_schema": model.openapi_schema(),
    }
