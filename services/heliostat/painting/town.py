"""What people build: a skyline, houses, a lighthouse, a road, boats, hot-air balloons."""

from __future__ import annotations

import math

import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.colours import WHEEL
from heliostat.painting.light import Light
from heliostat.painting.scene import Scene


def paint_city(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Three rows of buildings on the horizon, with lit windows when the day is weak."""
    tint = scene.tints.get("city")
    local = tone(tint) if tint else (0.4, 0.43, 0.5)
    foot = canvas.height * (horizon + 0.01) if scene.shows("sea", "lake") else float(canvas.height)
    for number in range(3):
        near = number / 2
        rng = canvas.rng(f"city {number}")
        colour = blend(light.haze, light.lit(local, 0.85 - 0.45 * near), 0.42 + 0.5 * near)
        x = -canvas.unit * 0.05
        while x < canvas.width:
            wide = canvas.unit * rng.uniform(0.05, 0.12) * (1 + 0.3 * near)
            centre = 1 - abs((x + wide / 2) / canvas.width - 0.5) * 0.9
            tall = canvas.height * horizon * rng.uniform(0.2, 0.72 - 0.26 * near) * centre
            _building(
                canvas,
                light,
                rng,
                x=x,
                top=canvas.height * (horizon + 0.02 * number) - tall,
                wide=wide,
                foot=foot,
                colour=colour,
                near=near,
            )
            x += wide * rng.uniform(0.8, 1.12)


def _building(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    *,
    x: float,
    top: float,
    wide: float,
    foot: float,
    colour: Colour,
    near: float,
) -> None:
    """One building with a flat, stepped or pointed roof, a lit side and windows."""
    roof = rng.integers(4)
    if roof == 1:
        inset, rise = wide * 0.2, wide * 0.35
        canvas.polygon(_box(x + inset, top - rise, x + wide - inset, top + 2), colour)
    elif roof == 2:
        canvas.polygon([(x, top + 1), (x + wide / 2, top - wide * 0.6), (x + wide, top + 1)], colour)
    elif roof == 3:
        canvas.polygon(_box(x + wide * 0.47, top - wide * 0.8, x + wide * 0.53, top + 1), colour)
    canvas.polygon(_box(x, top, x + wide, foot), colour)
    sunny = light.sun_x * canvas.width > x + wide / 2
    edge = (x + wide * 0.7, x + wide) if sunny else (x, x + wide * 0.3)
    canvas.polygon(_box(edge[0], top, edge[1], foot), blend(colour, light.sun, 0.16))
    columns = max(2, min(6, int(wide / (canvas.unit * 0.016))))
    cell = wide / (columns + 1)
    if cell < 2.2:
        return
    glowing = 1 - light.strength
    lamp: Colour = (1.0, 0.86, 0.52)
    rows = min(60, int((foot - top) / (cell * 1.5)))
    for row in range(rows):
        for column in range(columns):
            draw = rng.uniform()
            left, upper = x + cell * (column + 0.75), top + cell * (1.5 * row + 0.9)
            pane = _box(left, upper, left + cell * 0.52, upper + cell * 0.8)
            if draw < 0.18 + 0.5 * glowing and glowing > 0.3:
                canvas.polygon(pane, lamp, alpha=0.4 + 0.55 * near)
            elif draw > 0.45:
                canvas.polygon(pane, blend(colour, light.shade, 0.45), alpha=0.55)


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def paint_road(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """A road that winds from the lower edge to the horizon, with a broken middle line."""
    rng = canvas.rng("road")
    tint = scene.tints.get("road")
    asphalt = light.lit(tone(tint) if tint else (0.36, 0.36, 0.39), 0.9)
    swing = canvas.width * rng.uniform(0.06, 0.12) * rng.choice((-1.0, 1.0))
    depth = np.linspace(0, 1, 60)
    y = canvas.height * (horizon + (1.02 - horizon) * depth**1.8)
    x = canvas.width * 0.5 + swing * np.sin(depth * math.pi * 1.6) * (0.35 + depth)
    half = canvas.width * (0.004 + 0.2 * depth**1.8)
    canvas.polygon(
        np.concatenate([np.c_[x - half * 1.12, y], np.c_[x + half * 1.12, y][::-1]]), blend(asphalt, light.sun, 0.2)
    )
    canvas.polygon(np.concatenate([np.c_[x - half, y], np.c_[x + half, y][::-1]]), asphalt)
    for first in range(4, 58, 4):
        part = slice(first, first + 3)
        thin = half[part] * 0.035 + 0.2
        dash = np.concatenate([np.c_[x[part] - thin, y[part]], np.c_[x[part] + thin, y[part]][::-1]])
        canvas.polygon(dash, light.lit((0.98, 0.95, 0.8), 1.0))


def paint_house(canvas: Canvas, light: Light, x: float, foot: float, *, wide: float, colour: Colour | None) -> None:
    """A house with a gable roof, a door, two windows and a chimney; its middle stands at (x, foot) px."""
    local = colour or (0.93, 0.88, 0.78)
    wall, tall = light.lit(local, 0.95), wide * 0.52
    roof = light.lit((0.62, 0.22, 0.16) if colour is None else blend(local, (0.1, 0.08, 0.1), 0.6), 0.9)
    glow: Colour = (1.0, 0.86, 0.5)
    glass = glow if light.strength < 0.6 else light.lit((0.55, 0.72, 0.84), 0.9)
    canvas.polygon(_box(x + wide * 0.2, foot - tall - wide * 0.42, x + wide * 0.3, foot - tall), blend(roof, wall, 0.3))
    canvas.polygon(_box(x - wide / 2, foot - tall, x + wide / 2, foot), wall)
    canvas.polygon(_box(x + wide * 0.28, foot - tall, x + wide / 2, foot), light.lit(local, 0.6), alpha=0.5)
    eaves = foot - tall
    canvas.polygon([(x - wide * 0.58, eaves + 1), (x, eaves - wide * 0.4), (x + wide * 0.58, eaves + 1)], roof)
    canvas.polygon(_box(x - wide * 0.08, foot - tall * 0.55, x + wide * 0.08, foot), light.lit((0.36, 0.22, 0.14), 0.9))
    for side in (-1, 1):
        cx, cy, half = x + side * wide * 0.29, foot - tall * 0.58, wide * 0.085
        canvas.polygon(
            _box(cx - half * 1.15, cy - half * 1.15, cx + half * 1.15, cy + half * 1.15), light.lit((1, 1, 1), 0.8)
        )
        canvas.polygon(_box(cx - half, cy - half, cx + half, cy + half), glass)
        canvas.polygon(_box(cx - half * 0.08, cy - half, cx + half * 0.08, cy + half), wall)


def paint_lighthouse(canvas: Canvas, scene: Scene, light: Light, x: float, foot: float, *, tall: float) -> None:
    """A striped lighthouse on a rock, with a beam when the day is weak."""
    tint = scene.tints.get("lighthouse")
    stripe = light.lit(tone(tint) if tint else (0.82, 0.16, 0.14), 0.95)
    white = light.lit((0.97, 0.96, 0.93), 0.95)
    rock = light.lit((0.3, 0.28, 0.28), 0.7)
    crag = [(-0.5, 0.08), (-0.28, -0.07), (0.2, -0.09), (0.52, 0.08)]
    canvas.polygon([(x + tall * dx, foot + tall * dy) for dx, dy in crag], rock)
    base, bands = foot - tall * 0.06, 6
    for band in range(bands):
        low, high = band / bands, (band + 1) / bands
        wide_low, wide_high = tall * (0.1 - 0.045 * low), tall * (0.1 - 0.045 * high)
        y_low, y_high = base - tall * 0.74 * low, base - tall * 0.74 * high
        body = [(x - wide_low, y_low), (x - wide_high, y_high), (x + wide_high, y_high), (x + wide_low, y_low)]
        canvas.polygon(body, stripe if band % 2 else white)
    lamp_y = base - tall * 0.8
    if light.strength < 0.6:
        reach = canvas.width
        for side in (-1, 1):
            beam = [(x, lamp_y), (x + side * reach, lamp_y - tall * 0.45), (x + side * reach, lamp_y + tall * 0.1)]
            canvas.polygon(beam, (1.0, 0.95, 0.75), alpha=0.13)
    canvas.polygon(_box(x - tall * 0.075, base - tall * 0.76, x + tall * 0.075, base - tall * 0.74), rock)
    canvas.polygon(_box(x - tall * 0.045, base - tall * 0.86, x + tall * 0.045, base - tall * 0.76), (1.0, 0.93, 0.62))
    canvas.polygon(
        [(x - tall * 0.06, base - tall * 0.86), (x, base - tall * 0.94), (x + tall * 0.06, base - tall * 0.86)], stripe
    )


def paint_boat(canvas: Canvas, light: Light, x: float, foot: float, *, wide: float, colour: Colour | None) -> None:
    """A sailing boat whose hull's middle lies at (x, foot) px, with its reflection below."""
    hull = light.lit(colour or (0.5, 0.24, 0.16), 0.9)
    sail = light.lit((0.98, 0.96, 0.9), 1.0)
    for mirror, alpha in ((-0.7, 0.22), (1.0, 1.0)):

        def at(dx: float, dy: float, mirror: float = mirror) -> tuple[float, float]:
            return x + dx * wide, foot - dy * wide * mirror

        canvas.polygon([at(-0.5, 0.14), at(-0.36, -0.02), at(0.34, -0.02), at(0.54, 0.16)], hull, alpha)
        canvas.polygon(
            [at(-0.02, 0.1), at(-0.02, 1.1), at(0.015, 1.1), at(0.015, 0.1)], light.lit((0.3, 0.22, 0.16)), alpha
        )
        canvas.polygon([at(0.04, 0.2), at(0.04, 1.05), at(0.5, 0.24)], sail, alpha)
        canvas.polygon([at(-0.05, 0.2), at(-0.05, 0.9), at(-0.4, 0.24)], blend(sail, light.shade, 0.18), alpha)


def paint_balloon(
    canvas: Canvas, light: Light, x: float, y: float, *, size: float, colour: Colour | None, key: str
) -> None:
    """A hot-air balloon of radius `size` px around (x, y), in gores of two colours, with a basket."""
    rng = canvas.rng(key)
    main = colour or tone(WHEEL[int(rng.integers(len(WHEEL)))])
    gores = 8
    heights = np.linspace(0, 1, 24)
    belly = np.sqrt(np.clip(1 - (heights * 2.35 - 1) ** 2, 0, 1)) * (heights < 0.43) + (heights >= 0.43) * (
        1 - 0.86 * (np.clip(heights - 0.43, 0, None) / 0.57) ** 1.5
    )
    for gore in range(gores):
        first, last = math.cos(math.pi * gore / gores), math.cos(math.pi * (gore + 1) / gores)
        left = np.c_[x + belly * size * min(first, last), y - size + heights * size * 2.35]
        right = np.c_[x + belly * size * max(first, last), y - size + heights * size * 2.35]
        local = main if gore % 2 else blend(main, (1.0, 0.97, 0.88), 0.75)
        shine = 0.72 + 0.28 * math.sin(math.pi * (gore + 0.5) / gores)
        canvas.polygon(np.concatenate([left, right[::-1]]), light.lit(local, shine))
    basket_y = y + size * 1.62
    for side in (-1, 1):
        rope = [
            (x + side * size * 0.14, y + size * 1.34),
            (x + side * size * 0.12, basket_y),
            (x + side * size * 0.1, basket_y),
        ]
        canvas.polygon(rope, light.lit((0.25, 0.2, 0.16)))
    canvas.polygon(_box(x - size * 0.13, basket_y, x + size * 0.13, basket_y + size * 0.2), light.lit((0.5, 0.34, 0.2)))
