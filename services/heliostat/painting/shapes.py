"""Flat shapes and shaded bodies, in rows that do not touch."""

from __future__ import annotations

import math

import numpy as np

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.colours import WHEEL
from heliostat.painting.noise import smoothstep
from heliostat.painting.scene import Figure

_SIDES = {"triangle": 3, "diamond": 4, "pentagon": 5, "hexagon": 6}


def paint_figures(canvas: Canvas, figures: tuple[Figure, ...], ground: Colour | None) -> None:
    """Paint all `figures`, each in a place of its own; `ground` is the colour they must stand out from."""
    places = [figure for figure in figures for _ in range(figure.count)]
    rng = canvas.rng("figures")
    choices = [tone(colour) for colour in WHEEL]
    if ground is not None:
        choices = [colour for colour in choices if max(abs(a - b) for a, b in zip(colour, ground, strict=True)) > 0.3]
    for (x, y, room), figure in zip(_places(canvas, len(places)), places, strict=True):
        colour = tone(figure.colour) if figure.colour else choices[int(rng.integers(len(choices)))]
        size = room * 0.36 * min(1.25, figure.scale)
        if figure.kind == "stripe":
            _stripe(canvas, y, room, colour)
        elif figure.kind in ("ball", "apple"):
            _body(canvas, x, y, size, colour, apple=figure.kind == "apple")
        else:
            _flat(canvas, figure.kind, x, y, size=size, colour=colour)


def _places(canvas: Canvas, count: int) -> list[tuple[float, float, float]]:
    """(x, y, room) px of `count` places on a centred grid that suits the picture's shape."""

    def room_of(columns: int) -> float:
        return min(canvas.width / columns, canvas.height / math.ceil(count / columns))

    # An uneven last row costs a fifth: three stand in one row rather than as two and one.
    columns = max(range(1, count + 1), key=lambda columns: room_of(columns) * (0.8 if count % columns else 1.0))
    rows, room = math.ceil(count / columns), room_of(columns)
    places = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = min(columns, count - row * columns)
        x = canvas.width / 2 + (column - (in_row - 1) / 2) * min(canvas.width / columns, room * 1.25)
        y = canvas.height / 2 + (row - (rows - 1) / 2) * min(canvas.height / rows, room * 1.25)
        places.append((x, y, room))
    return places


def _flat(canvas: Canvas, kind: str, x: float, y: float, *, size: float, colour: Colour) -> None:
    if kind == "circle":
        canvas.disc(x, y, size, colour)
    elif kind == "ring":
        _ring(canvas, x, y, size, colour)
    elif kind == "cross":
        for wide, tall in ((size, size * 0.32), (size * 0.32, size)):
            canvas.polygon(
                [(x - wide, y - tall), (x + wide, y - tall), (x + wide, y + tall), (x - wide, y + tall)], colour
            )
    elif kind in ("square", "rectangle"):
        tall = size * (0.88 if kind == "square" else 0.55)
        wide = size * (0.88 if kind == "square" else 1.0)
        canvas.polygon([(x - wide, y - tall), (x + wide, y - tall), (x + wide, y + tall), (x - wide, y + tall)], colour)
    elif kind == "star":
        turns = -math.pi / 2 + np.arange(10) * math.pi / 5
        reach = np.where(np.arange(10) % 2 == 0, size, size * 0.42)
        canvas.polygon(np.c_[x + np.cos(turns) * reach, y + np.sin(turns) * reach], colour)
    elif kind == "heart":
        turns = np.linspace(0, 2 * math.pi, 72, endpoint=False)
        across = 16 * np.sin(turns) ** 3
        up = 13 * np.cos(turns) - 5 * np.cos(2 * turns) - 2 * np.cos(3 * turns) - np.cos(4 * turns)
        canvas.polygon(np.c_[x + across * size / 17, y - up * size / 17], colour)
    else:
        sides = _SIDES[kind]
        turns = -math.pi / 2 + np.arange(sides) * 2 * math.pi / sides
        stretch = 0.72 if kind == "diamond" else 1.0
        canvas.polygon(np.c_[x + np.cos(turns) * size * stretch, y + np.sin(turns) * size], colour)


def _ring(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    turns = np.linspace(0, 2 * math.pi, 96)
    outer = np.c_[x + np.cos(turns) * size, y + np.sin(turns) * size]
    inner = np.c_[x + np.cos(turns) * size * 0.68, y + np.sin(turns) * size * 0.68]
    canvas.polygon(np.concatenate([outer, inner[::-1]]), colour)


def _stripe(canvas: Canvas, y: float, room: float, colour: Colour) -> None:
    half = room * 0.24
    canvas.polygon([(0, y - half), (canvas.width, y - half), (canvas.width, y + half), (0, y + half)], colour)


def _body(canvas: Canvas, x: float, y: float, size: float, colour: Colour, *, apple: bool) -> None:
    """A round body lit from the upper left, on its own soft shadow."""
    reach = int(size * 1.5) + 3
    top, left = int(y) - reach, int(x) - reach
    down = (np.arange(2 * reach + 1, dtype=np.float32)[:, None] + np.float32(top - y)) / np.float32(size)
    across = (np.arange(2 * reach + 1, dtype=np.float32)[None, :] + np.float32(left - x)) / np.float32(size)
    shadow = np.exp(-((across / 0.85) ** 2) - ((down - 1.02) / 0.13) ** 2) * np.float32(0.42)
    if canvas.cover is None:
        canvas.lay((0.05, 0.05, 0.08), shadow, top, left)
    if apple:
        # Dimples above and below; the sign turns smoothly, or a seam would run across the middle.
        down = down + np.float32(0.16) * np.exp(-((across / 0.3) ** 2)) * np.tanh(down * 4)
    distance = np.sqrt(down * down + across * across)
    front = np.sqrt(np.clip(1 - distance * distance, 0, 1))
    facing = np.clip(-0.5 * across - 0.6 * down + 0.62 * front, 0, 1)
    shine = smoothstep(0.965, 0.995, -0.42 * across - 0.5 * down + 0.757 * front)
    rim = np.float32(0.12) * (1 - front) * np.clip(across + down, 0, 1)
    dark, bright = blend(colour, (0.04, 0.02, 0.08), 0.72), blend(colour, (1, 1, 1), 0.14)
    planes = np.stack([facing * np.float32(b - d) + np.float32(d) + rim for d, b in zip(dark, bright, strict=True)])
    planes += (1 - planes) * shine * np.float32(0.85)
    canvas.lay(np.clip(planes, 0, 1), np.clip((1 - distance) * np.float32(size) + np.float32(0.5), 0, 1), top, left)
    if apple:
        _stalk(canvas, x, y, size)


def _stalk(canvas: Canvas, x: float, y: float, size: float) -> None:
    """An apple's stalk with one leaf, on a body of radius `size` px around (x, y)."""
    stem = [(-0.03, -0.78), (0.06, -1.2), (0.13, -1.18), (0.04, -0.78)]
    canvas.polygon([(x + size * dx, y + size * dy) for dx, dy in stem], (0.33, 0.2, 0.1))
    turn = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    along, across = np.cos(turn) * size * 0.26, np.sin(turn) * size * 0.11
    lean = -0.42
    leaf_x = x + size * 0.36 + along * math.cos(lean) - across * math.sin(lean)
    leaf_y = y - size * 1.06 + along * math.sin(lean) + across * math.cos(lean)
    canvas.polygon(np.c_[leaf_x, leaf_y], (0.3, 0.58, 0.2))
