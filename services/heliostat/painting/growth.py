"""What grows: forests, single trees, pines, palms, flowers."""

from __future__ import annotations

import math

import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.colours import WHEEL
from heliostat.painting.light import Light
from heliostat.painting.noise import Plane, field, line
from heliostat.painting.scene import Scene

_LEAF: Colour = (0.16, 0.4, 0.17)
_PINE: Colour = (0.09, 0.29, 0.17)
_BARK: Colour = (0.3, 0.2, 0.13)


def paint_forest(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Rows of conifers, the nearer the taller and darker, down to the lower edge or the water."""
    tint = scene.tints.get("forest")
    local = tone(tint) if tint else (0.1, 0.36, 0.16)
    alone = not scene.shows("sea", "lake", "beach", "field", "house", "road", "city", "snow", "flowers")
    rows = 5 if alone else 3
    for number in range(rows):
        near = number / (rows - 1)
        rng = canvas.rng(f"forest {number}")
        foot = canvas.height * (horizon + (0.34 * near**1.4 if alone else 0.035 * near))
        tall = canvas.height * (0.085 + (0.3 * near**1.6 if alone else 0.06 * near))
        outline = foot - _treeline(rng, canvas.width, tall)
        lit = light.lit(local, 0.95 - 0.72 * near)
        colour = blend(light.haze, lit, 0.4 + 0.6 * near**0.6)
        _stand(canvas, light, rng, outline, foot=foot, colour=colour, to_bottom=alone)


def paint_foreground(canvas: Canvas, light: Light) -> None:
    """Two dark rows of conifers along the lower edge: something near, so that the far looks far."""
    for number, (foot, tall) in enumerate(((1.0, 0.17), (1.1, 0.32))):
        rng = canvas.rng(f"foreground {number}")
        swell = canvas.height * 0.05 * line(rng, canvas.width, 1.6, 2)
        outline = canvas.height * foot + swell - _treeline(rng, canvas.width, canvas.height * tall)
        # Near conifers are hardly more than their outline: the dark of the hour, with a rest of green.
        dark = blend(light.lit((0.1, 0.26, 0.16), 0.3), light.lit((0.06, 0.06, 0.1), 0.0), 0.35 + 0.4 * number)
        colour = blend(dark, light.haze, 0.1 - 0.1 * number)
        _stand(canvas, light, rng, outline, foot=float(canvas.height), colour=colour, to_bottom=True)


def _treeline(rng: np.random.Generator, width: int, tall: float) -> Plane:
    """Heights (px) of a row of conifers per column: ragged triangles, the highest wins."""
    heights = np.full(width, tall * 0.22, np.float32)
    spacing = max(2.0, tall * 0.2)
    count = math.ceil(width / spacing) + 4
    sway = line(rng, count, max(2.0, count / 14), 3)
    for index in range(count):
        centre = (index - 1 + rng.uniform(-0.45, 0.45)) * spacing
        height = tall * float(np.clip(0.68 + 0.24 * sway[index] + rng.uniform(-0.16, 0.16), 0.3, 1.1))
        half = height * rng.uniform(0.17, 0.24)
        first, last = max(0, int(centre - half)), min(width, int(centre + half) + 2)
        if last <= first:
            continue
        share = np.abs(np.arange(first, last, dtype=np.float32) - np.float32(centre)) / np.float32(half)
        # Branches: the flank is a stair of short boughs instead of a straight line.
        stairs = 8
        step = np.floor(share * stairs + np.float32(rng.uniform(0, 0.6))) / stairs
        body = 1 - (0.8 * step + 0.2 * share) - 0.16 * ((share * stairs) % 1) * (share > 0.12)
        heights[first:last] = np.maximum(heights[first:last], height * np.clip(body, 0, 1))
    return heights


def _stand(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    outline: Plane,
    *,
    foot: float,
    colour: Colour,
    to_bottom: bool,
) -> None:
    top = max(0, int(outline.min()) - 1)
    bottom = canvas.height if to_bottom else min(canvas.height, int(foot) + 1)
    if bottom <= top:
        return
    rows = bottom - top
    below = np.arange(top, bottom, dtype=np.float32)[:, None] - outline[None, :]
    alpha = np.clip(below + np.float32(0.5), 0, 1)
    grain = field(rng, rows, canvas.width, (28, 50), 3, rough=0.8)
    shade = np.clip(0.5 + 0.34 * grain - below / np.float32(canvas.height * 0.5), 0, 1)
    bright, dark = blend(colour, light.sun, 0.15), blend(colour, light.shade, 0.35)
    canvas.lay(
        np.stack([shade * np.float32(a - b) + np.float32(b) for a, b in zip(bright, dark, strict=True)]), alpha, top
    )


def paint_tree(canvas: Canvas, light: Light, x: float, foot: float, *, tall: float, colour: Colour, key: str) -> None:
    """A broad-leaved tree standing at (x, foot) px, `tall` px high: trunk, then leaf clusters from shade to light."""
    rng = canvas.rng(key)
    bark = light.lit(_BARK, 0.7)
    thick = tall * 0.05
    canvas.polygon(
        [
            (x - thick, foot),
            (x - thick * 0.55, foot - tall * 0.5),
            (x + thick * 0.55, foot - tall * 0.5),
            (x + thick, foot),
        ],
        bark,
    )
    clusters = 46
    for index in range(clusters):
        share = index / clusters
        angle, reach = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform(0, 1))
        cx = x + math.cos(angle) * reach * tall * 0.3
        cy = foot - tall * 0.64 + math.sin(angle) * reach * tall * 0.27 - share * tall * 0.05
        high = 0.5 + (foot - tall * 0.64 - cy) / (tall * 0.6)
        side = 0.5 + (cx - x) / (tall * 0.6) * (1 if light.sun_x * canvas.width > x else -1)
        shine = max(0.0, min(1.0, 0.55 * high + 0.45 * side)) * (0.35 + 0.65 * share)
        leaf = light.lit(colour, 0.35 + 0.65 * shine)
        leaf = blend(leaf, light.sun, 0.22 * shine)
        canvas.disc(cx, cy, tall * rng.uniform(0.05, 0.1), leaf, alpha=0.95, soft=max(1.0, tall * 0.012))


def paint_pine(canvas: Canvas, light: Light, x: float, foot: float, *, tall: float, colour: Colour, key: str) -> None:
    """A conifer standing at (x, foot) px, `tall` px high, in tiers of boughs."""
    rng = canvas.rng(key)
    canvas.polygon(
        [(x - tall * 0.025, foot), (x - tall * 0.02, foot - tall * 0.2), (x + tall * 0.02, foot - tall * 0.2),
         (x + tall * 0.025, foot)],
        light.lit(_BARK, 0.6),
    )  # fmt: skip
    tiers = 7
    for tier in range(tiers):
        share = tier / (tiers - 1)
        base = foot - tall * (0.12 + 0.72 * share)
        half = tall * (0.24 - 0.19 * share) * rng.uniform(0.92, 1.08)
        peak = base - tall * (0.26 - 0.1 * share)
        leaf = light.lit(colour, 0.55 + 0.35 * share)
        canvas.polygon([(x - half, base), (x - half * 0.35, base - tall * 0.035), (x, peak), (x, base)], leaf)
        canvas.polygon(
            [(x, base), (x, peak), (x + half * 0.35, base - tall * 0.035), (x + half, base)],
            blend(leaf, light.shade, 0.25),
        )


def paint_palm(canvas: Canvas, light: Light, x: float, foot: float, *, tall: float, colour: Colour, key: str) -> None:
    """A palm standing at (x, foot) px, `tall` px high, leaning, with a crown of hanging fronds."""
    rng = canvas.rng(key)
    lean = tall * rng.uniform(-0.22, 0.22)
    steps = np.linspace(0, 1, 12)
    middle = [(x + lean * s * s, foot - tall * 0.8 * s) for s in steps]
    wide = [tall * (0.028 - 0.014 * s) for s in steps]
    left = [(a - w, b) for (a, b), w in zip(middle, wide, strict=True)]
    right = [(a + w, b) for (a, b), w in zip(middle, wide, strict=True)]
    canvas.polygon(left + right[::-1], light.lit((0.42, 0.3, 0.2), 0.7))
    top_x, top_y = middle[-1]
    for index in range(9):
        angle = math.pi * (0.02 + 0.96 * index / 8) + rng.uniform(-0.1, 0.1)
        reach = tall * rng.uniform(0.3, 0.4)
        spine = [
            (top_x + math.cos(angle) * reach * s, top_y - math.sin(angle) * reach * 0.85 * s + reach * 0.62 * s * s)
            for s in steps
        ]
        wide = [tall * 0.05 * math.sin(math.pi * min(1.0, s * 0.92 + 0.06)) for s in steps]
        upper = [(a, b - w) for (a, b), w in zip(spine, wide, strict=True)]
        lower = [(a, b + w * 0.5) for (a, b), w in zip(spine, wide, strict=True)]
        canvas.polygon(upper + lower[::-1], light.lit(colour, 0.6 + 0.4 * rng.uniform()))


def paint_flowers(canvas: Canvas, scene: Scene, light: Light, start: float) -> None:
    """A bed of flowers from `start` (share of the height) down, small far away and large in front."""
    rng = canvas.rng("flowers")
    tint = scene.tints.get("flowers")
    asked = scene.counts.get("flowers", 0)
    count = asked if 0 < asked <= 12 else 170
    for index in range(count):
        near = (index + 1) / count if count > 20 else rng.uniform(0.45, 0.8)
        x = canvas.width * ((index + 0.5) / count if count <= 20 else rng.uniform(-0.02, 1.02))
        y = canvas.height * (start + (1.02 - start) * near**1.5)
        size = canvas.unit * (0.006 + 0.03 * near**2) if count > 20 else canvas.unit * 0.05
        local = tone(tint) if tint else tone(WHEEL[int(rng.integers(len(WHEEL)))])
        petal = light.lit(local, 1.0)
        stem = light.lit((0.25, 0.45, 0.15), 0.8)
        canvas.polygon(
            [
                (x - size * 0.12, y),
                (x + size * 0.12, y),
                (x + size * 0.3, y + size * 3),
                (x + size * 0.1, y + size * 3),
            ],
            stem,
        )
        if size < 3:
            canvas.disc(x, y, size, petal, soft=1.0)
            continue
        turn = rng.uniform(0, 1)
        for petal_number in range(6):
            angle = 2 * math.pi * (petal_number + turn) / 6
            canvas.disc(
                x + math.cos(angle) * size * 0.62,
                y + math.sin(angle) * size * 0.55,
                size * 0.46,
                blend(petal, (1, 1, 1), 0.12 if petal_number % 2 else 0.0),
            )
        canvas.disc(x, y, size * 0.34, light.lit((0.98, 0.8, 0.2), 1.0))


def leaf_colour(scene: Scene, feature: str) -> Colour:
    """The leaves' own colour for `tree`, `pine` or `palm`: asked for, else natural."""
    tint = scene.tints.get(feature)
    return tone(tint) if tint else (_PINE if feature == "pine" else _LEAF)
