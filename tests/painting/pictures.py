"""Pictures for tests: made and looked at in plain sight."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def opened(encoded: bytes) -> Image.Image:
    """The decoded picture."""
    picture = Image.open(io.BytesIO(encoded))
    picture.load()
    return picture


def pixels(encoded: bytes, mode: str = "RGB") -> NDArray[np.int32]:
    """The picture's values, height x width (x channels)."""
    return np.asarray(opened(encoded).convert(mode)).astype(np.int32)


def encoded(array: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """The array (height x width, x 3 or x 4) as a file."""
    sink = io.BytesIO()
    Image.fromarray(array).save(sink, kind)
    return sink.getvalue()


def disc_on_ground(size: int = 128, *, textured: bool = False) -> bytes:
    """A red disc of a third of the width in the middle of a blue ground, flat or textured, as PNG."""
    rows, columns = np.mgrid[0:size, 0:size]
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = (40, 80, 170)
    if textured:
        picture[:, :, 2] = 120 + (columns * 7 + rows * 3) % 70
    picture[(rows - size // 2) ** 2 + (columns - size // 2) ** 2 < (size // 3) ** 2] = (220, 40, 40)
    return encoded(picture)


def box_mask(width: int, height: int, *box: int) -> bytes:
    """A one-channel PNG, 255 inside of the box (left, top, right, bottom)."""
    left, top, right, bottom = box
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 255
    return encoded(mask)
