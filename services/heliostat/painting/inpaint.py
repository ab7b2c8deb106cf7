"""Repaints the masked part of a picture: with the prompt's things, or healed from its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from heliostat.painting.codecs import Pixels
from heliostat.painting.composition import compose

_HEAL_EDGE_PX = 384
_HEALING = frozenset({"", "remove", "erase", "heal", "clean", "delete", "remove object", "remove the object"})


def filled(pixels: Pixels, mask: Pixels, prompt: str, seed: int) -> Pixels:
    """`pixels` (RGB or RGBA) with the pixels under `mask` (255 = repaint) replaced. All others stay exactly as is."""
    height, width = pixels.shape[:2]
    if mask.shape != (height, width):
        mask = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return pixels
    healed = healed_under(np.ascontiguousarray(pixels[:, :, :3]), mask)
    if prompt.strip().lower().rstrip(".") not in _HEALING:
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        healed[box] = _painted_in(healed[box], mask[box], prompt, seed)
    share = mask.astype(np.float32)[:, :, None] / 255
    result = pixels.copy()
    result[:, :, :3] = (pixels[:, :, :3] * (1 - share) + healed * share + 0.5).astype(np.uint8)
    if pixels.shape[2] == 4:
        result[:, :, 3] = np.maximum(pixels[:, :, 3], mask)
    return result


def healed_under(pixels: Pixels, mask: Pixels) -> Pixels:
    """RGB `pixels` with the masked part guessed from its edges, coarse first: structure small, grain borrowed."""
    height, width = mask.shape
    shrink = min(1.0, _HEAL_EDGE_PX / max(height, width))
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    hole = cv2.resize((mask > 0).astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(((hole > 0) * 255).astype(np.uint8), np.ones((3, 3), np.uint8))
    if hole.all():
        return pixels.copy()
    small = cv2.inpaint(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), hole, 5, cv2.INPAINT_TELEA)
    small = np.where(hole[:, :, None] > 0, cv2.GaussianBlur(small, (0, 0), 2.0), small)
    guess = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    guess += np.random.default_rng(7).normal(0, _grain_of(pixels), (height, width, 1)).astype(np.float32)
    result = np.where(mask[:, :, None] > 0, np.clip(guess, 0, 255).astype(np.uint8), pixels)
    return np.asarray(result, dtype=np.uint8)


def _grain_of(pixels: Pixels) -> float:
    """How grainy the picture is: the typical difference from its own median, in levels."""
    sample = pixels[:512, :512, 1]
    return float(min(6.0, np.median(np.abs(sample.astype(np.float32) - cv2.medianBlur(sample, 3))) * 1.5))


def _painted_in(ground: Pixels, mask: Pixels, prompt: str, seed: int) -> Pixels:
    """The prompt's picture fitted into `ground`: things stand on it, scenery takes its brightness and fades in."""
    height, width = mask.shape
    painted = compose(prompt, width, height, seed, transparent=True)
    cover = painted[:, :, 3].astype(np.float32) / 255
    visible = float((cover * (mask > 0)).sum()) / max(1.0, float((mask > 0).sum()))
    if not 0.02 < visible < 0.9:
        painted = np.dstack([compose(prompt, width, height, seed)[:, :, :3], np.full((height, width), 255, np.uint8)])
        cover = np.ones((height, width), np.float32)
    share = (cover * _inward(mask))[:, :, None]
    laid = ground.astype(np.float32) * (1 - share) + painted[:, :, :3].astype(np.float32) * share
    return np.asarray(laid + 0.5, dtype=np.uint8)


def _inward(mask: Pixels) -> NDArray[np.float32]:
    """0 at the mask's rim rising to 1 a little inside: hides the seam where old and new meet."""
    padded = cv2.copyMakeBorder((mask > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(np.clip(depth / max(2.0, 0.03 * min(mask.shape)), 0, 1), dtype=np.float32)
