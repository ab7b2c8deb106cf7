"""Writes the prompt's quoted words into the picture, in Pillow's own scalable font."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from heliostat.painting.canvas import Canvas, Colour
from heliostat.painting.noise import Plane

_SHARE_OF_WIDTH = 0.86


def write(canvas: Canvas, texts: tuple[str, ...], colour: Colour | None, *, centred: bool) -> None:
    """Write each text on a line of its own, as large as fits: in the middle, or in the upper third of a scene."""
    line_height = canvas.height * (0.5 if centred else 0.26) / len(texts)
    top = canvas.height * (0.5 if centred else 0.2) - line_height * len(texts) / 2
    for number, text in enumerate(texts):
        mask = _line(text, int(canvas.width * _SHARE_OF_WIDTH), max(8, int(line_height)))
        row = int(top + number * line_height + (line_height - mask.shape[0]) / 2)
        column = (canvas.width - mask.shape[1]) // 2
        _ink(canvas, mask, row, column, colour)


def _ink(canvas: Canvas, mask: Plane, row: int, column: int, colour: Colour | None) -> None:
    """Lay the letters, with a soft opposite edge, dark on bright grounds and bright on dark ones."""
    region = canvas.pixels[:, max(row, 0) : row + mask.shape[0], max(column, 0) : column + mask.shape[1]]
    bright_ground = region.size > 0 and float(region.mean()) > 0.6
    ink = colour or ((0.1, 0.1, 0.13) if bright_ground else (1.0, 0.99, 0.95))
    ink_is_dark = sum(ink) < 1.5
    shift = max(1, mask.shape[0] // 36)
    shadow: Colour = (1.0, 1.0, 1.0) if ink_is_dark else (0.0, 0.0, 0.0)
    canvas.lay(shadow, mask * np.float32(0.45 if not bright_ground or colour else 0.0), row + shift, column + shift)
    canvas.lay(ink, mask, row, column)


def _line(text: str, widest: int, tallest: int) -> Plane:
    """The coverage (0..1) of one line of text, at most `widest` x `tallest` px."""
    size = float(tallest)
    left, _, right, _ = ImageFont.load_default(size=size).getbbox(text)
    if right - left > widest:
        size = max(6.0, size * widest / (right - left))
    font = ImageFont.load_default(size=size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    sheet = Image.new("L", (max(1, right - left + 2), max(1, bottom - top + 2)))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(sheet, np.float32) / np.float32(255)
