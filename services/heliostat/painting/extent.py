"""Pictures made larger: upscaled, or continued beyond their edges."""

from __future__ import annotations

import cv2
import numpy as np

from heliostat.painting.codecs import Pixels
from heliostat.painting.composition import compose
from heliostat.painting.limits import check_worked_size
from heliostat.painting.words import read


def target_size(
    width: int, height: int, factor: float | None, new_width: int | None, new_height: int | None
) -> tuple[int, int]:
    """The size asked for: by factor, by both edges, or by one edge that keeps the ratio. Pure. Raises ValueError."""
    if factor is not None and (new_width is not None or new_height is not None):
        raise ValueError("give a factor or a size, not both")
    if factor is not None:
        if not 0 < factor <= 64:
            raise ValueError(f"factor must be above 0 and at most 64, got {factor}")
        size = round(width * factor), round(height * factor)
    elif new_width is not None and new_height is not None:
        size = new_width, new_height
    elif new_width is not None:
        size = new_width, max(1, round(height * new_width / width))
    elif new_height is not None:
        size = max(1, round(width * new_height / height)), new_height
    else:
        raise ValueError("give a factor or a size")
    check_worked_size(*size)
    return size


def enlarged(pixels: Pixels, width: int, height: int) -> Pixels:
    """`pixels` at the new size: Lanczos, then the edges sharpened in proportion to the enlargement."""
    grow = max(width / pixels.shape[1], height / pixels.shape[0])
    kind = cv2.INTER_LANCZOS4 if grow >= 1 else cv2.INTER_AREA
    large = np.asarray(cv2.resize(pixels, (width, height), interpolation=kind), dtype=np.uint8)
    if grow <= 1:
        return large
    soft = cv2.GaussianBlur(large, (0, 0), min(4.0, 0.6 * grow))
    gain = min(0.9, 0.25 * grow)
    sharp = np.asarray(cv2.addWeighted(large, 1 + gain, soft, -gain, 0), dtype=np.uint8)
    if pixels.shape[2] == 4:
        sharp[:, :, 3] = large[:, :, 3]
    return sharp


def extended(pixels: Pixels, *, left: int, right: int, top: int, bottom: int, prompt: str, seed: int) -> Pixels:
    """`pixels` in the middle of a larger picture. Raises ValueError for negative sides or too large a result.

    Near the old edge the picture is mirrored and blurred more with every pixel; a scene in `prompt` fades in behind.
    """
    if min(left, right, top, bottom) < 0:
        raise ValueError("the sides of an outpainting must not be negative")
    height, width = pixels.shape[:2]
    new_width, new_height = width + left + right, height + top + bottom
    check_worked_size(new_width, new_height)
    colours = np.ascontiguousarray(pixels[:, :, :3])
    padded = np.asarray(cv2.copyMakeBorder(colours, top, bottom, left, right, cv2.BORDER_REFLECT), dtype=np.uint8)
    rows = np.arange(new_height, dtype=np.float32)
    columns = np.arange(new_width, dtype=np.float32)
    out_y = np.maximum(np.maximum(top - rows, rows - (top + height - 1)), 0)[:, None]
    out_x = np.maximum(np.maximum(left - columns, columns - (left + width - 1)), 0)[None, :]
    away = np.sqrt(out_y * out_y + out_x * out_x) / np.float32(max(8.0, 0.5 * min(width, height)))
    result = padded.astype(np.float32)
    for reach, sigma in ((0.08, 0.006), (0.3, 0.025), (0.7, 0.06)):
        soft = _blurred(padded, sigma * min(width, height)).astype(np.float32)
        share = np.clip((away - reach * 0.4) / reach, 0, 1)[:, :, None]
        result += (soft - result) * share
    scene = read(prompt)
    if scene.features or scene.hour_named or scene.figures:
        painted = compose(prompt, new_width, new_height, seed)[:, :, :3].astype(np.float32)
        share = np.clip(away * 2.2, 0, 1)[:, :, None]
        result += (painted - result) * (share * share * (3 - 2 * share))
    result += np.random.default_rng(seed & 0xFFFFFFFF).normal(0, 1.5, (new_height, new_width, 1)).astype(np.float32)
    extended_pixels = np.asarray(np.clip(result + 0.5, 0, 255), dtype=np.uint8)
    extended_pixels[top : top + height, left : left + width] = colours
    if pixels.shape[2] == 4:
        alpha = cv2.copyMakeBorder(pixels[:, :, 3], top, bottom, left, right, cv2.BORDER_CONSTANT, value=255)
        return np.dstack([extended_pixels, alpha])
    return extended_pixels


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    """A blur of any width at a bounded cost: wide ones are made on a smaller copy."""
    shrink = max(1.0, sigma / 3)
    height, width = pixels.shape[:2]
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.GaussianBlur(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), (0, 0), max(0.5, sigma / shrink))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
