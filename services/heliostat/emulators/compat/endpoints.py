"""A self-hosted server that speaks OpenAI's images routes with any model name, below /compat/v1.

Its mask is the opposite of OpenAI's: white is painted anew, as the diffusers library has it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.compat.dialect import check_key, detail, invalid
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, Pictures, asked, header_of, seed_from

MAX_EDGE_PX = 8192
MAX_PIXELS = 16 * 1024 * 1024
MAX_N = 10
FORMATS = ("png", "jpeg", "webp")
USUAL_SIZE = (1024, 1024)
SLOW_S = 25.0
RELEASED = 1_790_000_000
"""Unix time shown for every model."""


@dataclass(frozen=True)
class Order:
    """What is to be painted."""

    model: str
    prompt: str
    n: int
    size: tuple[int, int] | None
    seed: int
    media_type: str
    as_url: bool


def read_order(body: Body) -> Order:
    """Check the fields of a request. Raises `Refusal`."""
    if body.fault:
        raise Refusal(json_reply({"detail": [{"type": "json_invalid", "loc": ["body"], "msg": body.fault}]}, 422))
    fields = body.fields
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise invalid("prompt", "Field required", "missing")
    if not isinstance(fields.get("negative_prompt", ""), str):
        raise invalid("negative_prompt", "Input should be a valid string", "string_type")
    model = body.text("model")
    return Order(
        model=model,
        prompt=prompt,
        n=_whole(fields, "n", 1, 1, MAX_N),
        size=_size(fields.get("size")),
        seed=_whole(fields, "seed", seed_from(model, prompt, fields.get("negative_prompt")), 0, 2**63 - 1),
        media_type="image/" + _word(fields, "output_format", FORMATS),
        as_url=_word(fields, "response_format", ("url", "b64_json")) == "url",
    )


def _whole(fields: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(name, "Input should be a valid integer", "int_type")
    if not low <= value <= high:
        raise invalid(name, f"Input should be from {low} to {high}", "value_error")
    return value


def _word(fields: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = fields.get(name) or allowed[0]
    if value not in allowed:
        raise invalid(name, f"Input should be one of {', '.join(allowed)}", "literal_error")
    return str(value)


def _size(value: Any) -> tuple[int, int] | None:
    if value in (None, "auto"):
        return None
    width, _, height = str(value).partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise Refusal(detail(400, "Invalid size format. Expected 'WIDTHxHEIGHT'"))
    size = int(width), int(height)
    if not 0 < min(size) <= max(size) <= MAX_EDGE_PX or size[0] * size[1] > MAX_PIXELS:
        raise Refusal(detail(400, "Invalid size: out of range"))
    return size


class CompatEndpoints:
    """Generations, edits, files and the list of models."""

    def __init__(self, room: Room, prices_micros: dict[str, int]) -> None:
        """`prices_micros` is per picture by model; the others are free."""
        self._room = room
        self._prices = prices_micros

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
            check_key(request.headers.get("authorization"))
            order = read_order(body)
            return await self._carry_out(
                request, entry, order, lambda index: _painted(self._room.pictures, order, index)
            )

        return Call("generations", work, body.text("model"), body.text("prompt"))

    async def edits(self, request: Request) -> Call:
        """Paint from a picture and a prompt, where the mask is white if there is one."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            order = read_order(body)
            if not body.files.get("image"):
                raise invalid("image", "Field required", "missing")
            image = body.files["image"][0]
            mask = next(iter(body.files.get("mask", [])), None)
            return await self._carry_out(
                request, entry, order, lambda index: _edited(self._room.pictures, order, index, image, mask)
            )

        return Call("edits", work, body.text("model"), body.text("prompt"))

    async def models(self, request: Request) -> Call:
        """List the priced models, and a free one."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            names = sorted({"any-model", *self._prices})
            listed = [{"id": name, "object": "model", "created": RELEASED, "owned_by": "local"} for name in names]
            return json_reply({"object": "list", "data": listed})

        return Call("models", work)

    async def _carry_out(
        self, request: Request, entry: Entry, order: Order, paint: Callable[[int], Awaitable[bytes]]
    ) -> Reply:
        if order.model == "sandbox-rate-limited":
            raise Refusal(self._room.dialect.error(429))
        if order.model == "sandbox-down":
            raise Refusal(self._room.dialect.error(503))
        if order.model == "sandbox-slow":
            await asyncio.sleep(SLOW_S)
        try:
            images = [await paint(index) for index in range(order.n)]
        except PictureRefused as error:
            raise Refusal(detail(400, "Invalid image")) from error
        entry.bill(order.n * self._prices.get(order.model, 0), images)
        address = self._room.address(request)
        items = [self._item(image, order, address) for image in images]
        return json_reply({"created": int(time.time()), "data": items})

    def _item(self, image: bytes, order: Order, address: str) -> dict[str, str | None]:
        item: dict[str, str | None] = {"b64_json": None, "url": None, "revised_prompt": None}
        if order.as_url:
            return item | {"url": f"{address}/files/{self._room.shelf.put(image, order.media_type)}"}
        return item | {"b64_json": pybase64.b64encode_as_string(image)}


async def _painted(pictures: Pictures, order: Order, index: int) -> bytes:
    size = order.size or USUAL_SIZE
    return await pictures.paint(order.prompt, *size, seed=order.seed + index, media_type=order.media_type)


async def _edited(pictures: Pictures, order: Order, index: int, image: bytes, mask: bytes | None) -> bytes:
    size = order.size or header_of(image).size
    if mask is not None:
        mask = await _one_channel(pictures, mask)
    return await pictures.repaint(
        image, order.prompt, size=size, seed=order.seed + index, media_type=order.media_type, mask=mask
    )


async def _one_channel(pictures: Pictures, mask: bytes) -> bytes:
    if header_of(mask).has_alpha:
        mask = await pictures.convert(mask, media_type="image/jpeg")  # lays it on white; only its brightness counts
    return await asked(pictures.painter.alpha_to_mask(mask))
