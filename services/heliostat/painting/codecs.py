"""Encoded pictures to arrays and back. Runs in the worker.

An array is uint8, height x width x 3 (RGB) or x 4 (RGBA); a mask is uint8, height x width.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from heliostat.painting.limits import FORMATS, MAX_INPUT_BYTES, MAX_INPUT_PIXELS, PictureUnreadable

Pixels = NDArray[np.uint8]

# Our own limit is read from the header below; Pillow's would only warn where we refuse.
Image.MAX_IMAGE_PIXELS = None
cv2.setNumThreads(1)

_DEFAULT_QUALITY = {"image/jpeg": 90, "image/webp": 85, "image/avif": 70}


def decode(encoded: bytes) -> Pixels:
    """The picture as RGB, or as RGBA where it has transparency; upright after its EXIF orientation, first frame.

    Raises PictureUnreadable.
    """
    picture = _opened(encoded)
    with_alpha = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return _array(picture.convert("RGBA" if with_alpha else "RGB"))


def decode_mask(encoded: bytes) -> Pixels:
    """The picture as one channel of luminance, whatever it was. Raises PictureUnreadable."""
    return _array(_opened(encoded).convert("L"))


def encode(pixels: Pixels, media_type: str, compression_percent: int | None = None) -> bytes:
    """The array as a file of `media_type`; a mask becomes a PNG of one channel. Raises ValueError for the type."""
    if media_type not in FORMATS:
        raise ValueError(f"media type {media_type} is not one of {', '.join(FORMATS)}")
    if media_type == "image/png":
        return _png(pixels)
    if media_type == "image/jpeg" and pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = flattened(pixels)
    options: dict[str, Any] = {}
    if media_type in _DEFAULT_QUALITY:
        quality = _DEFAULT_QUALITY[media_type] if compression_percent is None else compression_percent
        options["quality"] = max(1, min(100, quality))
    if media_type == "image/webp":
        options["method"] = 1
    if media_type == "image/avif":
        options["speed"] = 9
        options["max_threads"] = 1
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, FORMATS[media_type], **options)
    return sink.getvalue()


def flattened(pixels: Pixels, ground: int = 255) -> Pixels:
    """RGB of an RGB or RGBA array, laid on a grey of `ground` (0..255)."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    laid = pixels[:, :, :3] * alpha + ground * (1 - alpha)
    return (laid + 0.5).astype(np.uint8)


def with_alpha_of(pixels: Pixels, original: Pixels) -> Pixels:
    """`pixels` (RGB) with the alpha of `original` where that has one, stretched to the new size."""
    if original.shape[2] == 3:
        return pixels
    height, width = pixels.shape[:2]
    alpha = cv2.resize(original[:, :, 3], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.dstack([pixels, alpha])


def _opened(encoded: bytes) -> Image.Image:
    """The decoded picture, turned upright. The size is checked on the header, before a pixel is decoded."""
    if len(encoded) > MAX_INPUT_BYTES:
        raise PictureUnreadable(f"a picture may have {MAX_INPUT_BYTES} bytes, this one has {len(encoded)}")
    try:
        picture = Image.open(io.BytesIO(encoded), formats=list(FORMATS.values()))
    except Exception as failure:
        raise PictureUnreadable("the bytes are no PNG, JPEG, WebP, AVIF or GIF picture") from failure
    width, height = picture.size
    if width * height > MAX_INPUT_PIXELS:
        raise PictureUnreadable(f"a picture may have {MAX_INPUT_PIXELS} px, this one has {width}x{height}")
    try:
        picture.load()
        return ImageOps.exif_transpose(picture)
    # Decoders raise whatever they like for damaged bytes: OSError, SyntaxError, struct.error, MemoryError...
    except Exception as failure:
        raise PictureUnreadable(f"the {picture.format} picture is damaged") from failure


def _array(picture: Image.Image) -> Pixels:
    return np.asarray(picture, dtype=np.uint8)


def _png(pixels: Pixels) -> bytes:
    """PNG at the fast end: run-length strategy at level 1 packs painted grain about as well and in half the time."""
    if pixels.ndim == 3:
        order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        pixels = np.asarray(cv2.cvtColor(pixels, order), dtype=np.uint8)
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    done, packed = cv2.imencode(".png", pixels, settings)
    if not done:
        raise ValueError("the picture could not be packed as PNG")
    return packed.tobytes()
