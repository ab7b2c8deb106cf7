"""Photoroom's two APIs (sdk.photoroom.com, image-api.photoroom.com) below /photoroom; docs.photoroom.com (2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.checked_fields import BOOLEAN, Field, number, picture, read_fields, text, whole, words
from heliostat.emulators.counter import JPEG, PNG, WEBP, Counter, encoded, is_unsafe, picture_of
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of
from heliostat.emulators.plain_dialect import PlainDialect

BASIC_MICROS, PLUS_MICROS = 20_000, 100_000
MOST_BYTES = 30_000_000
TYPES: Mapping[str, str] = {"png": PNG, "jpg": JPEG, "jpeg": JPEG, "webp": WEBP}
SEGMENT: Mapping[str, Field] = {
    "image_file_b64": picture(),
    "format": words("png", "jpg", "webp"),
    "channels": words("rgba", "alpha"),
    "bg_color": text(),
    "size": words("preview", "medium", "hd", "full"),
    "crop": BOOLEAN,
    "despill": BOOLEAN,
}
EDIT: Mapping[str, Field] = {
    "imageUrl": text(),
    "removeBackground": BOOLEAN,
    "background.color": text(),
    "background.imageUrl": text(),
    "background.prompt": text(),
    "background.negativePrompt": text(),
    "background.seed": whole(),
    "background.expandPrompt": words("ai.auto", "ai.never"),
    "background.blur.mode": words("gaussian", "bokeh"),
    "background.blur.radius": number(0, 0.05),
    "shadow.mode": words("ai.soft", "ai.hard", "ai.floating"),
    "lighting.mode": words("ai.auto"),
    "textRemoval.mode": words("ai.all", "ai.artificial", "ai.natural"),
    "expand.mode": words("ai.auto"),
    "uncrop.mode": words("ai.auto"),
    "upscale.mode": words("ai.fast", "ai.slow"),
    "outputSize": text(),
    "padding": text(),
    "margin": text(),
    "scaling": words("fit", "fill"),
    "export.format": words("png", "jpeg", "webp"),
    "export.dpi": whole(72, 1200),
}


def _shape(status: int, message: str) -> Reply:
    key = "detail" if status == 402 else "message"
    return json_reply({"error": {key: message}}, status)


DIALECT = PlainDialect(
    _shape, {401: "Unauthorized", 402: "API credits exhausted. Please upgrade your plan.", 404: "Not found"}
)


def wrong(message: str, name: str) -> Refusal:
    """A form that is not taken."""
    return DIALECT.refused(400, f"{name}: {message}")


class PhotoroomEndpoints:
    """Cutting out, and editing."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the routes of both hosts."""
        room = self._room
        return [
            room.route("/v1/segment", self.segment, "POST"),
            room.route("/v2/edit", self.edit, "POST"),
            room.route("/v2/account", self.account, "GET"),
        ]

    async def segment(self, request: Request) -> Call:
        """Leave the subject of a picture (Basic plan)."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(request.headers.get("x-api-key", ""))
            order = read_fields(SEGMENT, body, wrong)
            image = _image(body, "image_file", order.get("image_file_b64"))
            media_type = TYPES[order.get("format", "png")]
            made = await self._counter.cut_out(image, media_type)
            entry.bill(BASIC_MICROS, [made])
            headers = {"x-uncertainty-score": "0.12"}
            if request.headers.get("accept") == "application/json":
                return json_reply({"result_b64": encoded(made)}, headers=headers)
            return Reply(200, made, media_type, headers)

        return Call("submit", work, "v1/segment")

    async def edit(self, request: Request) -> Call:
        """Edit a picture by options (Plus plan)."""
        body = await read_body(request)
        prompt = body.text("background.prompt")

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(request.headers.get("x-api-key", ""))
            order = read_fields(EDIT, body, wrong)
            if is_unsafe(prompt):
                raise DIALECT.refused(400, "The prompt is not allowed")
            image = _image(body, "imageFile", None)
            made = await self._made(order, image)
            entry.bill(PLUS_MICROS, [made])
            return Reply(200, made, TYPES[order.get("export.format", "png")])

        return Call("submit", work, "v2/edit", prompt)

    async def account(self, request: Request) -> Call:
        """Tell what is left."""

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(request.headers.get("x-api-key", ""))
            return json_reply({"images": {"available": 100, "subscription": 100}})

        return Call("account", work)

    async def _made(self, order: Mapping[str, Any], image: bytes) -> bytes:
        media_type = TYPES[order.get("export.format", "png")]
        width, height = header_of(image).size
        if "upscale.mode" in order:
            return await self._counter.enlarge(image, (2 * width, 2 * height), media_type)
        size = _size(order.get("outputSize", "originalImage"), (width, height))
        if not order.get("background.prompt") and order.get("removeBackground", True):
            image = await self._counter.cut_out(image)
            return await self._counter.enlarge(image, size, media_type)
        return await self._counter.change(image, order.get("background.prompt", ""), size=size, media_type=media_type)


def _size(told: str, own: tuple[int, int]) -> tuple[int, int]:
    if told in ("auto", "originalImage", "croppedSubject"):
        return own
    width, _, height = told.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise wrong("must be such as 1000x1000", "outputSize")
    return int(width), int(height)


def _image(body: Body, name: str, text: str | None) -> bytes:
    given = body.files.get(name, [])
    for other in body.files:
        if other != name:
            raise wrong("is not a known file", other)
    source: Any = given[0] if given else text
    if not source:
        raise wrong("is required", name)
    if isinstance(source, bytes) and len(source) > MOST_BYTES:
        raise DIALECT.refused(413)
    return picture_of(source, lambda message: wrong(message, name))
