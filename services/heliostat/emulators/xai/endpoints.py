"""xAI's image API (generations, edits by JSON, models) below /xai/v1."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, seed_from
from heliostat.emulators.xai.catalogue import MODELS, TICKS
from heliostat.emulators.xai.dialect import check_key, invalid
from heliostat.emulators.xai.inputs import Order, read_order, read_pictures

JPEG = "image/jpeg"


class XaiEndpoints:
    """The provider's routes."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/v1/images/generations", self.generations, "POST"),
            room.route("/v1/images/edits", self.edits, "POST"),
            room.route("/v1/models", self.models, "GET"),
            room.route("/files/{name}", room.file, "GET"),
        ]

    async def generations(self, request: Request) -> Call:
        """Paint from a prompt."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            _admit(request, body)
            return await self._answered(request, read_order(body.fields, edits=False), entry)

        return Call("generations", work, body.text("model"), body.text("prompt"))

    async def edits(self, request: Request) -> Call:
        """Paint from pictures and a prompt."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            _admit(request, body)
            order = read_order(body.fields, edits=True)
            order = replace(order, images=await read_pictures(body.fields, order.model))
            return await self._answered(request, order, entry)

        return Call("edits", work, body.text("model"), body.text("prompt"))

    async def models(self, request: Request) -> Call:
        """List the models."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            listed = [{"id": one.name, "object": "model", "created": 1785542400, "owned_by": "xai"} for one in MODELS]
            return json_reply({"object": "list", "data": listed})

        return Call("models", work)

    async def _answered(self, request: Request, order: Order, entry: Entry) -> Reply:
        """Draw, bill, and answer. The prompt decides what is moderated: nsfw, gore, "some gore" (the first one)."""
        prompt = order.prompt.lower()
        if "nsfw" in prompt:
            raise invalid("Generated image rejected by content moderation.")
        hidden = 1 if "some gore" in prompt else order.n if "gore" in prompt else 0
        images = [await self._drawn(order, index) for index in range(order.n - hidden)]
        micros = order.cost_micros(len(images)) if images else 0
        if images:
            entry.bill(micros, images)
        blocked: list[dict[str, Any]] = [{"respect_moderation": False, "mime_type": JPEG, "url": ""}] * hidden
        seen = [self._item(request, order, one) for one in images]
        return json_reply(
            {
                "created": int(time.time()),
                "model": order.model.name,
                "data": blocked + seen,
                "usage": {"cost_in_usd_ticks": micros * TICKS},
            }
        )

    async def _drawn(self, order: Order, index: int) -> bytes:
        pictures, seed = self._room.pictures, seed_from(order.model.name, order.prompt, order.quality, index)
        try:
            if order.images:
                return await pictures.repaint(
                    order.images[0], order.prompt, size=order.size, seed=seed, media_type=JPEG
                )
            return await pictures.paint(order.prompt, *order.size, seed=seed, media_type=JPEG)
        except PictureRefused as error:
            raise invalid("Failed to decode image: unsupported image.") from error

    def _item(self, request: Request, order: Order, picture: bytes) -> dict[str, Any]:
        told = {"mime_type": JPEG, "respect_moderation": True, "revised_prompt": ""}
        if order.encoded:
            return told | {"b64_json": pybase64.b64encode_as_string(picture)}
        return told | {"url": f"{self._room.address(request)}/files/{self._room.shelf.put(picture, JPEG)}"}


def _admit(request: Request, body: Body) -> None:
    check_key(request.headers.get("authorization"))
    if body.is_form:
        raise Refusal(json_reply({"code": "Unsupported media type", "error": "Expected application/json."}, 415))
    if body.fault:
        raise invalid(f"Failed to parse the request body: {body.fault}.")
