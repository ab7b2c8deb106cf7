"""Segmind's models (api.segmind.com/v1) below /segmind; docs.segmind.com (2026). It answers with the picture itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.checked_fields import BOOLEAN, Field, number, picture, read_fields, text, whole, words
from heliostat.emulators.counter import JPEG, Counter, Size, encoded, is_unsafe, picture_of, ratio_size
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of
from heliostat.emulators.plain_dialect import PlainDialect

AREA_PX = 1_048_576
DIALECT = PlainDialect(
    # Used-up credits are a 406 there.
    lambda status, message: json_reply({"error": message}, 406 if status == 402 else status),
    {401: "Invalid API key", 402: "Not enough credits", 404: "Model not found"},
)
_SDXL: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "negative_prompt": text(),
    "samples": whole(1, 10),
    "scheduler": text(),
    "num_inference_steps": whole(1, 100),
    "guidance_scale": number(1, 25),
    "seed": whole(),
    "img_width": Field("whole", 1024, 1024),
    "img_height": Field("whole", 1024, 1024),
    "base64": BOOLEAN,
}
_SCHNELL: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "steps": whole(1, 50),
    "seed": whole(),
    "aspect_ratio": words("1:1", "16:9", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"),
    "base64": BOOLEAN,
}


@dataclass(frozen=True)
class SegmindModel:
    """A model: its fields and what a picture costs in micro-USD. Of some no price was seen: a cent."""

    fields: Mapping[str, Field]
    micros: int = 10_000


MODELS: Mapping[str, SegmindModel] = {
    "fast-flux-schnell": SegmindModel(_SCHNELL, 2_500),
    "segmind-vega": SegmindModel(_SDXL, 2_000),
    "ssd-1b": SegmindModel(_SDXL),
    "sdxl1.0-txt2img": SegmindModel(_SDXL),
    "esrgan": SegmindModel({"image": picture(needed=True), "scale": whole(1, 8), "base64": BOOLEAN}),
}


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken."""
    return DIALECT.refused(422, f"{name}: {message}")


class SegmindEndpoints:
    """Runs of models."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        return [
            self._room.route("/v1/get-user-credits", self.credits, "GET"),
            self._room.route("/v1/{model}", self.run, "POST"),
        ]

    async def credits(self, request: Request) -> Call:
        """Tell what is left."""

        async def work(_: Entry) -> Reply:
            DIALECT.check_key(request.headers.get("x-api-key", ""))
            return json_reply({"credits": 12.3})

        return Call("account", work)

    async def run(self, request: Request) -> Call:
        """Run a model once."""
        body = await read_body(request)
        name = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(request.headers.get("x-api-key", ""))
            model = MODELS.get(name)
            if model is None:
                raise DIALECT.refused(404)
            order = read_fields(model.fields, body, wrong)
            if is_unsafe(order.get("prompt", "")):
                raise DIALECT.refused(400, "NSFW content detected")
            images = await self._images(order)
            entry.bill(model.micros * len(images), images)
            told = {"x-remaining-credits": "12.3", "x-generation-time": "2.1"}
            if order.get("base64"):
                listed = [encoded(image) for image in images]
                image = listed if len(listed) > 1 else listed[0]
                return json_reply({"image": image, "status": "Success", "infer_time": 2.1}, headers=told)
            return Reply(200, images[0], JPEG, told)

        return Call("submit", work, name, body.text("prompt"))

    async def _images(self, order: Mapping[str, Any]) -> list[bytes]:
        if "image" in order:
            image = picture_of(order["image"], lambda message: wrong(message, "image"))
            width, height = header_of(image).size
            scale = order.get("scale", 2)
            return [await self._counter.enlarge(image, (width * scale, height * scale), JPEG)]
        size: Size = (order.get("img_width", 1024), order.get("img_height", 1024))
        if "aspect_ratio" in order:
            size = ratio_size(order["aspect_ratio"], AREA_PX)
        count = order.get("samples", 1)
        return await self._counter.draw(order["prompt"], size, seed=order.get("seed"), media_type=JPEG, count=count)
