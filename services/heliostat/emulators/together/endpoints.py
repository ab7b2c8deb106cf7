"""Together AI's images API (api.together.ai/v1) below /together/v1; the OpenAPI document of 2026-04-28."""

from __future__ import annotations

from typing import Any

import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of
from heliostat.emulators.sources import SourceUnreadable, fetch
from heliostat.emulators.together.catalogue import MODELS
from heliostat.emulators.together.dialect import check_key, new_id, refused
from heliostat.emulators.together.inputs import Order, read_order

UNSAFE_WORD = "nsfw"


class TogetherEndpoints:
    """Generations, models, files."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/imgproxy/{name}", room.file, "GET"),
            room.route("/v1/models", self.models, "GET"),
            room.route("/v1/images/generations", self.generate, "POST"),
        ]

    async def generate(self, request: Request) -> Call:
        """Make pictures at once."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            order = read_order(body)
            if UNSAFE_WORD in order.prompt.lower() and not order.fields.get("disable_safety_checker"):
                raise refused(422)
            inputs = [await _picture(source, order.model.image_field) for source in order.sources]
            images = [await self._made(order, inputs, index) for index in range(order.count)]
            size = header_of(images[0]).size
            entry.bill(order.model.micros(size, order.steps, order.count), images)
            return json_reply(self._answer(order, images, self._room.address(request)))

        return Call("submit", work, body.text("model"), body.text("prompt"), new_id())

    async def models(self, request: Request) -> Call:
        """List the models that draw."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            listed = [
                {"id": one.name, "object": "model", "created": 0, "type": "image", "display_name": one.name}
                for one in MODELS
            ]
            return json_reply(listed)

        return Call("models", work)

    async def _made(self, order: Order, inputs: list[bytes], index: int) -> bytes:
        size = order.size([header_of(image).size for image in inputs])
        seed, pictures = order.seed + index, self._room.pictures
        try:
            if inputs:
                return await pictures.repaint(
                    inputs[0], order.prompt, size=size, seed=seed, media_type=order.media_type
                )
            return await pictures.paint(order.prompt, *size, seed=seed, media_type=order.media_type)
        except PictureRefused as error:
            raise refused(400, f"Invalid image: {error}", order.model.image_field) from error

    def _answer(self, order: Order, images: list[bytes], address: str) -> dict[str, Any]:
        data: list[dict[str, Any]] = []
        for index, image in enumerate(images):
            if order.fields.get("response_format") == "base64":
                data.append({"index": index, "type": "b64_json", "b64_json": pybase64.b64encode_as_string(image)})
            else:
                name = self._room.shelf.put(image, order.media_type)
                data.append({"index": index, "type": "url", "url": f"{address}/imgproxy/{name}"})
        return {"id": new_id(), "model": order.model.name, "object": "list", "data": data}


async def _picture(source: str, field: str) -> bytes:
    try:
        data = await fetch(source)
        header_of(data)
    except (SourceUnreadable, PictureRefused) as error:
        raise refused(400, f"Invalid image: {error}", field) from error
    return data
