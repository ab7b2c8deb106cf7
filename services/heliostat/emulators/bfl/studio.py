"""The work behind a task: the picture made, hosted and billed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

from heliostat.emulators.bfl.billing import MICROS_PER_CREDIT, Size
from heliostat.emulators.bfl.inputs import Order
from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of

UNSAFE_WORD = "nsfw"
UNSAFE_RESULT_WORD = "gore"


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""

    async def carry_out(self, order: Order, inputs: list[bytes], mask: bytes | None, entry: Entry) -> Reply:
        """Make the picture and bill it. What is moderated or fails is free, and answers its state."""
        began = time.time()
        prompt = order.prompt.lower()
        if UNSAFE_WORD in prompt:
            return json_reply({"status": "Request Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}})
        try:
            image = await self._made(order, inputs, mask)
        except PictureRefused:
            return json_reply({"status": "Error", "details": {"error": "The image cannot be processed."}})
        if UNSAFE_RESULT_WORD in prompt:
            return json_reply({"status": "Content Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}})
        entry.bill(int(credits_of(order, inputs) * MICROS_PER_CREDIT), [image])
        name = self.room.shelf.put(image, order.media_type)
        ended = time.time()
        result = {
            "sample": f"{self.address}/files/{name}",
            "prompt": order.prompt,
            "seed": order.seed,
            "start_time": began,
            "end_time": ended,
            "duration": ended - began,
        }
        return json_reply({"status": "Ready", "result": result})

    async def _made(self, order: Order, inputs: list[bytes], mask: bytes | None) -> bytes:
        painter, sizes = self.room.pictures.painter, [header_of(image).size for image in inputs]
        if order.model.task == "expand":
            sides = {name: int(order.fields.get(name, 0)) for name in ("top", "bottom", "left", "right")}
            work = painter.outpaint(
                inputs[0], **sides, prompt=order.prompt, seed=order.seed, media_type=order.media_type
            )
            return await asked(work)
        size = order.size(sizes)
        if not inputs:
            return await self.room.pictures.paint(order.prompt, *size, seed=order.seed, media_type=order.media_type)
        if order.model.task == "fill" and mask is None:
            mask = await asked(painter.alpha_to_mask(inputs[0]))
        return await self.room.pictures.repaint(
            inputs[0], order.prompt, size=size, seed=order.seed, media_type=order.media_type, mask=mask
        )


def output_size(order: Order, inputs: list[bytes]) -> Size:
    """Give the size in px of what will be put out."""
    width, height = order.size([header_of(image).size for image in inputs])
    if order.model.task != "expand":
        return width, height
    added = {name: int(order.fields.get(name, 0)) for name in ("top", "bottom", "left", "right")}
    return width + added["left"] + added["right"], height + added["top"] + added["bottom"]


def credits_of(order: Order, inputs: list[bytes]) -> Fraction:
    """Price an order by the sizes of its pictures."""
    sizes = [header_of(image).size for image in inputs]
    return order.model.price.credits(output_size(order, inputs), sizes, order.resolution)
