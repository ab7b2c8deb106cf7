"""Water: the picture above it mirrored, broken by waves, with the sun's path on it."""

from __future__ import annotations

import cv2
import numpy as np

from heliostat.painting.canvas import Canvas, blend, tone
from heliostat.painting.light import Light
from heliostat.painting.noise import Plane, smoothstep
from heliostat.painting.scene import Scene


def paint_water(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Fill everything below `horizon` (share of the height) with water that mirrors what is painted above."""
    shore = int(canvas.height * horizon)
    rows = canvas.height - shore
    if rows < 1 or shore < 2:
        return
    rng = canvas.rng("water")
    open_sea = scene.shows("sea", "beach")
    waves = _waves(rng, rows, canvas.width, canvas.unit)
    near = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    columns = np.arange(canvas.width, dtype=np.float32)[None, :]
    bend = waves * (near + np.float32(0.04)) * np.float32(canvas.unit * (0.035 if open_sea else 0.02))
    source_x = columns + bend
    stretch = min(1.0, (shore - 1) / rows)
    source_y = shore - 1 - np.arange(rows, dtype=np.float32)[:, None] * np.float32(stretch) - np.abs(bend) * 0.7
    tint = scene.tints.get("sea") or scene.tints.get("lake")
    deep = light.lit(tone(tint) if tint else (0.05, 0.3, 0.42), 0.95)
    depth = near ** np.float32(0.7) * np.float32(0.62 if open_sea else 0.42) + np.float32(0.12 + (0.25 if tint else 0))
    crest = smoothstep(0.15, 1.1, waves) * (near * np.float32(0.3) + np.float32(0.05))
    sparkle = blend(light.haze, light.sun, 0.5)
    planes = np.empty((3, rows, canvas.width), np.float32)
    for plane in range(3):
        above = canvas.pixels[plane, :shore]
        bent = cv2.remap(above, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        mirror = np.asarray(bent, np.float32)
        mirror += (np.float32(deep[plane]) - mirror) * np.clip(depth, 0, 0.9)
        mirror += (np.float32(sparkle[plane]) - mirror) * crest
        planes[plane] = mirror
    canvas.lay(planes, np.ones((rows, canvas.width), np.float32), shore)
    if light.strength < 0.8:
        _glitter(canvas, light, waves, shore)


def _waves(rng: np.random.Generator, rows: int, width: int, unit: float) -> Plane:
    """Wave heights, about -1..1, long and flat, smaller towards the horizon (the first row)."""
    lines = 220
    depth = np.linspace(0, 1, rows) + 0.02
    # Equal steps of distance lie closer and closer together towards the horizon.
    distance = np.log(depth / depth[0]) / np.log(depth[-1] / depth[0])
    total = np.zeros((rows, width), np.float32)
    for crests, weight in ((26, 0.6), (60, 0.45), (120, 0.3)):
        grid = rng.uniform(-1, 1, (lines, max(4, round(crests * width / unit / 3)))).astype(np.float32)
        picked = (distance * (lines - 1) * min(1.0, crests / 90)).astype(np.float32)
        across = np.linspace(0, grid.shape[1] - 1, width, dtype=np.float32)
        total += np.float32(weight) * cv2.remap(
            grid, np.tile(across, (rows, 1)), np.repeat(picked[:, None], width, axis=1), cv2.INTER_CUBIC
        )
    return total


def _glitter(canvas: Canvas, light: Light, waves: Plane, shore: int) -> None:
    """The path of broken light under the sun or moon."""
    rows = waves.shape[0]
    near = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    offset = (np.arange(canvas.width, dtype=np.float32) / canvas.width - np.float32(light.sun_x))[None, :]
    spread = 0.035 + 0.11 * near
    path = np.exp(-((offset * np.float32(canvas.width / canvas.unit) / spread) ** 2))
    broken = smoothstep(-0.15, 0.55, waves)
    canvas.shine(light.sun, path * broken * (np.float32(0.85) - near * np.float32(0.45)), shore)
