"""What falls and drifts: rain, snow, fog."""

from __future__ import annotations

import cv2
import numpy as np

from heliostat.painting.canvas import Canvas, blend
from heliostat.painting.light import Light
from heliostat.painting.noise import field, smoothstep
from heliostat.painting.scene import Scene


def paint_weather(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Fog, rain and falling snow, over everything painted before."""
    if scene.shows("fog"):
        _fog(canvas, light, horizon)
    if scene.shows("rain"):
        _rain(canvas, light)
    if scene.shows("snowfall"):
        _snowfall(canvas)


def _fog(canvas: Canvas, light: Light, horizon: float) -> None:
    rng = canvas.rng("fog")
    drift = field(rng, canvas.height, canvas.width, (7, 2.2 * canvas.width / canvas.height), 4)
    height = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    bank = np.exp(-(((height - np.float32(horizon + 0.06)) / 0.24) ** 2))
    thick = np.clip(bank * (0.72 + 0.42 * drift) + 0.12, 0, 0.92)
    canvas.lay(blend(light.haze, (0.92, 0.93, 0.95), 0.45 * light.strength), thick.astype(np.float32))


def _rain(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng("rain")
    canvas.lay(blend(light.haze, (0.4, 0.45, 0.52), 0.5), np.full((canvas.height, canvas.width), 0.24, np.float32))
    layer = np.zeros((canvas.height, canvas.width), np.uint8)
    for x, y, length, bright in rng.uniform(0, 1, (900, 4)):
        reach = canvas.unit * (0.02 + 0.06 * length)
        start = (round(x * canvas.width * 1.1 * 8), round((y * 1.1 - 0.05) * canvas.height * 8))
        end = (round(start[0] - reach * 0.22 * 8), round(start[1] + reach * 8))
        cv2.line(layer, start, end, int(70 + 150 * bright), max(1, round(canvas.unit / 620)), cv2.LINE_AA, 3)
    canvas.lay((0.86, 0.9, 0.96), layer.astype(np.float32) * np.float32(0.62 / 255))


def _snowfall(canvas: Canvas) -> None:
    rng = canvas.rng("snowfall")
    for x, y, near, bright in rng.uniform(0, 1, (420, 4)):
        radius = canvas.unit * (0.0014 + 0.0062 * near**3)
        canvas.disc(
            x * canvas.width,
            y * canvas.height,
            radius,
            (1, 1, 1),
            alpha=0.35 + 0.6 * bright,
            soft=radius * (0.5 + near),
        )


def dust_snow(canvas: Canvas, top: int) -> None:
    """Whiten the picture from row `top` down, patchily: snow on a picture that had none."""
    rows = canvas.height - top
    if rows < 2:
        return
    drift = field(canvas.rng("dust"), rows, canvas.width, (9, 9), 4)
    canvas.lay((0.95, 0.96, 0.99), smoothstep(-0.9, 0.4, drift) * np.float32(0.85), top)
