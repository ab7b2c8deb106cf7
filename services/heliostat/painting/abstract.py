"""A picture for prompts without a scene: flowing bands of colour, and plain grounds."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.noise import Plane, field
from heliostat.painting.scene import Scene


def paint_ground_colour(canvas: Canvas, colour: Colour) -> None:
    """Fill the canvas with one colour, exactly. A transparent canvas stays empty."""
    for plane in range(3):
        canvas.pixels[plane] = colour[plane]


def paint_abstract(canvas: Canvas, scene: Scene) -> None:
    """Silk-like folds in a palette of the named colours, completed by the seed."""
    rng = canvas.rng("silk")
    palette = _palette(rng, [tone(colour) for colour in scene.colours])
    aspect = canvas.width / canvas.height
    shrink = max(1, max(canvas.height, canvas.width) // 512)
    rows, columns = max(2, canvas.height // shrink), max(2, canvas.width // shrink)
    bend = field(rng, rows, columns, (1.6, 1.6 * aspect), 3)
    twist = field(rng, rows, columns, (1.3, 1.3 * aspect), 3)
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    across = np.linspace(0, aspect, columns, dtype=np.float32)[None, :]
    flow = (down * rng.uniform(0.5, 1.1) + across * rng.uniform(0.3, 0.9) + 0.62 * bend).astype(np.float32)
    position = (flow * 0.9 + 0.2 * twist) % 2
    position = np.where(position > 1, 2 - position, position) * (len(palette) - 1)
    folds = np.sin((flow * 3.2 + 0.5 * twist) * 6.283).astype(np.float32)
    knots = np.arange(len(palette))
    for plane in range(3):
        layer = np.interp(position, knots, [colour[plane] for colour in palette]).astype(np.float32)
        layer = layer * (0.92 + 0.13 * folds) + 0.05 * np.clip(folds, 0, 1) ** 6
        canvas.pixels[plane] = cv2.resize(layer, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC)
    np.clip(canvas.pixels, 0, 1, out=canvas.pixels)
    if canvas.cover is not None:
        canvas.cover[:] = _medallion(canvas)


def _medallion(canvas: Canvas) -> Plane:
    """The opacity of a centred disc: the subject of a transparent picture that names none."""
    down = (np.arange(canvas.height, dtype=np.float32) - canvas.height / 2)[:, None]
    across = (np.arange(canvas.width, dtype=np.float32) - canvas.width / 2)[None, :]
    distance = np.sqrt(down * down + across * across)
    return np.asarray(np.clip(np.float32(canvas.unit * 0.42) - distance, 0, 1), dtype=np.float32)


def _palette(rng: np.random.Generator, named: list[Colour]) -> list[Colour]:
    """Four to six colours: the named ones with light and dark relatives, or a harmony around a random hue."""
    if named:
        relatives: list[Colour] = []
        for colour in named[:3]:
            relatives += [blend(colour, (0.06, 0.05, 0.12), 0.45), colour, blend(colour, (1, 1, 1), 0.4)]
        return relatives
    hue = float(rng.uniform(0, 1))
    spread = float(rng.choice((0.08, 0.13, 0.5)))
    values = ((0.0, 0.75, 0.24), (0.3, 0.7, 0.55), (0.6, 0.62, 0.85), (1.0, 0.4, 0.97), (0.8, 0.7, 0.75))
    return [colorsys.hsv_to_rgb((hue + spread * step) % 1, full, value) for step, full, value in values]
