"""Styles by name, each with classical filters, and palettes lent by another picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from heliostat.painting.codecs import Pixels
from heliostat.painting.noise import field

_WORK_EDGE_PX = 1024
Floats = NDArray[np.float32]


def styled(pixels: Pixels, style: str, strength: float, seed: int, lender: Pixels | None) -> Pixels:
    """RGB `pixels` in the style that `style`'s words name, mixed in by `strength` (0..1).

    `lender` gives its palette. Words that name no style choose a duotone, the same for the same words and seed.
    """
    height, width = pixels.shape[:2]
    shrink = min(1.0, _WORK_EDGE_PX / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    work = pixels if shrink == 1 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    digest = hashlib.blake2b(f"{style}\0{seed}".encode(), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    filters = named_styles(style)
    if lender is not None:
        work = _in_palette_of(work, lender)
    for apply in filters:
        work = apply(work, rng)
    if not filters and lender is None:
        work = _duotone(work, rng)
    if work.shape[:2] != (height, width):
        kind = cv2.INTER_NEAREST if _pixel in filters else cv2.INTER_CUBIC
        work = np.asarray(cv2.resize(work, (width, height), interpolation=kind), dtype=np.uint8)
    return np.asarray(cv2.addWeighted(work, strength, pixels, 1 - strength, 0), dtype=np.uint8)


def named_styles(words: str) -> list[Callable[[Pixels, np.random.Generator], Pixels]]:
    """The filters that `words` name, in their order, each once. Pure."""
    text = words.lower().replace("-", " ").replace("colour", "color")
    places = [(text.find(name), apply) for name, apply in STYLES.items() if name in text]
    return list(dict.fromkeys(apply for _, apply in sorted(places, key=lambda place: place[0])))


def _grey(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _three(plane: Pixels) -> Pixels:
    return np.asarray(cv2.merge([plane, plane, plane]), dtype=np.uint8)


def _clip(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def _saturated(pixels: Pixels, gain: float) -> Pixels:
    values = pixels.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    return _clip(grey + (values - grey) * np.float32(gain))


def _edges(pixels: Pixels) -> Pixels:
    """Dark lines on white where brightness changes."""
    grey = cv2.medianBlur(_grey(pixels), 5)
    block = max(5, (min(grey.shape) // 70) | 1)
    return np.asarray(
        cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, 4), dtype=np.uint8
    )


def _watercolor(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    soft = pixels
    for _ in range(3):
        soft = np.asarray(cv2.bilateralFilter(soft, 7, 46, 7), dtype=np.uint8)
    soft = np.asarray(cv2.medianBlur(soft, 7), dtype=np.uint8)
    height, width = soft.shape[:2]
    paper = field(rng, height, width, (90, 90), 3, rough=0.8)[:, :, None]
    bloom = field(rng, height, width, (5, 5), 4)[:, :, None]
    grey = _grey(soft)
    rim = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(np.float32)[:, :, None]
    values = _saturated(soft, 1.18).astype(np.float32)
    values = 255 - (255 - values) * (0.86 + 0.12 * bloom) - 0.35 * rim + 5 * paper
    return _clip(values)


def _sketch(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = _grey(pixels)
    blurred = cv2.GaussianBlur(255 - grey, (0, 0), max(2.0, min(grey.shape) / 70))
    lines = cv2.divide(grey, 255 - blurred, scale=250).astype(np.float32)
    shade = grey.astype(np.float32) / 255
    hatching = field(rng, grey.shape[0], grey.shape[1], (4, 4), 2) + rng.normal(0, 1, grey.shape).astype(np.float32)
    lines -= np.clip(0.55 - shade, 0, 1) * (80 + 40 * cv2.GaussianBlur(hatching, (0, 0), 1.1))
    return _three(_clip(lines.astype(np.float32)))


def _oil(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Kuwahara: each pixel takes the calmest of its four quarters, which leaves strokes."""
    radius = max(2, min(pixels.shape[:2]) // 170)
    values = pixels.astype(np.float32)
    grey = _grey(pixels).astype(np.float32)
    side = radius + 1
    best: Floats | None = None
    result = values
    for anchor in ((0, 0), (radius, 0), (0, radius), (radius, radius)):
        mean = np.asarray(cv2.blur(values, (side, side), anchor=anchor), np.float32)
        level = np.asarray(cv2.blur(grey, (side, side), anchor=anchor), np.float32)
        spread = np.asarray(cv2.blur(grey * grey, (side, side), anchor=anchor), np.float32) - level * level
        if best is None:
            best, result = spread, mean
        else:
            calmer = spread < best
            result = np.where(calmer[:, :, None], mean, result)
            best = np.minimum(best, spread)
    bristles = cv2.GaussianBlur(rng.normal(0, 1, grey.shape).astype(np.float32), (0, 0), 0.8)
    ridges = cv2.blur(bristles, (max(3, radius * 4), 1))[:, :, None]
    return _saturated(_clip(result + 18 * ridges), 1.25)


def _pixel(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    cells = (max(1, round(width * 72 / max(height, width))), max(1, round(height * 72 / max(height, width))))
    small = cv2.resize(pixels, cells, interpolation=cv2.INTER_AREA).astype(np.float32)
    stepped = _clip(np.round(small / 36) * 36)
    return np.asarray(cv2.resize(stepped, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _comic(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    flat = pixels
    for _ in range(2):
        flat = np.asarray(cv2.bilateralFilter(flat, 9, 60, 9), dtype=np.uint8)
    flat = _saturated(_clip(np.round(flat.astype(np.float32) / 42) * 42), 1.45)
    return np.asarray(cv2.bitwise_and(flat, _three(_edges(pixels))), dtype=np.uint8)


def _sepia(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = _grey(pixels).astype(np.float32)[:, :, None]
    return _clip(grey * np.asarray((1.06, 0.88, 0.64), np.float32) + np.asarray((18, 10, 2), np.float32))


def _noir(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = _grey(pixels).astype(np.float32) / 255
    curve = grey * grey * (3 - 2 * grey)
    height, width = grey.shape
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
    dark = 1 - 0.32 * (down + across)
    return _three(_clip((curve * dark * 255 + rng.normal(0, 6, grey.shape)).astype(np.float32)))


def _black_and_white(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _three(_grey(pixels))


def _vintage(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    values = _saturated(pixels, 0.62).astype(np.float32)
    values = values * np.asarray((0.94, 0.86, 0.7), np.float32) + np.asarray((24, 20, 26), np.float32)
    return _clip((values + rng.normal(0, 5, (*pixels.shape[:2], 1))).astype(np.float32))


def _neon(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = cv2.GaussianBlur(_grey(pixels), (0, 0), 1.4).astype(np.float32)
    edge = np.sqrt(cv2.Sobel(grey, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(grey, cv2.CV_32F, 0, 1) ** 2)
    edge = np.clip(edge / max(1.0, float(np.percentile(edge, 97))), 0, 1)
    glow = edge + 1.3 * cv2.GaussianBlur(edge, (0, 0), 5)
    across = np.linspace(0, 1, grey.shape[1], dtype=np.float32)[None, :, None]
    colour = np.asarray((255, 40, 190), np.float32) * (1 - across) + np.asarray((40, 220, 255), np.float32) * across
    base = _saturated(pixels, 1.6).astype(np.float32) * np.asarray((0.3, 0.16, 0.42), np.float32)
    return _clip(base + np.asarray(glow)[:, :, None] * colour)


def _pop_art(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = cv2.GaussianBlur(_grey(pixels), (0, 0), 1.5)
    grey = cv2.equalizeHist(grey)
    inks = np.asarray(((28, 20, 84), (226, 42, 116), (252, 122, 50), (250, 214, 60), (250, 246, 230)), np.uint8)
    return np.asarray(inks[np.minimum(grey // 52, 4)], dtype=np.uint8)


def _pastel(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    soft = cv2.bilateralFilter(pixels, 7, 40, 7).astype(np.float32)
    chalk = rng.normal(0, 9, (*pixels.shape[:2], 1))
    return _clip((soft * 0.62 + 98 + chalk).astype(np.float32))


def _duotone(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    hue = float(rng.uniform(0, 180))
    pair = np.asarray([[(hue, 190, 70), ((hue + rng.uniform(50, 110)) % 180, 90, 250)]], np.float32).astype(np.uint8)
    dark, bright = cv2.cvtColor(pair, cv2.COLOR_HSV2RGB)[0].astype(np.float32)
    share = _grey(pixels).astype(np.float32)[:, :, None] / 255
    return _clip(dark + (bright - dark) * share)


def _in_palette_of(pixels: Pixels, lender: Pixels) -> Pixels:
    """Reinhard's transfer: mean and spread of lightness and both colour axes become the lender's."""
    own = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    other = cv2.cvtColor(lender, cv2.COLOR_RGB2LAB).astype(np.float32)
    mean, spread = own.mean(axis=(0, 1)), own.std(axis=(0, 1)) + 1e-3
    gain = np.clip((other.std(axis=(0, 1)) + 1e-3) / spread, 0.2, 3)
    moved = _clip(((own - mean) * gain + other.mean(axis=(0, 1))).astype(np.float32))
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB), dtype=np.uint8)


STYLES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "watercolor": _watercolor,
    "aquarelle": _watercolor,
    "sketch": _sketch,
    "pencil": _sketch,
    "drawing": _sketch,
    "oil": _oil,
    "impression": _oil,
    "van gogh": _oil,
    "pixel": _pixel,
    "8 bit": _pixel,
    "comic": _comic,
    "cartoon": _comic,
    "anime": _comic,
    "sepia": _sepia,
    "noir": _noir,
    "black and white": _black_and_white,
    "monochrome": _black_and_white,
    "grayscale": _black_and_white,
    "greyscale": _black_and_white,
    "vintage": _vintage,
    "retro": _vintage,
    "neon": _neon,
    "cyberpunk": _neon,
    "pop art": _pop_art,
    "poster": _pop_art,
    "pastel": _pastel,
}
