"""A PNG of one colour, without any picture library: for mocks, probes and conformance cases."""

import struct
import zlib
from functools import lru_cache


@lru_cache(maxsize=64)
def blank_png(width: int, height: int, rgb: tuple[int, int, int] = (255, 255, 255)) -> bytes:
    """An encoded PNG of `width` x `height` px, 8-bit RGB, every pixel `rgb` (0..255 each). Pure and cached.

    Raises ValueError for edges outside 1..8192 px or components outside 0..255.
    """
    if not (1 <= width <= 8192 and 1 <= height <= 8192):
        raise ValueError(f"edges must be 1..8192 px, got {width}x{height}")
    packer = zlib.compressobj(6)
    row = b"\0" + bytes(rgb) * width
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk: length, type, body, CRC of type and body."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
