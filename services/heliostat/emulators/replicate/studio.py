"""The work behind a prediction: inputs fetched, pictures made, hosted and billed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of
from heliostat.emulators.replicate.inputs import Order
from heliostat.emulators.replicate.uploads import Uploads
from heliostat.emulators.sources import SourceUnreadable, fetch

UNSAFE_WORD = "nsfw"
UNSAFE_ERROR = "NSFW content detected. Try running it again, or try a different prompt."


class Failure(Exception):
    """A run that ends without output; the text is the prediction's error."""


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it."""

    room: Room
    uploads: Uploads
    address: str
    """The room's base URL, for the addresses of pictures."""
    token: str

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures and bill them. What cannot be made is an answer of status 500 with its error."""
        try:
            if UNSAFE_WORD in order.prompt.lower() and not order.fields.get("disable_safety_checker"):
                raise Failure(UNSAFE_ERROR)
            inputs = [await self._fetch(url) for url in order.picture_urls]
            images = await self._made(order, inputs)
        except (Failure, PictureRefused) as error:
            return json_reply({"error": str(error)}, 500)
        sizes = [header_of(image).size for image in inputs]
        entry.bill(order.model.price.micros([header_of(image).size for image in images], sizes), images)
        return json_reply({"output": self._output(order, images)})

    async def _made(self, order: Order, inputs: list[bytes]) -> list[bytes]:
        painter, media_type = self.room.pictures.painter, order.media_type
        match order.model.task:
            case "upscale":
                return [await asked(painter.upscale(inputs[0], factor=order.factor, media_type=media_type))]
            case "background":
                return [await asked(painter.remove_background(inputs[0], media_type=media_type))]
            case "segment":
                found = await asked(painter.segment(inputs[0]))
                return [mask for _, mask in found]
            case "expand":
                return [await self._expanded(order, inputs[0])]
            case "fill":
                mask = await self._mask(order)
                return [await self._repainted(order, inputs, place, mask) for place in range(self._count(order))]
            case "paint":
                return [await self._painted(order, inputs, place) for place in range(self._count(order))]

    async def _painted(self, order: Order, inputs: list[bytes], place: int) -> bytes:
        if inputs:
            return await self._repainted(order, inputs, place, None)
        size = order.size([])
        seed = order.seed + place
        return await self.room.pictures.paint(order.prompt, *size, seed=seed, media_type=order.media_type)

    async def _repainted(self, order: Order, inputs: list[bytes], place: int, mask: bytes | None) -> bytes:
        return await self.room.pictures.repaint(
            inputs[0],
            order.prompt,
            size=order.size([header_of(image).size for image in inputs]),
            seed=order.seed + place,
            media_type=order.media_type,
            mask=mask,
            strength=float(order.fields.get("prompt_strength", 0.8)),
        )

    async def _expanded(self, order: Order, image: bytes) -> bytes:
        width, height = header_of(image).size
        canvas, (left, top) = order.fields["canvas_size"], order.fields.get("original_image_location", [0, 0])
        right, bottom = canvas[0] - left - width, canvas[1] - top - height
        if min(left, top, right, bottom) < 0:
            raise Failure("The image does not fit on the canvas.")
        work = self.room.pictures.painter.outpaint(
            image,
            left=left,
            right=right,
            top=top,
            bottom=bottom,
            prompt=order.prompt,
            seed=order.seed,
            media_type=order.media_type,
        )
        return await asked(work)

    async def _mask(self, order: Order) -> bytes:
        """White is painted anew, the same for the painter; without a mask the picture's transparent part is."""
        url = order.fields.get("mask")
        if url:
            return await self._fetch(str(url))
        return await asked(self.room.pictures.painter.alpha_to_mask(await self._fetch(order.picture_urls[0])))

    async def _fetch(self, url: str) -> bytes:
        uploaded = f"{self.address}/v1/files/"
        hosted = f"{self.address}/files/"
        try:
            if url.startswith(uploaded):
                upload = self.uploads.find(url.removeprefix(uploaded), self.token)
                if upload is None:
                    raise SourceUnreadable("no such file")
                return upload.data
            file = self.room.shelf.get(url.removeprefix(hosted)) if url.startswith(hosted) else None
            data = file.data if file else await fetch(url)
            header_of(data)
        except (SourceUnreadable, PictureRefused) as error:
            raise Failure(f"cannot identify image file: {error}") from error
        return data

    def _output(self, order: Order, images: list[bytes]) -> Any:
        urls = []
        for image in images:
            media_type = header_of(image).media_type
            urls.append(f"{self.address}/files/{self.room.shelf.put(image, media_type)}")
        match order.model.answer:
            case "one":
                return urls[0]
            case "list":
                return urls
            case "masks":
                return {"combined_mask": urls[0], "individual_masks": urls}

    @staticmethod
    def _count(order: Order) -> int:
        return int(order.fields.get("num_outputs") or 1)
