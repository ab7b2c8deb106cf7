"""The work behind a task: its pictures made, hosted or encoded, and billed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked
from heliostat.emulators.runware.dialect import fault
from heliostat.emulators.runware.inputs import Order

UNSAFE_WORD = "nsfw"
UNSAFE_RESULT_WORD = "gore"
MICROS = 1_000_000
MASKED = "imageMasking"


@dataclass
class Studio:
    """Carries out tasks for one room, as one client sees it."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures and bill them. What a partner refuses as unsafe is free."""
        if UNSAFE_WORD in order.prompt.lower():
            shown = fault("providerError", "The provider refused it.", responseContent="flagged by content moderation")
            return json_reply({"errors": [shown]}, 400)
        try:
            images = [await self._made(order, order.seed + number) for number in range(order.count)]
        except PictureRefused as error:
            return json_reply({"errors": [fault("invalidInputImage", f"{error}.", "inputImage")]}, 400)
        entry.bill(entry.cost_micros + order.cost_micros * len(images), images)
        return json_reply({"data": [self._shown(order, image, number) for number, image in enumerate(images)]})

    def _shown(self, order: Order, image: bytes, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = {"seed": order.seed + number}
        if order.fields.get("includeCost"):
            shown["cost"] = order.cost_micros / MICROS
        if (order.fields.get("safety") or {}).get("checkContent"):
            shown["NSFWContent"] = UNSAFE_RESULT_WORD in order.prompt.lower() and number == 0
        name = "maskImage" if order.model.task == MASKED else "image"
        if name == "maskImage":
            shown["detections"] = [{"x_min": 0, "y_min": 0, "x_max": order.size[0], "y_max": order.size[1]}]
        shown[f"{name}UUID"] = str(uuid.uuid4())
        encoded = pybase64.b64encode_as_string(image)
        match order.fields.get("outputType", "URL"):
            case "base64Data":
                shown[f"{name}Base64Data"] = encoded
            case "dataURI":
                shown[f"{name}DataURI"] = f"data:{order.media_type};base64,{encoded}"
            case _:
                shown[f"{name}URL"] = f"{self.address}/files/{self.room.shelf.put(image, order.media_type)}"
        return shown

    async def _made(self, order: Order, seed: int) -> bytes:
        painter, media_type = self.room.pictures.painter, order.media_type
        if not order.inputs:
            return await self.room.pictures.paint(order.prompt, *order.size, seed=seed, media_type=media_type)
        image = order.inputs[0]
        match order.model.task:
            case "imageBackgroundRemoval":
                return await asked(painter.remove_background(image, media_type=media_type))
            case "imageUpscale":
                width, height = order.size
                return await asked(painter.upscale(image, width=width, height=height, media_type=media_type))
            case "imageMasking":
                ((_, mask), *_) = await asked(painter.segment(image, labels=("face",)))
                return await self.room.pictures.convert(mask, media_type=media_type)
        if "outpaint" in order.fields:
            work = painter.outpaint(image, **order.sides, prompt=order.prompt, seed=seed, media_type="image/png")
            grown = await self.room.pictures.resized(await asked(work), order.size)
            return await self.room.pictures.convert(grown, media_type=media_type)
        return await self.room.pictures.repaint(
            image,
            order.prompt,
            size=order.size,
            seed=seed,
            media_type=media_type,
            mask=order.mask,
            strength=float(order.fields.get("strength", 0.8)),
        )
