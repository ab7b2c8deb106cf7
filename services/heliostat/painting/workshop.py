"""The jobs of the worker process: encoded pictures in, encoded pictures out. One function per call of the face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliostat.painting import background, codecs, composition, extent, inpaint, retouch, segments, styles
from heliostat.painting.limits import check_painted_size

PNG = "image/png"


def paint(
    prompt: str,
    width: int,
    height: int,
    *,
    seed: int,
    media_type: str,
    compression_percent: int | None,
    transparent: bool,
) -> bytes:
    """See `Easel.paint`."""
    check_painted_size(width, height)
    pixels = composition.compose(prompt, width, height, seed, transparent=transparent)
    return codecs.encode(pixels, media_type, compression_percent)


def upscale(image: bytes, *, factor: float | None, width: int | None, height: int | None, media_type: str) -> bytes:
    """See `Easel.upscale`."""
    pixels = codecs.decode(image)
    own_height, own_width = pixels.shape[:2]
    target = extent.target_size(own_width, own_height, factor, width, height)
    return codecs.encode(extent.enlarged(pixels, *target), media_type)


def fill(image: bytes, mask: bytes, prompt: str, *, seed: int, media_type: str) -> bytes:
    """See `Easel.fill`."""
    return codecs.encode(inpaint.filled(codecs.decode(image), codecs.decode_mask(mask), prompt, seed), media_type)


def edit(image: bytes, prompt: str, *, strength: float, seed: int, media_type: str) -> bytes:
    """See `Easel.edit`."""
    return codecs.encode(retouch.edited(codecs.decode(image), prompt, _share(strength, "strength"), seed), media_type)


def remove_background(image: bytes, *, media_type: str) -> bytes:
    """See `Easel.remove_background`."""
    return codecs.encode(background.cut_out(codecs.decode(image)), media_type)


def segment(
    image: bytes,
    *,
    labels: Sequence[str],
    points: Sequence[tuple[int, int]],
    box: tuple[int, int, int, int] | None,
) -> list[tuple[str, bytes]]:
    """See `Easel.segment`."""
    found = segments.found(codecs.flattened(codecs.decode(image)), labels, points, box)
    return [(label, codecs.encode(mask, PNG)) for label, mask in found]


def restyle(
    image: bytes, style: str, *, strength: float, seed: int, style_image: bytes | None, media_type: str
) -> bytes:
    """See `Easel.restyle`."""
    pixels = codecs.decode(image)
    lender = codecs.flattened(codecs.decode(style_image)) if style_image is not None else None
    styled = styles.styled(codecs.flattened(pixels), style, _share(strength, "strength"), seed, lender)
    return codecs.encode(codecs.with_alpha_of(styled, pixels), media_type)


def outpaint(
    image: bytes, *, left: int, right: int, top: int, bottom: int, prompt: str, seed: int, media_type: str
) -> bytes:
    """See `Easel.outpaint`."""
    pixels = codecs.decode(image)
    return codecs.encode(
        extent.extended(pixels, left=left, right=right, top=top, bottom=bottom, prompt=prompt, seed=seed), media_type
    )


def vary(image: bytes, *, similarity: float, seed: int, media_type: str) -> bytes:
    """See `Easel.vary`."""
    pixels = codecs.decode(image)
    return codecs.encode(retouch.varied(pixels, _share(similarity, "similarity"), seed), media_type)


def convert(image: bytes, *, media_type: str, compression_percent: int | None) -> bytes:
    """See `Easel.convert`."""
    return codecs.encode(codecs.decode(image), media_type, compression_percent)


def alpha_to_mask(mask: bytes) -> bytes:
    """See `Easel.alpha_to_mask`."""
    pixels = codecs.decode(mask)
    if pixels.shape[2] == 4:
        return codecs.encode(255 - pixels[:, :, 3], PNG)
    return codecs.encode(codecs.decode_mask(mask), PNG)


def mask_to_alpha(mask: bytes) -> bytes:
    """See `Easel.mask_to_alpha`."""
    repaint = codecs.decode_mask(mask)
    return codecs.encode(np.dstack([np.zeros((*repaint.shape, 3), np.uint8), 255 - repaint]), PNG)


def _share(value: float, name: str) -> float:
    """`value`, which must lie in 0..1; NaN does not. Raises ValueError."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be 0..1, got {value}")
    return value
