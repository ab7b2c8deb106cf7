"""Type and size of an encoded picture, read from its first bytes without decoding it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PNG_COLOUR_TYPES_WITH_ALPHA = frozenset({4, 6})
JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class PictureHeader:
    """What a picture says of itself."""

    media_type: str
    size: tuple[int, int]
    """Width and height in pixels."""
    has_alpha: bool = False
    """Known for PNG only: an alpha channel, or a palette with transparent entries."""


def read_header(data: bytes) -> PictureHeader | None:
    """Read the header of a PNG, JPEG, WebP or GIF; None for anything else, and for broken headers."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return PictureHeader("image/gif", struct.unpack_from("<HH", data, 6))
    except (struct.error, IndexError):
        return None
    return None


def _png(data: bytes) -> PictureHeader:
    size = struct.unpack_from(">II", data, 16)
    transparent_palette = data.find(b"tRNS", 0, 4096) > 0
    return PictureHeader("image/png", size, data[25] in PNG_COLOUR_TYPES_WITH_ALPHA or transparent_palette)


def _jpeg(data: bytes) -> PictureHeader | None:
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in JPEG_FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return PictureHeader("image/jpeg", (width, height))
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _webp(data: bytes) -> PictureHeader | None:
    form = data[12:16]
    if form == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif form == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    elif form == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        return None
    return PictureHeader("image/webp", (width, height))
