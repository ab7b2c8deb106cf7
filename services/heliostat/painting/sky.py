"""The sky: gradient, sun and moon with their glow, stars, clouds, aurora, rainbow, lightning."""

from __future__ import annotations

import cv2
import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.light import Light
from heliostat.painting.noise import Plane, field, smoothstep
from heliostat.painting.scene import Scene


def paint_sky(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Paint the whole sky down to `horizon` (share of the height), and its last colour below."""
    _gradient(canvas, light, horizon)
    if scene.hour == "night" or scene.shows("stars"):
        _stars(canvas, horizon, rich=scene.shows("stars"))
    if scene.shows("aurora"):
        _aurora(canvas, scene, horizon)
    moon = scene.shows("moon") or (scene.hour == "night" and not scene.shows("stars", "aurora", "overcast"))
    if scene.hour == "night" and not moon:
        pass
    elif moon:
        _moon(canvas, scene, light)
    elif scene.shows("sun") or (scene.hour in ("sunset", "dawn") and not scene.shows("overcast")):
        _sun(canvas, scene, light)
    if scene.shows("overcast"):
        _clouds(canvas, light, horizon, amount=0.95)
    elif scene.shows("clouds") or scene.hour in ("sunset", "dawn", "noon", "dusk"):
        _clouds(canvas, light, horizon, amount=0.62 if scene.shows("clouds") else 0.36)
    if scene.shows("rainbow"):
        _rainbow(canvas, horizon)
    if scene.shows("lightning"):
        _lightning(canvas, horizon)
    # The sky is what a transparent picture leaves out, all but sun, moon and stars.
    if canvas.cover is not None:
        canvas.cover[:] = 0


def _gradient(canvas: Canvas, light: Light, horizon: float) -> None:
    positions = [position for position, _ in light.sky]
    heights = np.linspace(0, 1 / max(horizon, 0.05), canvas.height)
    for plane in range(3):
        column = np.interp(heights, positions, [colour[plane] for _, colour in light.sky])
        canvas.pixels[plane] = column.astype(np.float32)[:, None]


def _distance(canvas: Canvas, x: float, y: float, widen: float = 1.0, step: int = 4) -> Plane:
    """Distance from (x, y) px in units, at a quarter of the resolution; `widen` stretches it sideways."""
    down = (np.arange(0, canvas.height, step, dtype=np.float32) - np.float32(y)) / np.float32(canvas.unit)
    across = (np.arange(0, canvas.width, step, dtype=np.float32) - np.float32(x)) / np.float32(canvas.unit * widen)
    return np.sqrt(down[:, None] ** 2 + across[None, :] ** 2)


def _stretched(canvas: Canvas, small: Plane) -> Plane:
    return np.asarray(
        cv2.resize(small, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR), dtype=np.float32
    )


def _sun(canvas: Canvas, scene: Scene, light: Light) -> None:
    x, y = light.sun_x * canvas.width, light.sun_y * canvas.height
    tint = scene.tints.get("sun")
    colour = blend(light.sun, tone(tint), 0.8) if tint else light.sun
    distance = _distance(canvas, x, y, 1.5)
    low = 1 - light.strength
    glow = 0.34 * np.exp(-distance / 0.5) + 0.5 * np.exp(-((distance / 0.17) ** 2))
    canvas.shine(blend(colour, (1.0, 0.62, 0.3), 0.5 * low), _stretched(canvas, glow.astype(np.float32)))
    radius = canvas.unit * (0.075 if light.strength < 0.9 else 0.055)
    canvas.disc(x, y, radius, blend(colour, (1, 1, 1), 0.35 if not tint else 0.05), soft=max(1.2, radius * 0.06))


def _moon(canvas: Canvas, scene: Scene, light: Light) -> None:
    x, y = light.sun_x * canvas.width, light.sun_y * canvas.height * (0.8 if scene.hour != "night" else 1)
    tint = scene.tints.get("moon")
    colour: Colour = tone(tint) if tint else (0.95, 0.95, 0.9)
    distance = _distance(canvas, x, y)
    glow = 0.28 * np.exp(-distance / 0.22) + 0.22 * np.exp(-((distance / 0.11) ** 2))
    canvas.shine(blend(colour, (0.7, 0.8, 1.0), 0.5), _stretched(canvas, glow.astype(np.float32)))
    radius = canvas.unit * 0.068
    canvas.disc(x, y, radius, colour, soft=max(1.2, radius * 0.05))
    rng = canvas.rng("moon")
    for _ in range(7):
        angle, reach, size = rng.uniform(0, 6.28), rng.uniform(0, 0.62), rng.uniform(0.1, 0.28)
        canvas.disc(
            x + np.cos(angle) * reach * radius,
            y + np.sin(angle) * reach * radius,
            radius * size,
            blend(colour, (0.5, 0.53, 0.6), 0.55),
            alpha=0.4,
            soft=radius * size * 0.9,
        )


def _stars(canvas: Canvas, horizon: float, *, rich: bool) -> None:
    rng = canvas.rng("stars")
    count = 620 if rich else 260
    band = field(rng, 64, 64, (2.5, 2.5), 3)
    size = max(0.45, canvas.unit / 1100)
    if rich:
        milky = smoothstep(
            0.0, 0.9, 1 - np.abs(field(rng, canvas.height, canvas.width, (1.2, 1.6), 5, rough=0.6)) * np.float32(2.2)
        )
        canvas.shine((0.55, 0.6, 0.9), milky * np.float32(0.16))
    for x, y, glance, hue in rng.uniform(0, 1, (count, 4)):
        if y > horizon * 0.98 or (not rich and band[int(y * 63), int(x * 63)] < -0.35):
            continue
        radius = size * (0.55 + 1.5 * glance**6)
        colour = blend((1.0, 0.92, 0.8), (0.8, 0.88, 1.0), hue)
        fade = (0.25 + 0.75 * glance) * (1 - 0.7 * (y / horizon) ** 3)
        canvas.disc(x * canvas.width, y * canvas.height, radius, colour, alpha=float(fade), soft=size * 1.3)


def _clouds(canvas: Canvas, light: Light, horizon: float, amount: float) -> None:
    rows = max(2, int(canvas.height * min(1.0, horizon + 0.02)))
    rng = canvas.rng("clouds")
    aspect = canvas.width / canvas.height
    low_sun = light.sun_height < 0.3
    cells = (5.5, 1.8 * aspect) if low_sun else (3.4, 2.2 * aspect)
    shrink = max(1, max(rows, canvas.width) // 420)
    small = (max(2, rows // shrink), max(2, canvas.width // shrink))
    body = field(rng, *small, cells, 6, rough=0.53)
    height = np.linspace(0, 1, small[0], dtype=np.float32)[:, None]
    threshold = 0.62 - amount * 1.05
    envelope = smoothstep(0.0, 0.22, height) * (1 - 0.5 * smoothstep(0.72, 1.0, height)) if amount < 0.9 else 1.0
    alpha = smoothstep(threshold, threshold + 0.62, body) * envelope
    # Light comes from the sun's side: where the cloud gets thinner in that direction, it is lit.
    lift = max(1, small[0] // 28)
    edge = np.repeat(body[-1:] if low_sun else body[:1], lift, axis=0)
    towards = np.concatenate([body[lift:], edge] if low_sun else [edge, body[:-lift]])
    lit = np.clip(0.5 + (body - towards) * 1.15, 0, 1)
    bright = (
        blend(light.sun, light.haze, 0.45)
        if low_sun
        else blend(light.lit((1.0, 1.0, 1.0)), light.sun, 0.3 * light.strength)
    )
    if low_sun:
        dark = blend(light.sky[1][1], light.sky[min(2, len(light.sky) - 1)][1], 0.45)
    else:
        dark = blend(light.lit((0.62, 0.67, 0.74), 0.9), light.haze, 0.3 * light.strength)
    full = (canvas.width, rows)
    opacity = cv2.resize((alpha * np.float32(0.9)).astype(np.float32), full, interpolation=cv2.INTER_CUBIC)
    shine = cv2.resize(lit.astype(np.float32), full, interpolation=cv2.INTER_CUBIC)
    colour = np.stack([shine * np.float32(b - d) + np.float32(d) for b, d in zip(bright, dark, strict=True)])
    canvas.lay(colour, np.clip(opacity, 0, 1))


def _aurora(canvas: Canvas, scene: Scene, horizon: float) -> None:
    rng = canvas.rng("aurora")
    tint = scene.tints.get("aurora")
    colours: tuple[Colour, ...] = (tone(tint), tone(tint)) if tint else ((0.25, 1.0, 0.6), (0.6, 0.35, 1.0))
    rows, columns = 160, 240
    down = np.linspace(0, 1 / horizon, rows, dtype=np.float32)[:, None]
    for colour in colours:
        foot = 0.62 + 0.2 * field(rng, 1, columns, (1, 2.5), 3)[0]
        rays = 0.55 + 0.45 * field(rng, 1, columns, (1, 26), 3)[0]
        rise = (foot - down) / 0.42
        curtain = np.exp(-np.clip(rise, 0, None) * 1.7) * smoothstep(-0.1, 0.06, rise)
        canvas.shine(colour, _stretched(canvas, (curtain * rays * np.float32(0.72)).astype(np.float32)))


def _rainbow(canvas: Canvas, horizon: float) -> None:
    distance = _distance(canvas, canvas.width * 0.5, canvas.height * horizon * 1.15, 1.25, step=2)
    bows = ((0.66, "red"), (0.645, "orange"), (0.63, "yellow"), (0.615, "green"), (0.6, "blue"), (0.585, "violet"))
    hues: dict[str, Colour] = {
        "red": (0.95, 0.2, 0.2),
        "orange": (1.0, 0.6, 0.2),
        "yellow": (1.0, 0.95, 0.3),
        "green": (0.3, 0.85, 0.4),
        "blue": (0.25, 0.5, 1.0),
        "violet": (0.6, 0.35, 0.9),
    }
    for radius, hue in bows:
        ring = np.exp(-(((distance - radius) / 0.0105) ** 2)) * 0.62
        canvas.lay(hues[hue], _stretched(canvas, ring.astype(np.float32)))


def _lightning(canvas: Canvas, horizon: float) -> None:
    rng = canvas.rng("lightning")
    x, y = canvas.width * rng.uniform(0.25, 0.75), 0.0
    step = canvas.height * horizon / 14
    points = [(x, y)]
    while y < canvas.height * horizon:
        x, y = x + rng.uniform(-1, 1) * step, y + step * rng.uniform(0.6, 1.3)
        points.append((x, y))
    layer = np.zeros((canvas.height, canvas.width), np.uint8)
    bolt = np.round(np.asarray(points)).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(layer, [bolt], False, 255, max(1, round(canvas.unit / 160)), cv2.LINE_AA)
    strike = layer.astype(np.float32) / np.float32(255)
    halo = cv2.GaussianBlur(strike, (0, 0), max(1.0, canvas.unit / 60))
    canvas.shine((0.75, 0.8, 1.0), np.clip(halo * 4, 0, 0.7))
    canvas.lay((0.97, 0.97, 1.0), strike)


def add_lights(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> bool:
    """Paint the sky's named things on a picture that has its own sky. Returns whether there were any."""
    if scene.shows("stars"):
        _stars(canvas, horizon * 0.8, rich=False)
    if scene.shows("aurora"):
        _aurora(canvas, scene, horizon)
    if scene.shows("moon"):
        _moon(canvas, scene, light)
    if scene.shows("sun"):
        _sun(canvas, scene, light)
    if scene.shows("clouds", "overcast"):
        _clouds(canvas, light, horizon, amount=0.62)
    if scene.shows("rainbow"):
        _rainbow(canvas, horizon)
    if scene.shows("lightning"):
        _lightning(canvas, horizon)
    return scene.shows("stars", "aurora", "moon", "sun", "clouds", "overcast", "rainbow", "lightning")
