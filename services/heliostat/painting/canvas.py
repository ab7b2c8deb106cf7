"""The canvas: planes of light that layers are laid on. Runs in the worker."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from heliostat.painting.noise import Plane

Colour = tuple[float, float, float]
"""sRGB, 0..1 each."""


def tone(rgb: tuple[int, int, int]) -> Colour:
    """A colour of 0..255 as one of 0..1. Pure."""
    return rgb[0] / 255, rgb[1] / 255, rgb[2] / 255


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """`first` moved by `share` towards `second`. Pure."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


class Canvas:
    """`pixels` is float32 of shape 3 x height x width, 0..1: planes, because each layer then runs over whole rows.

    `cover` is the opacity of what has been laid so far (height x width), kept only for transparent pictures.
    Lengths in scenes are shares of `unit`, the shorter edge, so that a thumbnail shows what the large picture shows.
    """

    def __init__(self, width: int, height: int, origin: str, *, transparent: bool = False) -> None:
        """An empty canvas; `origin` (prompt and seed) decides every random choice made on it."""
        self.width, self.height = width, height
        self.unit = float(min(width, height))
        self.pixels: Plane = np.zeros((3, height, width), np.float32)
        self.cover: Plane | None = np.zeros((height, width), np.float32) if transparent else None
        self._origin = origin

    def rng(self, part: str) -> np.random.Generator:
        """The generator for one part of the picture: adding another part does not disturb it."""
        digest = hashlib.blake2b(f"{part}\0{self._origin}".encode(), digest_size=16).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))

    def lay(self, colour: Colour | Plane, alpha: Plane, top: int = 0, left: int = 0) -> None:
        """Lay `colour` (one, or planes of the alpha's size) with opacity `alpha` at that corner; overhang is cut."""
        rows, columns, own = self._clip(alpha.shape[0], alpha.shape[1], top, left)
        alpha = alpha[own]
        if alpha.size == 0:
            return
        for plane in range(3):
            region = self.pixels[plane, rows, columns]
            tint = colour[plane]
            paint = np.float32(tint) if np.ndim(tint) == 0 else np.asarray(tint, np.float32)[own]
            region += (paint - region) * alpha
        if self.cover is not None:
            covered = self.cover[rows, columns]
            covered += (1 - covered) * alpha

    def shine(self, colour: Colour, amount: Plane, top: int = 0, left: int = 0) -> None:
        """Add light of `colour` by `amount`, as a screen: nothing burns out."""
        rows, columns, own = self._clip(amount.shape[0], amount.shape[1], top, left)
        amount = amount[own]
        if amount.size == 0:
            return
        for plane in range(3):
            region = self.pixels[plane, rows, columns]
            region += (1 - region) * (amount * np.float32(colour[plane]))
        if self.cover is not None:
            covered = self.cover[rows, columns]
            np.maximum(covered, np.clip(amount, 0, 1), out=covered)

    def polygon(
        self, points: NDArray[np.float64] | list[tuple[float, float]], colour: Colour, alpha: float = 1
    ) -> None:
        """Lay a filled polygon of (x, y) px with smooth edges."""
        corners = np.asarray(points, np.float64)
        left, top = (int(value) - 2 for value in np.floor(corners.min(axis=0)))
        right, bottom = (int(value) + 3 for value in np.ceil(corners.max(axis=0)))
        left, top = max(left, -8), max(top, -8)
        right, bottom = min(right, self.width + 8), min(bottom, self.height + 8)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fixed = np.round((corners - (left, top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed.reshape(-1, 1, 2)], 255, cv2.LINE_AA, 4)
        self.lay(colour, mask.astype(np.float32) * np.float32(alpha / 255), top, left)

    def disc(self, x: float, y: float, radius: float, colour: Colour, *, alpha: float = 1, soft: float = 0) -> None:
        """Lay a disc around (x, y) px; `soft` is the width of its fading edge in px."""
        edge = max(soft, 1.0)
        reach = int(radius + edge) + 2
        top, left = int(y) - reach, int(x) - reach
        rows = np.arange(top, top + 2 * reach + 1, dtype=np.float32)[:, None] - np.float32(y)
        columns = np.arange(left, left + 2 * reach + 1, dtype=np.float32)[None, :] - np.float32(x)
        distance = np.sqrt(rows * rows + columns * columns)
        self.lay(colour, np.clip((np.float32(radius) - distance) / edge + 0.5, 0, 1) * np.float32(alpha), top, left)

    def bytes8(self) -> NDArray[np.uint8]:
        """The picture as uint8, height x width x 3 or, where cover is kept, x 4."""
        planes = [np.clip(plane * 255 + 0.5, 0, 255).astype(np.uint8) for plane in self.pixels]
        if self.cover is not None:
            planes.append(np.clip(self.cover * 255 + 0.5, 0, 255).astype(np.uint8))
        return np.asarray(cv2.merge(planes), dtype=np.uint8)

    def _clip(self, height: int, width: int, top: int, left: int) -> tuple[slice, slice, tuple[slice, slice]]:
        """The rows and columns of the canvas under a patch, and the part of the patch that lies on the canvas."""
        first_row, first_column = max(top, 0), max(left, 0)
        last_row, last_column = min(top + height, self.height), min(left + width, self.width)
        last_row, last_column = max(last_row, first_row), max(last_column, first_column)
        own = (slice(first_row - top, last_row - top), slice(first_column - left, last_column - left))
        return slice(first_row, last_row), slice(first_column, last_column), own
