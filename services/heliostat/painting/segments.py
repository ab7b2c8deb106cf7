"""Parts of a picture by label, point, box, or all of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from heliostat.painting.background import grab, subject_mask
from heliostat.painting.codecs import Pixels
from heliostat.painting.colours import NAMED

_WORK_EDGE_PX = 256
_MOST = 16
_KINDS = 8
Found = list[tuple[str, Pixels]]
Flags = NDArray[np.bool_]

_SKY = frozenset({"sky", "skies", "cloud", "clouds"})
_WATER = frozenset({"water", "sea", "ocean", "lake", "river"})
_GREEN = frozenset({"tree", "trees", "grass", "plant", "plants", "forest", "field", "leaf", "leaves", "vegetation"})
_LIGHT = frozenset({"sun", "moon", "lamp", "light"})
_GROUND = frozenset({"ground", "floor", "land", "road", "sand"})


def found(
    pixels: Pixels,
    labels: Sequence[str],
    points: Sequence[tuple[int, int]],
    box: tuple[int, int, int, int] | None,
) -> Found:
    """(label, mask) of each asked segment of RGB `pixels`; masks are uint8, 255 = segment. Raises ValueError.

    Points and the box are checked against the picture. A label that names nothing known means the main subject.
    """
    height, width = pixels.shape[:2]
    for x, y in points:
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"point {x},{y} lies outside of {width}x{height}")
    if box is not None and not (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
        raise ValueError(f"box {box} is empty or lies outside of {width}x{height}")
    answer: Found = []
    for label in labels:
        answer.append((label, _hard(_by_label(pixels, label))))
    if box is not None:
        answer.append((labels[0] if len(labels) == 1 else "box", _hard(grab(pixels, box))))
        answer = answer[1:] if len(labels) == 1 else answer
    for number, point in enumerate(points, 1):
        answer.append((f"point {number}", _by_point(pixels, point)))
    return answer or _everything(pixels)


def _hard(mask: Pixels) -> Pixels:
    return np.where(mask >= 128, 255, 0).astype(np.uint8)


def _by_label(pixels: Pixels, label: str) -> Pixels:
    """The mask for one label: a known kind of matter, a named colour, background, or the subject."""
    words = frozenset(label.lower().split())
    rows = np.linspace(0, 1, pixels.shape[0], dtype=np.float32)[:, None]
    hue, full, value = (plane.astype(np.float32) for plane in cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)))
    if words & {"background", "backdrop"}:
        return np.asarray(255 - subject_mask(pixels), dtype=np.uint8)
    if words & _SKY:
        return _touching(pixels, top=True)
    if words & _WATER:
        return _as_mask((rows > 0.45) & (hue > 80) & (hue < 135) & (full > 40))
    if words & _GREEN:
        return _as_mask((hue > 30) & (hue < 90) & (full > 40) & (value > 20))
    if words & _LIGHT:
        return _as_mask(value >= max(200.0, float(np.percentile(value, 98.5))))
    if words & _GROUND:
        return _touching(pixels, top=False)
    named = next((NAMED[word] for word in words if word in NAMED), None)
    return _like(pixels, named) if named else subject_mask(pixels)


def _as_mask(inside: Flags) -> Pixels:
    """A yes-or-no plane as a mask without specks."""
    mask = inside.astype(np.uint8) * 255
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)


def _like(pixels: Pixels, colour: tuple[int, int, int]) -> Pixels:
    """Everything that is close to `colour` as the eye sees it."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    target = cv2.cvtColor(np.asarray([[colour]], np.uint8), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    off = (lab - target) * np.asarray((0.5, 1.0, 1.0), np.float32)
    return _as_mask(np.sqrt((off * off).sum(axis=2)) < 38)


def _regions(pixels: Pixels) -> tuple[NDArray[np.int32], int]:
    """The picture at work size, cut into regions of one colour each: their numbers, and how many there are."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, _WORK_EDGE_PX / max(height, width))
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    small = cv2.medianBlur(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), 3)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32).reshape(-1, 3)
    kinds = min(_KINDS, len(np.unique(lab.astype(np.uint8), axis=0)))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    cv2.setRNGSeed(1)
    _, kind, _ = cv2.kmeans(lab, kinds, None, stop, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    kind = kind.reshape(size[1], size[0])
    numbers = np.zeros(kind.shape, np.int32)
    total = 0
    for index in range(kinds):
        count, part = cv2.connectedComponents((kind == index).astype(np.uint8), connectivity=4)
        numbers[part > 0] = part[part > 0] + total
        total += count - 1
    return numbers, total


def _enlarged(inside: Flags, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    smooth = cv2.resize(inside.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(smooth >= 0.5, 255, 0).astype(np.uint8)


def _by_point(pixels: Pixels, point: tuple[int, int]) -> Pixels:
    """The region of similar colour under the point, holes closed."""
    numbers, _ = _regions(pixels)
    height, width = pixels.shape[:2]
    row = min(numbers.shape[0] - 1, point[1] * numbers.shape[0] // height)
    column = min(numbers.shape[1] - 1, point[0] * numbers.shape[1] // width)
    inside = (numbers == numbers[row, column]).astype(np.uint8)
    return _enlarged(cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0, pixels)


def _touching(pixels: Pixels, *, top: bool) -> Pixels:
    """The regions along the upper or lower edge, grown over neighbours that lie in that half: sky or ground."""
    numbers, total = _regions(pixels)
    edge = numbers[:2] if top else numbers[-2:]
    rows = np.arange(numbers.shape[0], dtype=np.float32)[:, None] / numbers.shape[0]
    weight = np.bincount(numbers.ravel(), minlength=total + 1).astype(np.float32)
    middle = np.bincount(numbers.ravel(), (rows + np.zeros(numbers.shape)).ravel(), total + 1) / np.maximum(weight, 1)
    chosen = np.zeros(total + 1, bool)
    chosen[np.unique(edge)] = True
    chosen |= middle < 0.34 if top else middle > 0.72
    return _enlarged(chosen[numbers], pixels)


def _everything(pixels: Pixels) -> Found:
    """The largest regions, numbered, at least half a percent of the picture each."""
    numbers, total = _regions(pixels)
    sizes = np.bincount(numbers.ravel(), minlength=total + 1)
    order = [int(index) for index in np.argsort(-sizes, kind="stable") if sizes[index] >= numbers.size / 200][:_MOST]
    return [(f"segment {place}", _enlarged(numbers == index, pixels)) for place, index in enumerate(order, 1)]
