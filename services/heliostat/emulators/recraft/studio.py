"""The work behind an order: its pictures made, hosted or encoded, and billed."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked
from heliostat.emulators.recraft.dialect import wrong
from heliostat.emulators.recraft.inputs import Order

UNSAFE_WORD = "nsfw"


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures and bill them. Raises `Refusal` for what is unsafe or cannot be read: that is free."""
        if UNSAFE_WORD in order.prompt.lower():
            raise wrong("The request was rejected by the safety system.", "content_policy", 422)
        try:
            images = [await self._made(order, order.seed + number) for number in range(order.count)]
        except PictureRefused as error:
            raise wrong(f"image: {error}") from error
        entry.bill(order.cost_micros, images)
        shown = [self._shown(order, image) for image in images]
        content: dict[str, Any] = {"created": int(time.time()), "credits": order.units}
        content |= {"image": shown[0]} if order.operation.single else {"data": shown}
        if order.references:
            content["style_id"] = str(uuid.uuid4())
        return json_reply(content)

    def _shown(self, order: Order, image: bytes) -> dict[str, Any]:
        item: dict[str, Any] = {"image_id": str(uuid.uuid4())}
        if order.fields.get("response_format") == "b64_json":
            item["b64_json"] = pybase64.b64encode_as_string(image)
        else:
            item["url"] = f"{self.address}/files/{self.room.shelf.put(image, order.media_type)}"
        if order.fields.get("calculate_features"):
            item["features"] = {"nsfw_score": 0.01}
        return item

    async def _made(self, order: Order, seed: int) -> bytes:
        painter, image, media_type = self.room.pictures.painter, order.image, order.media_type
        if image is None:
            return await self.room.pictures.paint(order.prompt, *order.size, seed=seed, media_type=media_type)
        match order.operation.task:
            case "cut_out":
                return await asked(painter.remove_background(image, media_type=media_type))
            case "upscale":
                width, height = order.size
                return await asked(painter.upscale(image, width=width, height=height, media_type=media_type))
            case "expand":
                work = painter.outpaint(image, **order.sides, prompt=order.prompt, seed=seed, media_type=media_type)
                return await asked(work)
            case _:
                return await self.room.pictures.repaint(
                    image,
                    order.prompt,
                    size=order.size,
                    seed=seed,
                    media_type=media_type,
                    mask=order.mask,
                    strength=float(order.fields.get("strength", 0.5)),
                )
