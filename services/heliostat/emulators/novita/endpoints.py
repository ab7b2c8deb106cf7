"""Novita AI's pictures (api.novita.ai) below /novita; its API reference of 2025 to 2026.

Prices contradict each other on its own pages; those here are the higher ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.checked_fields import Field, number, picture, read_fields, read_values, text, whole, words
from heliostat.emulators.counter import Counter, content_of, encoded, is_unsafe, picture_of
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, Work, json_reply
from heliostat.emulators.jobs import Job, Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of
from heliostat.emulators.plain_dialect import PlainDialect, bearer

SCHNELL_MICROS, CUT_OUT_MICROS = 3_000, 17_000
# Of these no price was seen; the emulated ones take a cent.
OTHER_MICROS = 10_000
UPSCALERS = ("RealESRGAN_x4plus_anime_6B", "RealESRNet_x4plus", "4x-UltraSharp")
REASONS: Mapping[int, str] = {
    400: "INVALID_REQUEST_BODY",
    401: "MISSING_API_KEY",
    402: "BILLING_BALANCE_NOT_ENOUGH",
    403: "INVALID_API_KEY",
    404: "MODEL_NOT_FOUND",
    422: "ILLEGAL_PROMPT",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL",
}


def _shape(status: int, message: str) -> Reply:
    # What other providers say by 402, 401 and 422 is a 400 or a 403 there, and its reason.
    sent = {401: 403, 402: 400, 422: 400}.get(status, status)
    reason = "INVALID_API_KEY" if status == 401 else REASONS.get(status, "UNKNOWN")
    return json_reply({"code": sent, "reason": reason, "message": message, "metadata": {}}, sent)


DIALECT = PlainDialect(_shape, {401: "invalid api key", 402: "not enough balance", 404: "model not found"})
SCHNELL: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "width": whole(64, 2048),
    "height": whole(64, 2048),
    "image_num": whole(1, 8),
    "steps": whole(1, 100),
    "seed": whole(0, 4_294_967_295),
    "response_image_type": words("png", "webp", "jpeg"),
}
QWEN: Mapping[str, Field] = {"prompt": text(1, needed=True), "size": text()}
TASK: Mapping[str, Field] = {"extra": Field("object"), "request": Field("object", needed=True)}
UPSCALE: Mapping[str, Field] = {
    "model_name": words(*UPSCALERS),
    "image_base64": picture(needed=True),
    "scale_factor": number(1, 4),
}
TOOL: Mapping[str, Field] = {"image_file": picture(needed=True), "extra": Field("object")}
RESTAGE: Mapping[str, Field] = {**TOOL, "prompt": text(1, needed=True)}
EXTRA: Mapping[str, Field] = {
    "response_image_type": words("png", "webp", "jpeg"),
    "enterprise_plan": Field("object"),
}


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken."""
    return DIALECT.refused(400, f"{name}: {message}")


class NovitaEndpoints:
    """FLUX at once, tasks, tools."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._jobs = jobs
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v3beta/flux-1-schnell", self.schnell, "POST"),
            room.route("/v3/async/qwen-image-txt2img", self.qwen, "POST"),
            room.route("/v3/async/upscale", self.upscale, "POST"),
            room.route("/v3/remove-background", self.cut_out, "POST"),
            room.route("/v3/reimagine", self.reimagine, "POST"),
            room.route("/v3/replace-background", self.restage, "POST"),
            room.route("/v3/async/task-result", self.look, "GET"),
        ]

    async def schnell(self, request: Request) -> Call:
        """Draw with FLUX at once."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            order = self._read(SCHNELL, body, request)
            kind = order.get("response_image_type", "png")
            count, size = order.get("image_num", 1), (order.get("width", 1024), order.get("height", 1024))
            images = await self._counter.draw(
                order["prompt"], size, seed=order.get("seed"), media_type=f"image/{kind}", count=count
            )
            entry.bill(SCHNELL_MICROS * count, images)
            address = self._room.address(request)
            listed = [self._shown(image, address, kind) for image in images]
            return json_reply({"images": listed, "task": {"task_id": entry.request_id}})

        return Call("submit", work, "flux-1-schnell", body.text("prompt"))

    async def qwen(self, request: Request) -> Call:
        """Take a task of Qwen's."""
        body = await read_body(request)

        async def paint(order: Mapping[str, Any]) -> bytes:
            (image,) = await self._counter.draw(order["prompt"], _size(order.get("size", "1024*1024")))
            return image

        return await self._task(request, body, QWEN, paint, "qwen-image-txt2img")

    async def upscale(self, request: Request) -> Call:
        """Take a task that makes a picture larger."""
        body = await read_body(request)

        async def paint(order: Mapping[str, Any]) -> bytes:
            asked = read_values(UPSCALE, order["request"], wrong)
            image = picture_of(asked["image_base64"], lambda message: wrong(message, "image_base64"))
            width, height = header_of(image).size
            factor = asked.get("scale_factor", 2)
            return await self._counter.enlarge(image, (round(width * factor), round(height * factor)))

        asked = body.fields.get("request")
        model = str(asked.get("model_name", "")) if isinstance(asked, dict) else ""
        return await self._task(request, body, TASK, paint, model)

    async def cut_out(self, request: Request) -> Call:
        """Leave the subject of a picture, at once."""
        return await self._tool(request, TOOL, "remove-background", CUT_OUT_MICROS)

    async def reimagine(self, request: Request) -> Call:
        """Make another picture like it, at once."""
        return await self._tool(request, TOOL, "reimagine", OTHER_MICROS)

    async def restage(self, request: Request) -> Call:
        """Put another background behind the subject, at once."""
        return await self._tool(request, RESTAGE, "replace-background", OTHER_MICROS)

    async def _tool(self, request: Request, fields: Mapping[str, Field], name: str, price_micros: int) -> Call:
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            order = self._read(fields, body, request)
            kind = read_values(EXTRA, order.get("extra", {}), wrong).get("response_image_type", "png")
            image = picture_of(order["image_file"], lambda message: wrong(message, "image_file"))
            if name == "remove-background":
                made = await self._counter.cut_out(image, f"image/{kind}")
            else:
                made = await self._counter.change(image, order.get("prompt", name), media_type=f"image/{kind}")
            entry.bill(price_micros, [made])
            return json_reply({"image_file": encoded(made), "image_type": kind})

        return Call("submit", work, name, body.text("prompt"))

    async def look(self, request: Request) -> Call:
        """Tell how a task stands."""
        job = self._jobs.find(request.query_params.get("task_id", ""))

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            if job is None:
                gone = {"code": 404, "reason": "TASK_NOT_FOUND", "message": "task not found", "metadata": {}}
                raise Refusal(json_reply(gone, 404))
            return json_reply(_state(job))

        return Call("status", work, "" if job is None else job.entry.model)

    def _read(self, fields: Mapping[str, Field], body: Body, request: Request) -> dict[str, Any]:
        DIALECT.check_key(bearer(request.headers.get("authorization")))
        order = read_fields(fields, body, wrong)
        if is_unsafe(str(order.get("prompt", ""))):
            raise DIALECT.refused(422, "the prompt is not allowed")
        return order

    async def _task(self, request: Request, body: Body, fields: Mapping[str, Field], paint: Any, model: str) -> Call:
        job_id, address = DIALECT.new_request_id(), self._room.address(request)

        async def work(entry: Entry) -> Reply:
            order = self._read(fields, body, request)
            if "size" in order:
                _size(order["size"])
            self._jobs.start(Job(job_id, entry, address, order), self._painted(paint, order, address))
            return json_reply({"task_id": job_id})

        return Call("submit", work, model, body.text("prompt"), job_id)

    def _painted(self, paint: Any, order: Mapping[str, Any], address: str) -> Work:
        async def work(entry: Entry) -> Reply:
            image = await paint(order)
            entry.bill(OTHER_MICROS, [image])
            return json_reply({"images": [self._shown(image, address, "png")]})

        return work

    def _shown(self, image: bytes, address: str, kind: str) -> dict[str, Any]:
        url = self._counter.host(image, address, f"image/{kind}")
        return {"image_url": url, "image_url_ttl": "3600", "image_type": kind}


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("*")
    if not (width.isdigit() and height.isdigit() and 256 <= int(width) <= 1536 and 256 <= int(height) <= 1536):
        raise wrong("must be such as 1024*1024, with 256 to 1536 a side", "size")
    return int(width), int(height)


def _state(job: Job) -> dict[str, Any]:
    """Show a task as it stands."""
    content = content_of(job)
    word = "PROCESSING" if job.began else "QUEUED"
    if job.result is not None:
        word = "SUCCEED" if content is not None else "FAILED"
    task = {
        "task_id": job.id,
        "status": f"TASK_STATUS_{word}",
        "reason": "the task failed" if word == "FAILED" else "",
        "task_type": "TXT_TO_IMG",
        "eta": 0,
        "progress_percent": {"QUEUED": 0, "PROCESSING": 50}.get(word, 100),
    }
    return {"extra": {}, "task": task, "images": [], "videos": []} | (content or {})
