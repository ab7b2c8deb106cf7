"""The work behind OpenAI's image endpoints: pictures, usage, price, and the answer or the stream that carries them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pybase64

from heliostat.emulators import tokens
from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.openai.catalogue import dalle_micros
from heliostat.emulators.openai.inputs import Inputs, unreadable
from heliostat.emulators.openai.order import Order
from heliostat.emulators.pictures import PictureRefused, Pictures, seed_from
from heliostat.emulators.shelf import Shelf


@dataclass
class Sitting:
    """One order that is being carried out."""

    order: Order
    size: tuple[int, int]
    inputs: Inputs | None
    event: str
    """Names the stream's events: `image_generation` or `image_edit`."""
    pictures: Pictures
    mask: bytes | None = None
    """White where the first picture is to be painted anew."""

    async def paint(self, index: int) -> bytes:
        """Paint one picture of the order. Raises `Refusal` when an input turns out to be unreadable."""
        order = self.order
        seed = seed_from(order.model.id, order.prompt, order.quality, index)
        try:
            if self.inputs is not None:
                return await self.pictures.repaint(
                    self.inputs.images[0],
                    order.prompt,
                    size=self.size,
                    seed=seed,
                    media_type=order.media_type,
                    mask=self.mask,
                    compression_percent=order.compression,
                )
            return await self.pictures.paint(
                order.prompt,
                *self.size,
                seed=seed,
                media_type=order.media_type,
                compression_percent=order.compression,
                transparent=order.background == "transparent",
            )
        except PictureRefused as error:
            raise unreadable("image") from error

    async def whole(self, entry: Entry, shelf: Shelf, address: str) -> Reply:
        """Paint all, bill, and answer with JSON."""
        images = [await self.paint(index) for index in range(self.order.n)]
        usage = self._usage(self.order.n, with_input=True)
        entry.bill(self._price(usage), images)
        content: dict[str, Any] = {"created": int(time.time())}
        if not self.order.model.is_gpt:
            content["data"] = [self._legacy_item(image, shelf, address) for image in images]
            return json_reply(content)
        details = {"image_tokens": usage.image_out, "text_tokens": 0}
        content |= self._resolved()
        content["data"] = [{"b64_json": _base64(image)} for image in images]
        content["usage"] = _usage_json(usage) | {"output_tokens_details": details}
        return json_reply(content)

    async def streamed(self, entry: Entry) -> AsyncIterator[bytes]:
        """Paint while the client watches, and bill when all is done; what fails on the way is an `error` event."""
        try:
            async for frame in self._frames(entry):
                yield frame
        except Refusal as refusal:
            error = orjson.loads(refusal.reply.body)["error"]
            yield b"event: error\ndata: %s\n\n" % orjson.dumps({"type": "error", "error": error})

    async def _frames(self, entry: Entry) -> AsyncIterator[bytes]:
        images = []
        for index in range(self.order.n):
            for preview in range(self.order.partial_images):
                image = await self.paint(index + (preview + 1) * self.order.model.max_n)
                yield self._frame("partial_image", image, {"partial_image_index": preview})
            images.append(await self.paint(index))
            if index == self.order.n - 1:
                entry.bill(self._price(self._usage(self.order.n, with_input=True)), images)
            usage = self._usage(1, with_input=index == 0)
            yield self._frame("completed", images[-1], {"usage": _usage_json(usage)})

    def _frame(self, what: str, image: bytes, more: dict[str, Any]) -> bytes:
        name = f"{self.event}.{what}"
        content = {"type": name, "b64_json": _base64(image), "created_at": int(time.time())}
        return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(content | self._resolved() | more))

    def _resolved(self) -> dict[str, Any]:
        return {
            "background": self.order.background,
            "output_format": self.order.output_format,
            "quality": self.order.quality,
            "size": f"{self.size[0]}x{self.size[1]}",
        }

    def _usage(self, images: int, *, with_input: bool) -> tokens.Usage:
        if not self.order.model.is_gpt:
            return tokens.Usage(0, 0, 0)
        each = self.order.model.output_tokens(self.size, self.order.quality)
        previews = self.order.partial_images * tokens.PARTIAL_IMAGE_TOKENS
        sizes = self.inputs.sizes if self.inputs else []
        return tokens.Usage(
            text_in=tokens.text_tokens(self.order.prompt) if with_input else 0,
            image_in=sum(map(tokens.image_tokens, sizes)) if with_input else 0,
            image_out=images * (each + previews),
        )

    def _price(self, usage: tokens.Usage) -> int:
        prices = self.order.model.prices
        if prices is None:
            return self.order.n * dalle_micros(self.order.model.id, self.size, self.order.quality)
        return usage.cost_micros(prices)

    def _legacy_item(self, image: bytes, shelf: Shelf, address: str) -> dict[str, str]:
        item = {"revised_prompt": self.order.prompt} if self.order.model.id == "dall-e-3" else {}
        if self.order.response_format == "b64_json":
            return item | {"b64_json": _base64(image)}
        return item | {"url": f"{address}/files/{shelf.put(image, self.order.media_type)}"}


def _base64(image: bytes) -> str:
    return pybase64.b64encode_as_string(image)


def _usage_json(usage: tokens.Usage) -> dict[str, Any]:
    text_and_images = usage.text_in + usage.image_in
    return {
        "total_tokens": text_and_images + usage.image_out,
        "input_tokens": text_and_images,
        "output_tokens": usage.image_out,
        "input_tokens_details": {"text_tokens": usage.text_in, "image_tokens": usage.image_in},
    }
