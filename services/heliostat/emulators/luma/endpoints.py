"""Luma's image generations (api.lumalabs.ai) below /luma; docs.lumalabs.ai, read to 2026-07."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.checked_fields import Field, number, read_fields, read_values, text, words
from heliostat.emulators.counter import Counter, content_of, is_unsafe, ratio_size
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.plain_dialect import PlainDialect, bearer

AREA_PX = 2_073_600
PRICES_MICROS: Mapping[str, int] = {"photon-1": 15_000, "photon-flash-1": 4_000}
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
FIELDS: Mapping[str, Field] = {
    "model": words(*PRICES_MICROS),
    "prompt": text(3, 5000, needed=True),
    "aspect_ratio": words(*RATIOS),
    "format": words("jpg", "png"),
    "callback_url": text(),
    "image_ref": Field("list", 1, 4),
    "style_ref": Field("list", 1, 1),
    "character_ref": Field("object"),
    "modify_image_ref": Field("object"),
}
WEIGHTED: Mapping[str, Field] = {"url": text(8, needed=True), "weight": number(0, 1)}
DIALECT = PlainDialect(
    lambda status, message: json_reply({"detail": message}, status),
    {401: "Not authenticated", 402: "Insufficient credits", 404: "Generation not found"},
)


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken, in the shape of the framework that Luma uses."""
    fault = {"type": "value_error", "loc": ["body", "Generation", name], "msg": message, "input": None}
    return Refusal(json_reply({"detail": [fault]}, 422))


class LumaEndpoints:
    """Generations and their states."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room, base = self._room, "/dream-machine/v1"
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route(f"{base}/generations/image", self.create, "POST"),
            room.route(f"{base}/generations/{{id}}", self.look, "GET"),
            room.route(f"{base}/credits", self.credits, "GET"),
        ]

    async def create(self, request: Request) -> Call:
        """Take a generation."""
        body = await read_body(request)
        name, job_id = body.text("model") or "photon-1", DIALECT.new_request_id()

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")), unpaid=400)
            order = read_fields(FIELDS, body, wrong)
            _check_pictures(order)
            if is_unsafe(order["prompt"]):
                raise DIALECT.refused(400, "The prompt contains blacklisted words")
            job = Job(job_id, entry, self._room.address(request), order)

            async def paint(billed: Entry) -> Reply:
                return await self._paint(order, job, billed)

            self._jobs.start(job, paint)
            return json_reply(_shown(job), 201)

        return Call("submit", work, name, body.text("prompt"), job_id)

    async def look(self, request: Request) -> Call:
        """Tell how a generation stands."""
        job = self._jobs.find(request.path_params["id"])

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            if job is None:
                raise DIALECT.refused(404)
            return json_reply(_shown(job))

        return Call("status", work, "" if job is None else job.entry.model)

    async def credits(self, request: Request) -> Call:
        """Tell what is left."""

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            return json_reply({"credit_balance": 100_000})

        return Call("account", work)

    async def _paint(self, order: dict[str, Any], job: Job, entry: Entry) -> Reply:
        media_type = "image/png" if order.get("format") == "png" else "image/jpeg"
        size = ratio_size(order.get("aspect_ratio") or "16:9", AREA_PX)
        images = await self._counter.draw(order["prompt"], size, media_type=media_type)
        entry.bill(PRICES_MICROS[order.get("model") or "photon-1"], images)
        return json_reply({"assets": {"image": self._counter.host(images[0], job.address, media_type)}})


def _check_pictures(order: Mapping[str, Any]) -> None:
    """Raises `Refusal` for anything but addresses: Luma fetches pictures itself."""
    single = order.get("modify_image_ref")
    for name in ("image_ref", "style_ref"):
        for one in order.get(name) or ():
            _check_picture(one, name)
    if single is not None:
        _check_picture(single, "modify_image_ref")


def _check_picture(one: Any, name: str) -> None:
    if not isinstance(one, dict):
        raise wrong("must be an object", name)
    read = read_values(WEIGHTED, one, wrong)
    if not read["url"].startswith(("https://", "http://")):
        raise wrong("must be a public URL", name)


def _shown(job: Job) -> dict[str, Any]:
    """Show a generation as it stands."""
    content = content_of(job)
    shown: dict[str, Any] = {
        "id": job.id,
        "generation_type": "image",
        "state": "dreaming" if job.began else "queued",
        "failure_reason": None,
        "created_at": datetime.fromtimestamp(job.created, UTC).isoformat(),
        "assets": None,
        "model": job.entry.model,
        "request": job.facts,
    }
    if job.result is None:
        return shown
    if content is None:
        return shown | {"state": "failed", "failure_reason": "The generation failed."}
    return shown | {"state": "completed"} | content
