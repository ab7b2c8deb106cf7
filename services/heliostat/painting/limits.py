"""What the painting room accepts, and how it refuses."""

MAX_INPUT_PIXELS = 64 * 1024 * 1024
"""Largest picture that is decoded or produced by picture work, in pixels. Read from the header, before decoding."""

MAX_INPUT_BYTES = 128 * 1024 * 1024
"""Largest encoded picture that is looked at, in bytes."""

MIN_EDGE = 1
MAX_EDGE = 8192
"""Edges of a painted picture, in pixels."""

MAX_PAINTED_PIXELS = 16 * 1024 * 1024 + 1024
"""Largest painted picture, in pixels: 4096 x 4096 and every 4K format fit."""

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/gif": "GIF",
}
"""Media types that are read and written, with Pillow's name of the format. No other decoder is ever tried."""


class PictureUnreadable(ValueError):
    """The bytes are no picture of an accepted format, are damaged, or exceed the limits of this room."""


def check_painted_size(width: int, height: int) -> None:
    """Raises ValueError unless a picture of `width` x `height` px may be painted. Pure."""
    if not (MIN_EDGE <= width <= MAX_EDGE and MIN_EDGE <= height <= MAX_EDGE):
        raise ValueError(f"edges must be {MIN_EDGE}..{MAX_EDGE} px, got {width}x{height}")
    if width * height > MAX_PAINTED_PIXELS:
        raise ValueError(f"a painted picture has at most {MAX_PAINTED_PIXELS} px, got {width}x{height}")


def check_worked_size(width: int, height: int) -> None:
    """Raises ValueError unless picture work may produce `width` x `height` px. Pure."""
    if width < 1 or height < 1:
        raise ValueError(f"edges must be at least 1 px, got {width}x{height}")
    if width * height > MAX_INPUT_PIXELS:
        raise ValueError(f"a picture has at most {MAX_INPUT_PIXELS} px, got {width}x{height}")
