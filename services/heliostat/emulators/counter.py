"""What the emulators of small providers have in common: pictures read, made and hosted."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import orjson
import pybase64

from heliostat.emulators.exchange import Refusal, Reply, Room
from heliostat.emulators.jobs import Job
from heliostat.emulators.pictures import PictureRefused, asked, header_of, seed_from

MICROS = 1_000_000
UNSAFE_WORD = "nsfw"
JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

Size = tuple[int, int]


def micros(dollars: Fraction) -> int:
    """Whole micro-USD, rounded half up."""
    return int(dollars * MICROS + Fraction(1, 2))


def tiles(size: Size, edge: int = 512) -> int:
    """The tiles that a picture begins."""
    return ceil(size[0] / edge) * ceil(size[1] / edge)


def is_unsafe(prompt: str) -> bool:
    """Tell whether a prompt is one that the provider refuses."""
    return UNSAFE_WORD in prompt.lower()


def ratio_size(ratio: str, area_px: int) -> Size:
    """Give a size of about so many pixels for a shape such as "16:9", on a grid of 16 px."""
    width, _, height = ratio.partition(":")
    share = (int(width) / int(height)) ** 0.5
    edge: float = area_px**0.5
    return 16 * round(edge * share / 16), 16 * round(edge / share / 16)


def picture_of(source: Any, fault: Callable[[str], Refusal]) -> bytes:
    """Give the bytes behind base64 text, bare or as a data URI, or bytes themselves. Raises `Refusal`."""
    try:
        data = (
            source if isinstance(source, bytes) else pybase64.b64decode(str(source).rpartition(",")[2], validate=True)
        )
        header_of(data)
    except (binascii.Error, PictureRefused) as error:
        raise fault("the image cannot be read") from error
    return data


@dataclass
class Counter:
    """Makes and hosts pictures of one room; what cannot be made is refused with `fault`."""

    room: Room
    fault: Callable[[str], Refusal]

    async def draw(
        self, prompt: str, size: Size, *, seed: int | None = None, media_type: str = PNG, count: int = 1
    ) -> list[bytes]:
        """Paint so many pictures. Raises `Refusal`."""
        first = seed_from(self.room.name, prompt) if seed is None else seed
        try:
            return [
                await self.room.pictures.paint(prompt, *size, seed=first + index, media_type=media_type)
                for index in range(count)
            ]
        except PictureRefused as error:
            raise self.fault(str(error)) from error

    async def change(
        self,
        image: bytes,
        prompt: str = "",
        *,
        size: Size | None = None,
        mask: bytes | None = None,
        strength: float = 0.6,
        media_type: str = PNG,
    ) -> bytes:
        """Repaint a picture, where the mask is white if there is one. Raises `Refusal`."""
        size = size or header_of(image).size
        seed = seed_from(self.room.name, prompt)
        try:
            return await self.room.pictures.repaint(
                image, prompt, size=size, seed=seed, media_type=media_type, mask=mask, strength=strength
            )
        except PictureRefused as error:
            raise self.fault(str(error)) from error

    async def cut_out(self, image: bytes, media_type: str = PNG) -> bytes:
        """Leave the subject alone. Raises `Refusal`."""
        painter = self.room.pictures.painter
        return await self._made(painter.remove_background(image, media_type=media_type))

    async def enlarge(self, image: bytes, size: Size, media_type: str = PNG) -> bytes:
        """Bring a picture to a size. Raises `Refusal`."""
        painter = self.room.pictures.painter
        return await self._made(painter.upscale(image, width=size[0], height=size[1], media_type=media_type))

    async def extend(self, image: bytes, sides: Mapping[str, int], media_type: str = PNG) -> bytes:
        """Continue a picture by so many px at `left`, `right`, `top` and `bottom`. Raises `Refusal`."""
        left, right, top, bottom = (sides.get(side, 0) for side in ("left", "right", "top", "bottom"))
        painter = self.room.pictures.painter
        return await self._made(
            painter.outpaint(image, left=left, right=right, top=top, bottom=bottom, media_type=media_type)
        )

    def host(self, image: bytes, address: str, media_type: str) -> str:
        """Keep a picture below /files and give its address."""
        return f"{address}/files/{self.room.shelf.put(image, media_type)}"

    async def _made(self, work: Any) -> bytes:
        try:
            made: bytes = await asked(work)
        except PictureRefused as error:
            raise self.fault(str(error)) from error
        return made


def encoded(image: bytes) -> str:
    """Give a picture as base64 text."""
    return pybase64.b64encode_as_string(image)


def content_of(job: Job) -> dict[str, Any] | None:
    """What a job that has ended came to, as an object; None where it failed or its scripted end is no object."""
    result: Reply | None = job.result
    if result is None or result.status >= 400:
        return None
    try:
        content = orjson.loads(result.body)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None
