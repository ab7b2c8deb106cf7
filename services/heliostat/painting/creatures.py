"""Birds in the sky and a cat on the ground."""

from __future__ import annotations

import math

import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.light import Light
from heliostat.painting.scene import Scene


def paint_birds(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Birds with spread wings, as many as asked for (at most 40), in the upper sky."""
    rng = canvas.rng("birds")
    tint = scene.tints.get("bird")
    colour = tone(tint) if tint else blend(light.shade, (0.1, 0.1, 0.14), 0.6)
    for _ in range(min(40, scene.count_of("bird", 1))):
        size = canvas.unit * rng.uniform(0.022, 0.05)
        x = canvas.width * rng.uniform(0.15, 0.85)
        y = canvas.height * horizon * rng.uniform(0.15, 0.6)
        lift, tilt = rng.uniform(0.25, 0.6), rng.uniform(-0.2, 0.2)
        share = np.linspace(-1, 1, 25)
        arch = np.abs(np.sin(share * math.pi)) * lift + np.abs(share) * 0.12
        rise = y - size * (arch + share * tilt)
        thick = size * 0.13 * (1 - np.abs(share)) + 0.4
        wing = np.c_[x + share * size, rise - thick]
        canvas.polygon(np.concatenate([wing, np.c_[x + share * size, rise + thick][::-1]]), colour)


def paint_cat(canvas: Canvas, light: Light, x: float, foot: float, *, tall: float, colour: Colour | None) -> None:
    """A sitting cat that looks at you; `tall` px from paws at (x, foot) to the tips of its ears."""
    fur = light.lit(colour or (0.85, 0.55, 0.28), 0.95)
    dark, pale = blend(fur, light.shade, 0.35), blend(fur, (1, 1, 1), 0.6)
    turn = np.linspace(0, 2 * math.pi, 48, endpoint=False)

    def oval(cx: float, cy: float, rx: float, ry: float, tint: Colour, *, alpha: float = 1) -> None:
        canvas.polygon(np.c_[x + (cx + rx * np.cos(turn)) * tall, foot - (cy + ry * np.sin(turn)) * tall], tint, alpha)

    def spot(*points: tuple[float, float], tint: Colour) -> None:
        canvas.polygon([(x + px * tall, foot - py * tall) for px, py in points], tint)

    oval(0.0, 0.0, 0.42, 0.035, light.shade, alpha=0.35)
    bend = np.linspace(0, 1, 16)
    tail_x, tail_y = 0.2 + 0.24 * np.sin(bend * 2.2), 0.05 + 0.34 * bend**1.4
    wide = 0.045 * (1 - 0.45 * bend)
    tail = np.concatenate([np.c_[tail_x - wide, tail_y], np.c_[tail_x + wide, tail_y + 0.02][::-1]])
    canvas.polygon(np.c_[x + tail[:, 0] * tall, foot - tail[:, 1] * tall], dark)
    oval(0.0, 0.22, 0.26, 0.24, fur)
    oval(0.0, 0.36, 0.19, 0.22, fur)
    oval(0.0, 0.3, 0.1, 0.17, pale)
    for side in (-1, 1):
        oval(side * 0.09, 0.035, 0.085, 0.04, blend(fur, pale, 0.35))
        spot((side * 0.21, 0.66), (side * 0.2, 0.97), (side * 0.035, 0.82), tint=fur)
        spot((side * 0.185, 0.7), (side * 0.18, 0.9), (side * 0.075, 0.8), tint=blend(fur, (0.95, 0.55, 0.55), 0.5))
    oval(0.0, 0.66, 0.23, 0.19, fur)
    for stripe in (-0.06, 0.0, 0.06):
        spot((stripe - 0.014, 0.84), (stripe + 0.014, 0.84), (stripe, 0.755), tint=dark)
    oval(0.0, 0.59, 0.1, 0.065, pale)
    for side in (-1, 1):
        oval(side * 0.095, 0.675, 0.05, 0.052, (0.95, 0.97, 0.8))
        oval(side * 0.095, 0.675, 0.042, 0.046, (0.35, 0.68, 0.32))
        oval(side * 0.095, 0.675, 0.017, 0.042, (0.03, 0.03, 0.03))
        oval(side * 0.095 + 0.014, 0.695, 0.011, 0.012, (1, 1, 1))
        for rise in (-0.03, 0.0, 0.03):
            spot((side * 0.09, 0.585), (side * 0.3, 0.59 + rise * 1.6), (side * 0.3, 0.594 + rise * 1.6), tint=pale)
    spot((-0.026, 0.63), (0.026, 0.63), (0.0, 0.6), tint=(0.9, 0.45, 0.45))
