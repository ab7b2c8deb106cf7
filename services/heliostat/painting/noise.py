"""Smooth random fields and lines, the same for the same generator. Runs in the worker."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
_FULL_DETAIL_PX = 384


def field(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: tuple[float, float],
    octaves: int = 4,
    *,
    rough: float = 0.5,
    detail_px: int = _FULL_DETAIL_PX,
) -> Plane:
    """A fractal field of `height` x `width`, about -1..1, with `cells` (down, across) bumps in its first octave.

    Fields larger than `detail_px` are made at that size and stretched: clouds and mist have no finer detail.
    """
    shrink = max(1.0, max(height, width) / detail_px)
    rows, columns = max(2, round(height / shrink)), max(2, round(width / shrink))
    total = np.zeros((rows, columns), np.float32)
    weight, span = 1.0, 0.0
    down, across = cells
    for _ in range(octaves):
        grid = rng.uniform(-1, 1, (math.ceil(down) + 2, math.ceil(across) + 2)).astype(np.float32)
        total += weight * cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_CUBIC)
        span += weight
        weight *= rough
        down, across = min(down * 2, rows), min(across * 2, columns)
    total *= 1.6 / span
    if (rows, columns) == (height, width):
        return total
    return np.asarray(cv2.resize(total, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def line(rng: np.random.Generator, length: int, cells: float, octaves: int = 6, rough: float = 0.5) -> Plane:
    """A fractal line of `length` values, about -1..1, with `cells` bumps in its first octave."""
    total = np.zeros(length, np.float32)
    weight, span = 1.0, 0.0
    for _ in range(octaves):
        knots = rng.uniform(-1, 1, (1, max(3, math.ceil(cells) + 2))).astype(np.float32)
        total += weight * cv2.resize(knots, (length, 1), interpolation=cv2.INTER_CUBIC)[0]
        span += weight
        weight *= rough
        cells *= 2
    return total * np.float32(1.6 / span)


def ridge(rng: np.random.Generator, length: int, cells: float, octaves: int = 7) -> Plane:
    """A mountain's outline of `length` values, about 0..1: sharp tops, wide valleys, rough flanks."""
    total = np.zeros(length, np.float32)
    weight, span, gate = 1.0, 0.0, np.ones(length, np.float32)
    for _ in range(octaves):
        knots = rng.uniform(-1, 1, (1, max(3, math.ceil(cells) + 2))).astype(np.float32)
        crease = 1 - np.abs(cv2.resize(knots, (length, 1), interpolation=cv2.INTER_LINEAR)[0])
        total += weight * crease * gate
        span += weight
        gate = np.clip(crease * 1.2, 0.15, 1)
        weight *= 0.52
        cells *= 2.03
    return total / np.float32(span)


def smoothstep(low: float, high: float, values: Plane) -> Plane:
    """0 below `low`, 1 above `high`, a smooth ramp between. Pure."""
    ramp = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)
