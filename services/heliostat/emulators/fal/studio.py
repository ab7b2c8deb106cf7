"""The work behind a fal job: inputs fetched, pictures made, hosted and billed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.fal.billing import Job as UsedUp
from heliostat.emulators.fal.dialect import fault
from heliostat.emulators.fal.inputs import Order
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of
from heliostat.emulators.sources import SourceUnreadable, fetch
from heliostat.painting.blank import blank_png

MAX_PIXELS = 16 * 1024 * 1024
UNSAFE_WORD = "nsfw"
"""A prompt with this word trips the safety checker, which then answers with black pictures."""


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it."""

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures, bill them, and answer with the result. Raises `Refusal` with status 422."""
        inputs = [await self._fetch(url, "image_url") for url in order.image_urls]
        mask = await self._mask(order)
        headers = [header_of(image) for image in inputs]
        if any(header.media_type not in order.model.input_types for header in headers):
            formats = sorted(order.model.input_types)
            raise fault("image_url", "Unsupported image format.", "unsupported_image_format", supported_formats=formats)
        sizes = [header.size for header in headers]
        unsafe = UNSAFE_WORD in order.prompt.lower() and order.fields.get("enable_safety_checker", True)
        try:
            if order.model.is_tool:
                images = await self._worked(order, inputs[0], mask)
            elif unsafe:
                images = [await self._black(order, order.size(sizes))] * order.n
            else:
                images = [await self._painted(order, inputs, mask, index) for index in range(order.n)]
        except PictureRefused as error:
            raise fault("image_url", "Failed to load the image.", "image_load_error") from error
        outputs = [header_of(image).size for image in images]
        bill = order.model.price.bill(UsedUp(outputs, sizes, order.prompt, order.options))
        entry.bill(bill.cost_micros, images)
        result = await self._result(order, images, inputs, unsafe=unsafe)
        return json_reply(result, headers={"x-fal-billable-units": bill.units_text})

    async def _painted(self, order: Order, inputs: list[bytes], mask: bytes | None, index: int) -> bytes:
        size = order.size([header_of(image).size for image in inputs])
        if size[0] * size[1] > MAX_PIXELS:
            raise fault("image_size", "The image is too large.", "image_too_large", max_height=4096, max_width=4096)
        pictures = self.room.pictures
        seed = order.seed + index
        if not inputs:
            return await pictures.paint(order.prompt, *size, seed=seed, media_type=order.media_type)
        strength = order.fields.get("strength", 0.95) if "strength" in order.model.fields else 0.6
        return await pictures.repaint(
            inputs[0], order.prompt, size=size, seed=seed, media_type=order.media_type, mask=mask, strength=strength
        )

    async def _worked(self, order: Order, image: bytes, mask: bytes | None) -> list[bytes]:
        painter = self.room.pictures.painter
        if order.model.task == "erase":
            return [await self._painted(order, [image], mask, 0)]
        if order.model.task == "expand":
            work = painter.outpaint(
                image, **order.sides, prompt=order.prompt, seed=order.seed, media_type=order.media_type
            )
            return [await asked(work)]
        if order.model.task == "upscale":
            factor = float(order.fields.get("scale", order.fields.get("upscale_factor", 2)))
            return [await asked(painter.upscale(image, factor=factor, media_type=order.media_type))]
        if order.model.task == "background":
            return [await asked(painter.remove_background(image, media_type=order.media_type))]
        found = await asked(painter.segment(image, labels=_labels(order), points=_points(order), box=_box(order)))
        if not found:
            raise fault("image_url", "No media was generated.", "no_media_generated")
        several = bool(order.fields.get("return_multiple_masks"))
        masks = found if several else found[:1]
        return [await self.room.pictures.convert(mask, media_type=order.media_type) for _, mask in masks]

    async def _black(self, order: Order, size: tuple[int, int]) -> bytes:
        return await self.room.pictures.convert(blank_png(*size, (0, 0, 0)), media_type=order.media_type)

    async def _mask(self, order: Order) -> bytes | None:
        url = order.fields.get("mask_url")
        if not isinstance(url, str) or order.model.task not in ("fill", "erase", "edit"):
            return None
        mask = await self._fetch(url, "mask_url")
        if order.model.task in ("fill", "erase") and not header_of(mask).has_alpha:
            return mask  # white is painted anew, the same for the painter
        return await asked(self.room.pictures.painter.alpha_to_mask(mask))

    async def _fetch(self, url: str, field: str) -> bytes:
        own = f"{self.address}/files/"
        hosted = self.room.shelf.get(url.removeprefix(own)) if url.startswith(own) else None
        try:
            data = hosted.data if hosted else await fetch(url)
            header_of(data)
        except SourceUnreadable as error:
            raise fault(field, f"Failed to download the file: {error}.", "file_download_error") from error
        except PictureRefused as error:
            raise fault(field, "Failed to load the image.", "image_load_error") from error
        return data

    async def _result(self, order: Order, images: list[bytes], inputs: list[bytes], *, unsafe: bool) -> dict[str, Any]:
        files = [self._file(order, image, order.media_type) for image in images]
        if order.model.is_tool:
            result: dict[str, Any] = {order.model.answer: files if order.model.answer == "masks" else files[0]}
            if order.fields.get("output_mask") and "output_mask" in order.model.fields:
                found = await asked(self.room.pictures.painter.segment(inputs[0]))
                result["mask_image"] = self._file(order, found[0][1], "image/png") if found else None
            return result
        result = {
            "images": files,
            "seed": order.seed,
            "timings": {"inference": 0.1},
            "has_nsfw_concepts": [unsafe] * order.n,
            "prompt": order.prompt,
        }
        return result | {"description": ""} if "nano-banana" in order.model.id else result

    def _file(self, order: Order, image: bytes, media_type: str) -> dict[str, Any]:
        size = header_of(image).size
        if order.fields.get("sync_mode"):
            url = f"data:{media_type};base64,{pybase64.b64encode_as_string(image)}"
            name = None
        else:
            name = self.room.shelf.put(image, media_type)
            url = f"{self.address}/files/{name}"
        return {
            "url": url,
            "width": size[0],
            "height": size[1],
            "content_type": media_type,
            "file_name": name,
            "file_size": len(image),
        }


def _labels(order: Order) -> tuple[str, ...]:
    knows = "prompt" in order.model.fields or "prompt" in order.model.required
    return (order.prompt,) if knows and order.prompt else ()


def _points(order: Order) -> list[tuple[int, int]]:
    prompts = order.fields.get("prompts") or order.fields.get("point_prompts") or []
    try:
        return [(int(point["x"]), int(point["y"])) for point in prompts if point.get("label", 1)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise fault("prompts", "Input should be a valid dictionary", "dict_type") from error


def _box(order: Order) -> tuple[int, int, int, int] | None:
    boxes = order.fields.get("box_prompts") or []
    try:
        if not boxes:
            return None
        first = boxes[0]
        return int(first["x_min"]), int(first["y_min"]), int(first["x_max"]), int(first["y_max"])
    except (KeyError, TypeError, ValueError) as error:
        raise fault("box_prompts", "Input should be a valid dictionary", "dict_type") from error
