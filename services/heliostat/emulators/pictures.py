"""The painter as the emulators use it: repeated pictures are kept, unreadable input is one error."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from heliostat.emulators.picture_headers import PictureHeader, read_header

CACHE_BYTES = 64 * 1024 * 1024
Made = TypeVar("Made")


class Painter(Protocol):
    """What the emulators ask of a painter; `heliostat.painting.Easel` is one. Bytes are encoded pictures."""

    async def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        *,
        seed: int = 0,
        media_type: str = "image/png",
        compression_percent: int | None = None,
        transparent: bool = False,
    ) -> bytes:
        """Paint a picture of exactly this size."""

    async def edit(
        self, image: bytes, prompt: str, *, strength: float = 0.6, seed: int = 0, media_type: str = "image/png"
    ) -> bytes:
        """Change the whole picture as the prompt says; the size stays."""

    async def fill(
        self, image: bytes, mask: bytes, prompt: str, *, seed: int = 0, media_type: str = "image/png"
    ) -> bytes:
        """Repaint where the mask is white; the size stays."""

    async def upscale(
        self,
        image: bytes,
        *,
        factor: float | None = None,
        width: int | None = None,
        height: int | None = None,
        media_type: str = "image/png",
    ) -> bytes:
        """Change the size, by a factor or to width x height."""

    async def remove_background(self, image: bytes, *, media_type: str = "image/png") -> bytes:
        """Leave the subject on a transparent ground."""

    async def segment(
        self,
        image: bytes,
        *,
        labels: Sequence[str] = (),
        points: Sequence[tuple[int, int]] = (),
        box: tuple[int, int, int, int] | None = None,
    ) -> list[tuple[str, bytes]]:
        """Give (label, PNG mask) pairs, white where the thing is."""

    async def outpaint(
        self,
        image: bytes,
        *,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        prompt: str = "",
        seed: int = 0,
        media_type: str = "image/png",
    ) -> bytes:
        """Continue the picture by so many px on each side; its own pixels stay."""

    async def convert(self, image: bytes, *, media_type: str, compression_percent: int | None = None) -> bytes:
        """Encode anew."""

    async def alpha_to_mask(self, mask: bytes) -> bytes:
        """Turn a mask whose transparent part is to be repainted into one whose white part is."""


class PictureRefused(ValueError):
    """A picture sent in cannot be read, or the painter cannot work on it."""


def seed_from(*parts: object) -> int:
    """Derive a seed (31 bits) from a request, so that the same request paints the same picture."""
    text = "\x00".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


class Pictures:
    """Paints through one painter; remembers the newest pictures, and paints none twice at the same time."""

    def __init__(self, painter: Painter, *, cache_bytes: int = CACHE_BYTES) -> None:
        """`cache_bytes` bounds what is remembered; a bigger picture is not kept."""
        self.painter = painter
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._cache_bytes = cache_bytes
        self._under_way: dict[tuple[object, ...], asyncio.Task[bytes]] = {}

    async def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        *,
        seed: int,
        media_type: str,
        compression_percent: int | None = None,
        transparent: bool = False,
    ) -> bytes:
        """Paint, or give again what was painted for the same order. Raises `PictureRefused`."""
        key = (prompt, width, height, seed, media_type, compression_percent, transparent)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._under_way:
            work = self.painter.paint(
                prompt,
                width,
                height,
                seed=seed,
                media_type=media_type,
                compression_percent=compression_percent,
                transparent=transparent,
            )
            self._under_way[key] = asyncio.create_task(self._paint_and_keep(key, work))
        return await asyncio.shield(self._under_way[key])

    async def repaint(
        self,
        image: bytes,
        prompt: str,
        *,
        size: tuple[int, int],
        seed: int,
        media_type: str,
        mask: bytes | None = None,
        strength: float = 0.6,
        compression_percent: int | None = None,
    ) -> bytes:
        """Edit a picture into one of `size`, only where `mask` is white if there is one. Raises `PictureRefused`."""
        image = await self.resized(image, size)
        if mask is not None:
            mask = await self.resized(mask, size)
            work = self.painter.fill(image, mask, prompt, seed=seed, media_type=media_type)
        else:
            work = self.painter.edit(image, prompt, strength=strength, seed=seed, media_type=media_type)
        painted = await asked(work)
        if compression_percent is None:
            return painted
        return await self.convert(painted, media_type=media_type, compression_percent=compression_percent)

    async def resized(self, image: bytes, size: tuple[int, int]) -> bytes:
        """Give the picture at exactly `size` (width, height), untouched if it has it. Raises `PictureRefused`."""
        if header_of(image).size == size:
            return image
        return await asked(self.painter.upscale(image, width=size[0], height=size[1]))

    async def convert(self, image: bytes, *, media_type: str, compression_percent: int | None = None) -> bytes:
        """Encode anew. Raises `PictureRefused`."""
        return await asked(self.painter.convert(image, media_type=media_type, compression_percent=compression_percent))

    async def _paint_and_keep(self, key: tuple[object, ...], work: Awaitable[bytes]) -> bytes:
        try:
            painted = await asked(work)
        finally:
            del self._under_way[key]
        if len(painted) <= self._cache_bytes:
            self._kept[key] = painted
            self._kept_bytes += len(painted)
        while self._kept_bytes > self._cache_bytes:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return painted


async def asked(work: Awaitable[Made]) -> Made:
    """Await the painter; what it cannot read or do becomes `PictureRefused`."""
    try:
        return await work
    except ValueError as error:
        raise PictureRefused(str(error)) from error


def header_of(image: bytes) -> PictureHeader:
    """Read type and size of a picture. Raises `PictureRefused` for anything but PNG, JPEG, WebP and GIF."""
    header = read_header(image)
    if header is None:
        raise PictureRefused("not a PNG, JPEG, WebP or GIF picture")
    return header
