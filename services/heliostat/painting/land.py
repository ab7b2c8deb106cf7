"""The land: mountains in ridges, hills, dunes, fields, snow, and the shore."""

from __future__ import annotations

import cv2
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
    ridges = 5 if not scene.shows("sea", "lake", "beach") else 3
    for number in range(ridges):
        near = number / (ridges - 1)
        rng = canvas.rng(f"ridge {number}")
        outline = ridge(rng, canvas.width, (1.7 + 0.8 * number) * max(aspect, 0.7))
        outline = (outline - outline.min()) / max(float(np.ptp(outline)), 1e-6)
        envelope = 0.78 + 0.22 * line(rng, canvas.width, 1.4, 2)
        height = canvas.height * horizon * (0.47 - 0.2 * near) * (0.2 + 0.8 * outline) * envelope
        foot = canvas.height * (horizon + (0.0 if ridges == 3 else 0.22 * near**1.25))
        lit = light.lit(rock, 0.9 - 0.6 * near)
        colour = blend(light.haze, lit, 0.34 + 0.62 * near**0.8)
        cap = 0.75 - 0.35 * near if snowy and number < ridges - 2 else 0.0
        _ridge(canvas, light, rng, foot - height, colour=colour, mist=0.72 - 0.6 * near**1.5, cap=cap)


def _ridge(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    outline: Plane,
    *,
    colour: Colour,
    mist: float,
    cap: float,
) -> None:
    """One ridge below `outline` (y px per column), with lit and shaded flanks and mist towards its foot."""
    top = max(0, int(outline.min()) - 1)
    rows = canvas.height - top
    if rows <= 0:
        return
    below = np.arange(top, canvas.height, dtype=np.float32)[:, None] - outline[None, :]
    alpha = np.clip(below + np.float32(0.5), 0, 1)
    aspect = canvas.width / canvas.height
    gullies = np.abs(field(rng, rows, canvas.width, (5, 9 * aspect), 6, rough=0.66, detail_px=640))
    flank = _flank(canvas, light, rng, outline, below=below, gullies=gullies)
    depth = below / np.float32(canvas.height * 0.34)
    haze = np.clip(depth, 0, 1) ** np.float32(1.15) * np.float32(mist)
    bright = blend(colour, blend(light.sun, light.ambient, 0.5), 0.2)
    dark = blend(colour, light.shade, 0.34)
    snow = None
    if cap > 0:
        line_of_snow = below / np.float32(canvas.height) + (gullies - np.float32(0.35)) * np.float32(0.22)
        snow = (1 - smoothstep(0.0 + 0.07 * cap, 0.03 + 0.11 * cap, line_of_snow)) * np.float32(0.88)
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


def _flank(
    canvas: Canvas, light: Light, rng: np.random.Generator, outline: Plane, *, below: Plane, gullies: Plane
) -> Plane:
    """How much light falls on each point of a ridge, 0..1: the slope of the outline, carried down along the spurs."""
    side = np.float32(1 if light.sun_x > 0.5 else -1)
    slope = np.gradient(outline.astype(np.float64))
    total = np.zeros_like(below)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :]
    for share, gain, wander in ((90, 0.34, 0.25), (26, 0.5, 0.45)):
        window = max(1, canvas.width // share)
        smooth = np.convolve(slope, np.ones(window) / window, mode="same").astype(np.float32)[None, :]
        drift = below * np.float32(wander) * line(rng, below.shape[0], 4, 4)[:, None]
        source = columns + drift + (gullies - np.float32(0.3)) * np.float32(canvas.unit * 0.05)
        carried = cv2.remap(smooth, source, np.zeros_like(source), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        total += np.asarray(carried, np.float32) * np.float32(gain)
    # Against a low sun the flanks lie in shadow: ridges turn to silhouettes.
    relief = 0.35 + 0.65 * light.strength if light.strength < 0.6 else 1.0
    texture = (gullies - np.float32(0.34)) * np.float32(0.55 * relief * relief)
    return np.clip(0.5 + side * total * np.float32(0.9 * relief) + texture, 0, 1).astype(np.float32)


def paint_ground(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> None:
    """What lies in front: desert, snow, field or hills, down to the lower edge."""
    tint = next((scene.tints[name] for name in ("field", "hills", "desert") if name in scene.tints), None)
    if scene.shows("desert"):
        local, folds, rough = _SAND, 5, 0.3
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
    grain = field(rng, rows, canvas.width, (34, 22 * aspect) if grassy else (16, 4 * aspect), 4, rough=0.75)
    crest = np.exp(-np.clip(below, 0, None) / np.float32(canvas.height * 0.12))
    # The side away from the sun is darker, most of all near the crest.
    slope = np.gradient(outline.astype(np.float64)).astype(np.float32)[None, :] * np.float32(
        1 if light.sun_x > 0.5 else -1
    )
    bright = np.clip(0.3 + 0.5 * crest + 0.26 * grain + np.clip(slope * 1.6, -0.35, 0.35) * crest, 0, 1)
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
