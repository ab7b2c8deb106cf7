"""The work behind a call: pictures made, told whole or as they come, and billed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pybase64

from heliostat.emulators.exchange import Refusal, Room
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of, seed_from
from heliostat.emulators.seedream.dialect import refused
from heliostat.emulators.seedream.inputs import Order

PIXELS_PER_TOKEN = 256
UNSAFE = {
    "code": "OutputImageSensitiveContentDetected",
    "message": "The request failed because the output image may contain sensitive information.",
}


@dataclass
class Sitting:
    """One order being carried out. "gore" in the prompt spoils every picture, "some gore" the first one."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""
    order: Order
    images: list[bytes] = field(default_factory=list)
    """The pictures that were made so far."""

    async def items(self) -> AsyncIterator[dict[str, Any]]:
        """Make the pictures and give what the answer says of each. Raises `Refusal`."""
        prompt = self.order.prompt.lower()
        spoiled = 1 if "some gore" in prompt else self.order.count if "gore" in prompt else 0
        for index in range(self.order.count):
            if index < spoiled:
                yield {"error": UNSAFE}
                continue
            picture = await self._made(index)
            self.images.append(picture)
            width, height = header_of(picture).size
            yield {**self._delivered(picture), "size": f"{width}x{height}"}

    async def streamed(self, entry: Entry) -> AsyncIterator[bytes]:
        """Tell each picture as it comes, and the counts at the end."""
        index = 0
        try:
            async for item in self.items():
                state = "partial_failed" if "error" in item else "partial_succeeded"
                yield self._event(state, {"image_index": index, **item})
                index += 1
        except Refusal as refusal:
            yield b"event: error\ndata: %s\n\n" % refusal.reply.body
        self.bill(entry)
        yield self._event("completed", {"usage": self.usage()})
        yield b"data: [DONE]\n\n"

    def bill(self, entry: Entry) -> None:
        """Write the pictures down that were made."""
        if self.images:
            sizes = [header_of(one).size for one in self.images]
            entry.bill(self.order.model.cost_micros(sizes, len(self.order.images)), self.images)

    def usage(self) -> dict[str, int]:
        """Count pictures and tokens."""
        areas = [width * height for width, height in (header_of(one).size for one in self.images)]
        tokens = sum(area // PIXELS_PER_TOKEN for area in areas)
        counts = {"generated_images": len(self.images), "input_images": len(self.order.images)}
        return counts | {"output_tokens": tokens, "total_tokens": tokens}

    def _event(self, state: str, content: dict[str, Any]) -> bytes:
        name = f"image_generation.{state}"
        told = {"type": name, "model": self.order.model.name, "created": int(time.time()), **content}
        return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(told))

    async def _made(self, index: int) -> bytes:
        order, pictures = self.order, self.room.pictures
        seed = seed_from(order.seed, index) if index else order.seed
        try:
            if not order.images:
                return await pictures.paint(
                    *(order.prompt, *order.size),
                    seed=seed,
                    media_type=order.media_type,
                    transparent=order.transparent,
                )
            made = await pictures.repaint(
                order.images[0], order.prompt, size=order.size, seed=seed, media_type=order.media_type
            )
            if order.transparent:
                return await asked(pictures.painter.remove_background(made, media_type=order.media_type))
        except PictureRefused as error:
            message = "The image is of no supported format, or too large."
            raise refused("InvalidImageURL.InvalidFormat", message, "image") from error
        return made

    def _delivered(self, picture: bytes) -> dict[str, str]:
        if self.order.encoded:
            return {"b64_json": pybase64.b64encode_as_string(picture)}
        return {"url": f"{self.address}/files/{self.room.shelf.put(picture, self.order.media_type)}"}
