"""The land: mountains in ridges, hills, dunes, fields, snow, and the shore."""

from __future__ import annotations

import numpy as np
from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.light import Light
from heliostat.painting.noise import Plane, field, line, ridge, smoothstep
from heliostat.painting.scene import Scene

_GREEN: Colour = (0.34, 0.52, 0.22)
_SAND: Colour = (0.9, 0.72, 0.46)
_SNOW: Colour = (0.93, 0.95, 0.99)
_ROCK: Colour = (0.4, 0.4, 0.46)


def paint_mountains(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """Ridges one before the other, each nearer one darker and less hazy."""
    aspect = canvas.width / canvas.height
    tint = scene.tints.get("mountains")
    rock = tone(tint) if tint else _ROCK
    snowy = scene.shows("snow") or (scene.hour in ("noon", "dawn") and not scene.shows("desert"))
    ridges = 4 if not scene.shows("sea", "lake", "beach") else 3
    for number in range(ridges):
        near = number / (ridges - 1)
        rng = canvas.rng(f"ridge {number}")
        outline = ridge(rng, canvas.width, (1.5 + 0.9 * number) * max(aspect, 0.7))
        outline = (outline - outline.min()) / max(float(np.ptp(outline)), 1e-6)
        envelope = 0.78 + 0.22 * line(rng, canvas.width, 1.4, 2)
        height = canvas.height * horizon * (0.56 - 0.3 * near) * (0.22 + 0.78 * outline) * envelope
        foot = canvas.height * (horizon + (0.0 if ridges == 3 else 0.13 * near**1.3))
        lit = light.lit(rock, 0.9 - 0.55 * near)
        colour = blend(light.haze, lit, 0.3 + 0.62 * near)
        cap = 0.75 - 0.35 * near if snowy and number < 3 else 0.0
        _ridge(canvas, light, rng, foot - height, foot, colour, mist=0.75 - 0.5 * near, cap=cap)


def _ridge(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    outline: Plane,
    foot: float,
    colour: Colour,
    mist: float,
    cap: float,
) -> None:
    """One ridge below `outline` (y px per column), with lit and shaded flanks and mist towards `foot`."""
    top = max(0, int(outline.min()) - 1)
    rows = canvas.height - top
    if rows <= 0:
        return
    below = np.arange(top, canvas.height, dtype=np.float32)[:, None] - outline[None, :]
    alpha = np.clip(below + np.float32(0.5), 0, 1)
    aspect = canvas.width / canvas.height
    gullies = np.abs(field(rng, rows, canvas.width, (3, 7 * aspect), 5, 0.62))
    slope = np.gradient(outline.astype(np.float64), 1)
    smooth = max(3, canvas.width // 40)
    slope = np.convolve(slope, np.ones(smooth) / smooth, mode="same").astype(np.float32)
    side = np.float32(1 if light.sun_x > 0.5 else -1)
    flank = np.clip(0.5 + side * slope[None, :] * 0.42 + (gullies - np.float32(0.34)) * 1.1, 0, 1)
    depth = below / np.float32(canvas.height * 0.34)
    haze = np.clip(depth, 0, 1) ** np.float32(1.15) * np.float32(mist)
    bright = blend(colour, blend(light.sun, light.ambient, 0.5), 0.2)
    dark = blend(colour, light.shade, 0.34)
    snow = None
    if cap > 0:
        line_of_snow = below / np.float32(canvas.height) + (gullies - np.float32(0.35)) * np.float32(0.16)
        snow = (1 - smoothstep(0.02 + 0.1 * cap, 0.055 + 0.13 * cap, line_of_snow)) * np.float32(0.88)
    snow_lit, snow_dark = light.lit(_SNOW, 1.0), blend(light.lit(_SNOW, 0.45), light.haze, 0.3)
    planes = np.empty((3, rows, canvas.width), np.float32)
    for plane in range(3):
        layer = flank * np.float32(bright[plane] - dark[plane]) + np.float32(dark[plane])
        if snow is not None:
            cover = flank * np.float32(snow_lit[plane] - snow_dark[plane]) + np.float32(snow_dark[plane])
            layer += (cover - layer) * snow
        layer += (np.float32(light.haze[plane]) - layer) * haze
        planes[plane] = layer
    canvas.lay(planes, alpha, top)


def paint_ground(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """What lies in front: desert, snow, field or hills, down to the lower edge."""
    tint = next((scene.tints[name] for name in ("field", "hills", "desert") if name in scene.tints), None)
    if scene.shows("desert"):
        local, folds, rough = _SAND, 4, 0.34
    elif scene.shows("snow"):
        local, folds, rough = _SNOW, 3, 0.4
    else:
        local, folds, rough = _GREEN, 4, 0.5
    if tint:
        local = tone(tint)
    for number in range(folds):
        near = number / (folds - 1)
        rng = canvas.rng(f"fold {number}")
        swing = canvas.height * (0.03 + 0.045 * near) * (1.4 if scene.shows("desert", "hills") else 0.7)
        crest = canvas.height * (horizon + (1 - horizon) * 0.66 * near**1.25)
        outline = crest + swing * line(rng, canvas.width, 1.6 + near, 3, rough)
        lit = light.lit(local, 0.95 - 0.28 * near)
        colour = blend(light.haze, lit, 0.5 + 0.5 * near)
        _fold(canvas, light, rng, outline, colour, grassy=local == _GREEN or scene.shows("field"))


def _fold(
    canvas: Canvas, light: Light, rng: np.random.Generator, outline: Plane, colour: Colour, *, grassy: bool
) -> None:
    """One fold of the ground below `outline`, brightest along its crest."""
    top = max(0, int(outline.min()) - 1)
    rows = canvas.height - top
    if rows <= 0:
        return
    below = np.arange(top, canvas.height, dtype=np.float32)[:, None] - outline[None, :]
    alpha = np.clip(below + np.float32(0.5), 0, 1)
    aspect = canvas.width / canvas.height
    grain = field(rng, rows, canvas.width, (34, 22 * aspect) if grassy else (16, 4 * aspect), 4, 0.75)
    crest = np.exp(-np.clip(below, 0, None) / np.float32(canvas.height * 0.12))
    bright = np.clip(0.32 + 0.5 * crest + 0.3 * grain, 0, 1)
    light_side = blend(colour, light.sun, 0.26)
    dark_side = blend(colour, light.shade, 0.42)
    planes = np.stack([bright * np.float32(a - b) + np.float32(b) for a, b in zip(light_side, dark_side, strict=True)])
    canvas.lay(planes, alpha, top)


def paint_shore(canvas: Canvas, scene: Scene, light: Light, start: float) -> None:
    """A beach that sweeps in from below `start` (share of the height), with a line of foam."""
    rng = canvas.rng("shore")
    lean = np.linspace(-0.5, 0.5, canvas.width, dtype=np.float32) * np.float32(rng.choice((-1.0, 1.0)))
    outline = canvas.height * (start + 0.1 * lean + 0.014 * line(rng, canvas.width, 3, 3))
    tint = scene.tints.get("beach")
    sand = light.lit(tone(tint) if tint else (0.95, 0.83, 0.62), 0.9)
    _fold(canvas, light, rng, outline, sand, grassy=False)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None]
    for shift, strength in ((0.0, 0.85), (-0.016, 0.4)):
        wave = outline + canvas.height * (shift + 0.004 * line(rng, canvas.width, 30, 2))
        foam = np.exp(-(((rows - wave[None, :]) / np.float32(canvas.height * 0.0055)) ** 2))
        canvas.lay(light.lit((1.0, 1.0, 1.0), 0.9), foam * np.float32(strength))
