"""The contact sheet: every picture of the story with who made it and what it cost, and both bills, as one PNG."""

import io
from collections.abc import Sequence
from math import cos, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from heliostat.demo.desk import Bills
from heliostat.demo.story import Frame, money, total

# Drawn twice as large and brought down, so that corners and letters are smooth.
_SCALE = 2
_WIDTH = 1200
_MARGIN = 48
_GAP = 24
_COLUMNS = 3
_PICTURE = (352, 264)
_CAPTION = 78
_HEAD = 132
_FOOT = 170

_PAPER = (248, 246, 242)
_CARD = (255, 255, 254)
_LINE = (226, 221, 212)
_INK = (44, 38, 30)
_QUIET = (112, 104, 92)
_SUN = (178, 94, 14)
_GLOW = (250, 235, 214)

Point = tuple[float, float]


class _Sheet:
    """A drawing in the units of the finished sheet."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width * _SCALE, height * _SCALE), _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def box(self, corner: Point, size: Point, fill: tuple[int, int, int], *, line: bool = True) -> None:
        """A card."""
        left, top = corner
        place = (left * _SCALE, top * _SCALE, (left + size[0]) * _SCALE, (top + size[1]) * _SCALE)
        self._draw.rounded_rectangle(place, 14 * _SCALE, fill, _LINE if line else None, _SCALE if line else 0)

    def text(
        self,
        corner: Point,
        words: str,
        size: float,
        colour: tuple[int, int, int],
        *,
        bold: bool = False,
        anchor: str = "la",
    ) -> float:
        """Writes words and gives their width."""
        font = ImageFont.load_default(size * _SCALE)
        place = (corner[0] * _SCALE, corner[1] * _SCALE)
        weight = size * _SCALE / 34 if bold else 0
        self._draw.text(place, words, colour, font, anchor, stroke_width=weight, stroke_fill=colour)
        return float(font.getlength(words)) / _SCALE

    def sun(self, centre: Point, radius: float) -> None:
        """The sun of the house."""
        x, y = centre
        for turn in range(8):
            angle = turn * pi / 4
            inner, outer = radius * 1.5, radius * 2.1
            start = ((x + inner * cos(angle)) * _SCALE, (y + inner * sin(angle)) * _SCALE)
            end = ((x + outer * cos(angle)) * _SCALE, (y + outer * sin(angle)) * _SCALE)
            self._draw.line((start, end), _SUN, round(radius * 0.42 * _SCALE))
        place = ((x - radius) * _SCALE, (y - radius) * _SCALE, (x + radius) * _SCALE, (y + radius) * _SCALE)
        self._draw.ellipse(place, _SUN)

    def picture(self, data: bytes, corner: Point) -> None:
        """A picture, cut to the frame, with round corners above."""
        size = (_PICTURE[0] * _SCALE, _PICTURE[1] * _SCALE)
        with Image.open(io.BytesIO(data)) as image:
            fitted = ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS)
        window = Image.new("L", size, 0)
        ImageDraw.Draw(window).rounded_rectangle((0, 0, size[0], size[1] + 40 * _SCALE), 13 * _SCALE, 255)
        self.image.paste(fitted, (round(corner[0] * _SCALE), round(corner[1] * _SCALE)), window)


def draw_sheet(frames: Sequence[Frame], bills: Bills, file: Path) -> None:
    """Draws all frames and both bills, and writes the PNG."""
    rows = -(-len(frames) // _COLUMNS)
    card = _PICTURE[1] + _CAPTION
    sheet = _Sheet(_WIDTH, _HEAD + rows * (card + _GAP) + _FOOT)
    sheet.sun((_MARGIN + 17, 62), 9)
    sheet.text((_MARGIN + 52, 36), "One minute with Heliostat", 34, _INK, bold=True)
    told = "Every picture of make demo, in order, from emulated providers that fail, ask to wait and send bills."
    sheet.text((_MARGIN, 92), told, 15.5, _QUIET)
    for position, frame in enumerate(frames):
        row, column = divmod(position, _COLUMNS)
        _frame(sheet, position + 1, frame, (_MARGIN + column * (_PICTURE[0] + _GAP), _HEAD + row * (card + _GAP)))
    _foot(sheet, bills, _HEAD + rows * (card + _GAP) + 6)
    whole = sheet.image.resize((sheet.image.width // _SCALE, sheet.image.height // _SCALE), Image.Resampling.LANCZOS)
    file.parent.mkdir(parents=True, exist_ok=True)
    whole.save(file, "PNG", optimize=True)


def _frame(sheet: _Sheet, number: int, frame: Frame, corner: Point) -> None:
    left, top = corner
    sheet.box((left, top), (_PICTURE[0], _PICTURE[1] + _CAPTION), _CARD)
    sheet.picture(frame.picture, (left, top))
    below = top + _PICTURE[1] + 13
    offset = sheet.text((left + 16, below), f"{number}", 17, _SUN, bold=True)
    sheet.text((left + 16 + offset + 9, below), frame.title, 17, _INK, bold=True)
    sheet.text((left + _PICTURE[0] - 16, below), money(frame.micros), 17, _INK, bold=True, anchor="ra")
    sheet.text((left + 16, below + 29), frame.detail, 13.5, _QUIET)
    sheet.text((left + _PICTURE[0] - 16, below + 29), frame.provider, 13.5, _QUIET, anchor="ra")


def _foot(sheet: _Sheet, bills: Bills, top: float) -> None:
    width = (_WIDTH - 2 * _MARGIN - _GAP) / 2
    columns = (
        ("billed by the providers", bills.pictures, bills.micros, _GLOW, _SUN),
        ("the same story without a gateway", bills.naive_pictures, bills.naive_micros, _CARD, _INK),
    )
    for position, (name, pictures, micros, paper, ink) in enumerate(columns):
        left = _MARGIN + position * (width + _GAP)
        sheet.box((left, top), (width, 116), paper, line=paper is _CARD)
        offset = sheet.text((left + 26, top + 20), f"{pictures}", 58, ink, bold=True)
        sheet.text((left + 26 + offset + 16, top + 30), "pictures", 17, _INK, bold=True)
        sheet.text((left + 26 + offset + 16, top + 58), name, 16, _QUIET)
        sheet.text((left + width - 26, top + 58), total(micros), 32, ink, bold=True, anchor="rm")
