"""Masks whose black part is painted anew, turned into the painter's, whose white part is."""

from __future__ import annotations

import struct
import zlib

from heliostat.emulators.pictures import Painter, PictureRefused, asked

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, PALETTE = 0, 3


async def white_for_black(painter: Painter, mask: bytes) -> bytes:
    """Give the mask with black and white exchanged, as a PNG. Raises `PictureRefused`."""
    return inverted(await asked(painter.alpha_to_mask(mask)))


def inverted(png: bytes) -> bytes:
    """Exchange black and white of a grey PNG: its levels become places of a palette that runs the other way.

    Nothing is decoded. Raises `PictureRefused` for anything but a grey PNG of at most 8 bits.
    """
    if not png.startswith(SIGNATURE) or png[24] > 8 or png[25] != GREY:
        raise PictureRefused("not a grey PNG")
    depth, rest = png[24], png[33:]
    head = png[16:25] + bytes([PALETTE]) + png[26:29]
    levels = 2**depth
    colours = b"".join(bytes([255 - 255 * level // (levels - 1)]) * 3 for level in range(levels))
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"PLTE", colours) + rest


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
