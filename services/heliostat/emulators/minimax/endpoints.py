"""MiniMax's image generation (api.minimax.io) below /minimax; copies of its reference (2026-03).

Errors come with status 200; the code in base_resp says what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.checked_fields import BOOLEAN, Field, read_fields, text, whole, words
from heliostat.emulators.counter import JPEG, Counter, encoded, is_unsafe, picture_of
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.plain_dialect import PlainDialect, bearer

MICROS_EACH = 3_500
SHAPES: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "16:9": (1280, 720),
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "3:4": (864, 1152),
    "9:16": (720, 1280),
    "21:9": (1344, 576),
}
FIRST, LIVE = "image-01", "image-01-live"
STYLES = ("漫画", "元气", "中世纪", "水彩", "Comic", "Energetic", "Medieval", "Watercolor")
FIELDS: Mapping[str, Field] = {
    "model": Field("text", words=(FIRST, LIVE), needed=True),
    "prompt": text(1, 1500, needed=True),
    "aspect_ratio": words(*SHAPES),
    "width": whole(512, 2048, 8),
    "height": whole(512, 2048, 8),
    "n": whole(1, 9),
    "response_format": words("url", "base64"),
    "seed": whole(),
    "prompt_optimizer": BOOLEAN,
    "aigc_watermark": BOOLEAN,
    "subject_reference": Field("list", 1, 1),
    "style": Field("object"),
}
# Status -> the code that says it; other statuses come from somebody before the API.
CODES: Mapping[int, tuple[int, str]] = {
    400: (2013, "invalid params"),
    401: (2049, "invalid api key"),
    402: (1008, "insufficient balance"),
    422: (1026, "input new_sensitive"),
    429: (1002, "rate limit"),
    500: (1013, "internal service error"),
}


def _shape(status: int, message: str) -> Reply:
    if status not in CODES:
        return json_reply({"error": message}, status)
    code, usual = CODES[status]
    said = usual if message == DIALECT.words.get(status) else f"{usual}, {message}"
    return json_reply({"base_resp": {"status_code": code, "status_msg": said}})


DIALECT = PlainDialect(_shape, {status: usual for status, (_, usual) in CODES.items()}, "trace-id")


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken."""
    return DIALECT.refused(400, message)


class MinimaxEndpoints:
    """Generations and files."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v1/image_generation", self.generate, "POST"),
        ]

    async def generate(self, request: Request) -> Call:
        """Make pictures at once."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            order = read_fields(FIELDS, body, wrong)
            _check(order)
            if is_unsafe(order["prompt"]):
                raise DIALECT.refused(422)
            size = SHAPES[order.get("aspect_ratio") or "1:1"]
            if "aspect_ratio" not in order and "width" in order:
                size = (order["width"], order["height"])
            count = order.get("n", 1)
            images = await self._counter.draw(
                order["prompt"], size, seed=order.get("seed"), media_type=JPEG, count=count
            )
            entry.bill(MICROS_EACH * count, images)
            return json_reply(self._answer(order, images, entry, self._room.address(request)))

        return Call("submit", work, body.text("model"), body.text("prompt"))

    def _answer(self, order: Mapping[str, Any], images: list[bytes], entry: Entry, address: str) -> dict[str, Any]:
        if order.get("response_format") == "base64":
            data = {"image_base64": [encoded(image) for image in images]}
        else:
            data = {"image_urls": [self._counter.host(image, address, JPEG) for image in images]}
        counts = {"success_count": len(images), "failed_count": 0}
        told = {"status_code": 0, "status_msg": "success"}
        return {"id": entry.request_id.replace("-", ""), "data": data, "metadata": counts, "base_resp": told}


def _check(order: Mapping[str, Any]) -> None:
    live = order["model"] == LIVE
    if ("width" in order) != ("height" in order):
        raise wrong("width and height must be set together", "width")
    if live and ("width" in order or order.get("aspect_ratio") == "21:9"):
        raise wrong("the model takes aspect_ratio only, without 21:9", "width")
    if "style" in order and (not live or order["style"].get("style_type") not in STYLES):
        raise wrong("style is not supported", "style")
    for one in order.get("subject_reference", ()):
        if not isinstance(one, dict) or one.get("type") != "character" or set(one) != {"type", "image_file"}:
            raise wrong("subject_reference needs type and image_file", "subject_reference")
        if str(one["image_file"]).startswith("data:"):
            picture_of(one["image_file"], lambda message: wrong(message, "subject_reference"))
