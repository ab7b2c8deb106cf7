"""Finds the main subject of a picture and cuts it out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from heliostat.painting.codecs import Pixels

_WORK_EDGE_PX = 320
_FLAT_SPREAD = 12.0


def cut_out(pixels: Pixels) -> Pixels:
    """RGBA of RGB or RGBA `pixels`: the subject opaque, its surroundings transparent. What was transparent stays so."""
    colours = np.ascontiguousarray(pixels[:, :, :3])
    if pixels.shape[2] == 4 and pixels[:, :, 3].min() < 8:
        return pixels
    return np.dstack([colours, subject_mask(colours)])


def subject_mask(pixels: Pixels) -> Pixels:
    """The subject of RGB `pixels`: 255 inside, 0 outside, soft along the edge.

    On a flat ground, everything that differs from it; else GrabCut, started from the middle of the picture.
    """
    border = _border(pixels).astype(np.float32)
    ground = np.median(border, axis=0)
    off = np.abs(border - ground).max(axis=1)
    if float(np.percentile(off, 90)) < _FLAT_SPREAD:
        return _against_flat(pixels, ground)
    return grab(pixels, None)


def _border(pixels: Pixels) -> Pixels:
    """The pixels of the outermost frame, as rows of RGB."""
    deep = max(1, min(pixels.shape[:2]) // 50)
    parts = (pixels[:deep], pixels[-deep:], pixels[:, :deep], pixels[:, -deep:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def _against_flat(pixels: Pixels, ground: NDArray[np.float32]) -> Pixels:
    """Distance from the flat ground as opacity, where it connects to the border; holes inside stay opaque."""
    distance = np.abs(pixels.astype(np.float32) - ground).max(axis=2)
    near = (distance < 28).astype(np.uint8)
    padded = cv2.copyMakeBorder(near, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, regions = cv2.connectedComponents(padded, connectivity=4)
    outside = (regions == regions[0, 0])[1:-1, 1:-1]
    soft = np.clip((distance - 8) / 40, 0, 1) * 255
    rim = cv2.dilate(outside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    opacity = np.where(outside, np.where(distance < 14, 0, soft), np.where(rim, np.maximum(soft, 128), 255))
    return opacity.astype(np.uint8)


def grab(pixels: Pixels, box: tuple[int, int, int, int] | None, points: tuple[tuple[int, int], ...] = ()) -> Pixels:
    """GrabCut at a small size: the thing in `box` (left, top, right, bottom px), at `points`, or in the middle."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, _WORK_EDGE_PX / max(height, width))
    size = (max(8, round(width * shrink)), max(8, round(height * shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top, right, bottom = box or (
        round(width * 0.06),
        round(height * 0.06),
        round(width * 0.94),
        round(height * 0.94),
    )
    scale_x, scale_y = size[0] / width, size[1] / height
    state = np.full((size[1], size[0]), cv2.GC_BGD, np.uint8)
    inner = (slice(int(top * scale_y), max(int(top * scale_y) + 1, round(bottom * scale_y))),
             slice(int(left * scale_x), max(int(left * scale_x) + 1, round(right * scale_x))))  # fmt: skip
    state[inner] = cv2.GC_PR_BGD if points else cv2.GC_PR_FGD
    for x, y in points:
        cv2.circle(state, (round(x * scale_x), round(y * scale_y)), max(2, min(size) // 14), int(cv2.GC_PR_FGD), -1)
        cv2.circle(state, (round(x * scale_x), round(y * scale_y)), 1, int(cv2.GC_FGD), -1)
    known = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if known.all() or not known.any():
        return _stretched(known, width, height)
    cv2.setRNGSeed(1)
    models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
    cv2.grabCut(small, state, (0, 0, 1, 1), *models, 4, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD))
    # A picture without a subject: rather keep its middle than hand back nothing.
    return _stretched(_largest_parts(inside) if inside.any() else known, width, height)


def _largest_parts(
    inside: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Without specks: only parts of at least a twentieth of the largest."""
    _, regions, table, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    sizes = table[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0
    return np.asarray((sizes >= sizes.max() / 20)[regions] & inside)


def _stretched(inside: NDArray[np.bool_], width: int, height: int) -> Pixels:
    """The small yes-or-no mask at full size, with a smooth edge."""
    smooth = cv2.resize(inside.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((smooth - 0.5) * 4 * 127.5 + 127.5, 0, 255), dtype=np.uint8)
