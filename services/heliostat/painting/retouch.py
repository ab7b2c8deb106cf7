"""Edits without a mask, and variations."""

from __future__ import annotations

import hashlib
import re

import cv2
import numpy as np

from heliostat.painting import lettering, shapes, sky, styles, weather
from heliostat.painting.background import cut_out
from heliostat.painting.canvas import Canvas, tone
from heliostat.painting.codecs import Pixels, with_alpha_of
from heliostat.painting.composition import paint_things
from heliostat.painting.light import light_of
from heliostat.painting.noise import field
from heliostat.painting.scene import Scene
from heliostat.painting.words import read

_GRADES = {
    "dawn": ((1.06, 0.98, 0.94), 0.98),
    "sunset": ((1.25, 0.86, 0.62), 0.92),
    "dusk": ((0.84, 0.72, 1.0), 0.62),
    "night": ((0.42, 0.56, 0.98), 0.42),
    "noon": ((1.04, 1.03, 1.0), 1.12),
}
"""Gain per channel, and overall brightness, of each hour."""

_WORDS: tuple[tuple[str, tuple[float, float, float], float, float], ...] = (
    (r"warm(er)?|cosy|cozy", (1.18, 1.0, 0.8), 1.0, 1.0),
    (r"cold(er)?|cool(er)?|icy", (0.8, 0.98, 1.2), 1.0, 1.0),
    (r"bright(er)?|light(er|en)", (1.0, 1.0, 1.0), 1.35, 1.0),
    (r"dark(er|en)?", (1.0, 1.0, 1.0), 0.6, 1.0),
    (r"vivid|vibrant|saturated?|colou?rful", (1.0, 1.0, 1.0), 1.0, 1.7),
    (r"muted|desaturated?|faded", (1.0, 1.0, 1.0), 1.0, 0.4),
)
"""Words of a colour grade: gain per channel, brightness, saturation."""

_THINGS = ("flowers", "boat", "lighthouse", "house", "tree", "pine", "palm", "balloon", "bird", "cat")


def edited(pixels: Pixels, prompt: str, strength: float, seed: int) -> Pixels:
    """RGB or RGBA `pixels` changed after `prompt`, by `strength` 0..1: grade, style, weather, added things, text.

    A prompt without a known word still changes the colours, the same for the same words and seed.
    """
    scene = read(prompt)
    words = prompt.lower()
    if re.search(r"remove (the )?background|transparent background", words):
        return cut_out(pixels)
    work = np.ascontiguousarray(pixels[:, :, :3])
    graded = _graded(work, scene, words)
    if styles.named_styles(prompt):
        graded = styles.styled(graded, prompt, 1.0, seed, None)
    graded = _blurred_or_turned(graded, words)
    canvas = _canvas_of(graded, f"{prompt}\0{seed}")
    added = _add(canvas, scene)
    result = canvas.bytes8() if added else graded
    if not added and np.array_equal(result, work):
        result = styles.styled(work, prompt, 1.0, seed, None)
    # Added things are wanted whole: strength moves the grade, things keep at least most of their opacity.
    share = max(strength, 0.85) if added and strength > 0 else strength
    mixed = np.asarray(cv2.addWeighted(result, share, work, 1 - share, 0), dtype=np.uint8)
    return with_alpha_of(mixed, pixels)


def _graded(pixels: Pixels, scene: Scene, words: str) -> Pixels:
    """The picture in the hour, warmth, brightness and colours that were asked for."""
    values = pixels.astype(np.float32)
    gain, bright, full = np.ones(3, np.float32), 1.0, 1.0
    if scene.hour_named:
        hour_gain, bright = _GRADES[scene.hour]
        gain = gain * np.asarray(hour_gain, np.float32)
    for pattern, word_gain, word_bright, word_full in _WORDS:
        if re.search(rf"\b({pattern})\b", words):
            gain, bright, full = gain * np.asarray(word_gain, np.float32), bright * word_bright, full * word_full
    if full != 1:
        grey = values.mean(axis=2, keepdims=True)
        values = grey + (values - grey) * np.float32(full)
    if (gain != 1).any() or bright != 1:
        values = values * (gain * np.float32(bright))
    free = scene.free_colours()
    if free and not scene.texts:
        tint = np.asarray(free[0], np.float32)
        light = values.mean(axis=2, keepdims=True) / np.float32(255)
        values = values * np.float32(0.25) + tint * (np.float32(0.25) + np.float32(0.5) * light)
    if scene.background is not None:
        alpha = cut_out(pixels)[:, :, 3:].astype(np.float32) / np.float32(255)
        values = values * alpha + np.asarray(scene.background, np.float32) * (1 - alpha)
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def _blurred_or_turned(pixels: Pixels, words: str) -> Pixels:
    """Blur, sharpening and mirroring, where the words ask for them. The size never changes."""
    if re.search(r"\bblur(red|ry)?\b|\bsoft focus\b", words):
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(1.0, min(pixels.shape[:2]) / 60)), dtype=np.uint8)
    if re.search(r"\bsharp(er|en)?\b", words):
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.6)
        pixels = np.asarray(cv2.addWeighted(pixels, 2.0, soft, -1.0, 0), dtype=np.uint8)
    if re.search(r"\bmirror(ed)?\b|\bflip(ped)?\b", words):
        pixels = np.ascontiguousarray(pixels[::-1] if "vertical" in words else pixels[:, ::-1])
    return pixels


def _canvas_of(pixels: Pixels, origin: str) -> Canvas:
    """A canvas that shows `pixels` already."""
    canvas = Canvas(pixels.shape[1], pixels.shape[0], origin)
    for plane in range(3):
        canvas.pixels[plane] = pixels[:, :, plane].astype(np.float32) / 255
    return canvas


def _add(canvas: Canvas, scene: Scene) -> bool:
    """Paint what the scene names on top of the picture. Returns whether anything was added."""
    horizon = 0.6
    light = light_of(scene, canvas, horizon)
    added = sky.add_lights(canvas, scene, light, horizon)
    if scene.shows("snow"):
        weather.dust_snow(canvas, int(canvas.height * 0.62))
        added = True
    if scene.shows(*_THINGS):
        paint_things(canvas, scene, light, horizon, stand=0.9)
        added = True
    if scene.shows("fog", "rain", "snowfall"):
        weather.paint_weather(canvas, scene, light, horizon)
        added = True
    if scene.figures:
        shapes.paint_figures(canvas, scene.figures, None)
        added = True
    if scene.texts:
        free = scene.free_colours()
        lettering.write(canvas, scene.texts, tone(free[0]) if free else None, centred=False)
        added = True
    return added


def varied(pixels: Pixels, similarity: float, seed: int) -> Pixels:
    """Another take: shifted hue and light, a gentle bend, another crop, at low similarity also mirrored."""
    digest = hashlib.blake2b(f"vary\0{seed}".encode(), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    far = 1.02 - similarity
    height, width = pixels.shape[:2]
    unit = min(height, width)
    if similarity < 0.75 and rng.uniform() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    bend_x = field(rng, height, width, (2, 2), 3) * np.float32(unit * 0.07 * far)
    bend_y = field(rng, height, width, (2, 2), 3) * np.float32(unit * 0.07 * far)
    zoom = 1 - 0.16 * far * rng.uniform(0.3, 1)
    shift_x, shift_y = rng.uniform(-0.5, 0.5, 2) * (1 - zoom)
    columns = (np.arange(width, dtype=np.float32) - width / 2) * np.float32(zoom) + np.float32(width * (0.5 + shift_x))
    rows = (np.arange(height, dtype=np.float32) - height / 2) * np.float32(zoom) + np.float32(height * (0.5 + shift_y))
    bent = cv2.remap(
        pixels, columns[None, :] + bend_x, rows[:, None] + bend_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    hsv = cv2.cvtColor(np.ascontiguousarray(bent[:, :, :3]), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[:, :, 0] = (hsv[:, :, 0] + rng.uniform(-1, 1) * 50 * far + np.sign(rng.uniform(-1, 1)) * 8 * far) % 180
    hsv[:, :, 1] *= 1 + rng.uniform(-0.4, 0.4) * far
    hsv[:, :, 2] *= 1 + rng.uniform(-0.22, 0.18) * far
    colours = cv2.cvtColor(np.clip(hsv, 0, (179, 255, 255)).astype(np.uint8), cv2.COLOR_HSV2RGB)
    if pixels.shape[2] == 4:
        return np.dstack([colours, bent[:, :, 3]])
    return np.asarray(colours, dtype=np.uint8)
