"""The work behind a generation: its pictures made, looked through, hosted and billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.ideogram.dialect import wrong
from heliostat.emulators.ideogram.inputs import Order
from heliostat.emulators.ideogram.masks import white_for_black
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked

UNSAFE_WORD = "nsfw"
UNSAFE_RESULT_WORD = "gore"
PNG = "image/png"


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures and bill them. The first one is held back, and billed, where the prompt asks for it."""
        try:
            images = [await self._made(order, order.seed + number) for number in range(order.count)]
        except PictureRefused:
            return json_reply({"failure_reason": "The image cannot be processed."}, 500)
        entry.bill(order.cost_micros, images)
        unsafe = UNSAFE_RESULT_WORD in order.prompt.lower()
        data = [self._shown(order, image, number, unsafe and number == 0) for number, image in enumerate(images)]
        content: dict[str, Any] = {"seed": order.seed, "data": data}
        if order.operation.per_megapixel:
            content["usage_cost_usd_micros"] = order.cost_micros
        return json_reply(content)

    def _shown(self, order: Order, image: bytes, number: int, unsafe: bool) -> dict[str, Any]:
        width, height = order.size
        url = None if unsafe else f"{self.address}/files/{self.room.shelf.put(image, PNG)}"
        return {
            "object_type": "image",
            "url": url,
            "prompt": order.prompt,
            "resolution": f"{width}x{height}",
            "seed": order.seed + number,
            "is_image_safe": not unsafe,
        }

    async def _made(self, order: Order, seed: int) -> bytes:
        painter, image = self.room.pictures.painter, order.image
        if image is None:
            return await self.room.pictures.paint(
                order.prompt, *order.size, seed=seed, media_type=PNG, transparent=order.operation.transparent
            )
        match order.operation.task:
            case "cut_out":
                return await asked(painter.remove_background(image, media_type=PNG))
            case "upscale" | "reframe":
                return await self.room.pictures.resized(image, order.size)
            case _:
                return await self._repainted(order, image, seed)

    async def _repainted(self, order: Order, image: bytes, seed: int) -> bytes:
        mask = order.mask
        if mask is not None and order.operation.task != "erase":
            mask = await white_for_black(self.room.pictures.painter, mask)
        strength = 1 - order.fields.get("image_weight", 50) / 100
        return await self.room.pictures.repaint(
            image, order.prompt, size=order.size, seed=seed, media_type=PNG, mask=mask, strength=max(0.05, strength)
        )


def refuse_unsafe(order: Order) -> None:
    """Raise `Refusal` with status 422 for a prompt that is refused before the work."""
    if UNSAFE_WORD in order.prompt.lower():
        raise wrong("Prompt provided failed safety check due to the inclusion of prohibited content.", 422)


def now() -> str:
    """Give the time as Ideogram writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
