"""Wanted size -> what one provider takes: pixels on a grid, exact sizes, shapes, or the input's own size. Pure.

`choose` of a rule answers a `Choice`; `changed` says that the caller has to be told. A shape counts as honoured when
the chosen pixels are within 2 % of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from heliostat.api.image.v1 import capability_pb2, request_pb2

TIER_EDGE_PX = {
    request_pb2.SIZE_TIER_UNSPECIFIED: 1024,
    request_pb2.SIZE_TIER_HALF_K: 512,
    request_pb2.SIZE_TIER_1K: 1024,
    request_pb2.SIZE_TIER_2K: 2048,
    request_pb2.SIZE_TIER_4K: 4096,
}
TIER_NAMES = {
    request_pb2.SIZE_TIER_HALF_K: "0.5K",
    request_pb2.SIZE_TIER_1K: "1K",
    request_pb2.SIZE_TIER_2K: "2K",
    request_pb2.SIZE_TIER_4K: "4K",
}
SAME_SHAPE = 0.02
SAME_AREA = 0.5
# More than the errors of a few sums of logarithms.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Choice:
    """What the provider is sent.

    `width_px` and `height_px` are 0 where the provider chooses them or counts in shapes; `ratio` ("16:9") and `tier`
    ("1K") are empty where it counts in pixels. `requested` is the wish as text, empty where there was none;
    `changed` is True where `sent` is not what was wished for, and `reason` says why.
    """

    width_px: int = 0
    height_px: int = 0
    ratio: str = ""
    tier: str = ""
    requested: str = ""
    changed: bool = False
    reason: str = ""

    @property
    def sent(self) -> str:
        """What is sent, as text; empty where nothing is."""
        if self.width_px:
            return f"{self.width_px}x{self.height_px}"
        return f"{self.ratio}@{self.tier}" if self.ratio and self.tier else self.ratio or self.tier


class SizeRule(Protocol):
    """Which sizes one model takes."""

    def choose(self, size: request_pb2.Size) -> Choice:
        """The nearest thing that the model takes; an unset size gives the model's default."""

    def rule(self) -> capability_pb2.SizeRule:
        """The rule for Describe."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Any size on a grid: edges `min_px`..`max_px` in steps, area and ratio bounded where not 0.

    `default` is sent where the caller wishes nothing; None leaves the choice to the provider. `tiers_default_px` is
    the edge of the square that a shape without a tier stands for.
    """

    min_px: int
    max_px: int
    step: int = 1
    min_area_px: int = 0
    max_area_px: int = 0
    max_ratio: float = 0.0
    default: tuple[int, int] | None = None
    tiers_default_px: int = 1024

    def choose(self, size: request_pb2.Size) -> Choice:
        """Legal pixels stay; others go to the nearest legal ones by ratio, then by area."""
        kind = size.WhichOneof("kind")
        if kind == "pixels" and size.pixels.width_px > 0 and size.pixels.height_px > 0:
            return _pixels_on_grid(self, size.pixels.width_px, size.pixels.height_px)
        if kind == "aspect" and (size.aspect.width_ratio > 0 or size.aspect.tier):
            return _shape_on_grid(self, size.aspect.width_ratio, size.aspect.height_ratio, size.aspect.tier)
        width, height = self.default or (0, 0)
        return Choice(width, height)

    def rule(self) -> capability_pb2.SizeRule:
        """The grid."""
        grid = capability_pb2.SizeRule.Grid(
            min_px=self.min_px,
            max_px=self.max_px,
            step_px=self.step,
            min_area_px=self.min_area_px,
            max_area_px=self.max_area_px,
            max_ratio=self.max_ratio,
        )
        return capability_pb2.SizeRule(grid=grid)

    def legal(self, width_px: int, height_px: int) -> bool:
        """Whether the model takes exactly this size."""
        if width_px % self.step or height_px % self.step:
            return False
        if not (self.min_px <= min(width_px, height_px) and max(width_px, height_px) <= self.max_px):
            return False
        area = width_px * height_px
        if area < self.min_area_px or (self.max_area_px and area > self.max_area_px):
            return False
        return not self.max_ratio or max(width_px, height_px) <= self.max_ratio * min(width_px, height_px)


@dataclass(frozen=True, slots=True)
class Exact:
    """A list of sizes and nothing else. `default` as in `Pixels`."""

    sizes: tuple[tuple[int, int], ...]
    default: tuple[int, int] | None = None

    def choose(self, size: request_pb2.Size) -> Choice:
        """The nearest of the list by ratio, then by area."""
        wish = _wish(size)
        if wish is None:
            width, height = self.default or (0, 0)
            return Choice(width, height)
        width, height = wish.pixels(1024)
        best = min(self.sizes, key=lambda one: _distance(one[0], one[1], width, height))
        changed = best != (width, height) if wish.exact else not same_shape(best[0], best[1], width, height)
        reason = "The model takes a fixed list of sizes." if changed else ""
        return Choice(best[0], best[1], requested=wish.text, changed=changed, reason=reason)

    def rule(self) -> capability_pb2.SizeRule:
        """The list."""
        sizes = [request_pb2.PixelSize(width_px=width, height_px=height) for width, height in self.sizes]
        return capability_pb2.SizeRule(exact=capability_pb2.SizeRule.Exact(sizes=sizes))


@dataclass(frozen=True, slots=True)
class Ratios:
    """A list of shapes such as "16:9", with tiers ("1K", "2K") where the model has them. `default` is a shape or ""."""

    ratios: tuple[str, ...]
    tiers: tuple[str, ...] = ()
    default: str = ""

    def choose(self, size: request_pb2.Size) -> Choice:
        """The nearest shape; of the tiers the one nearest in area."""
        wish = _wish(size)
        if wish is None:
            return Choice(ratio=self.default)
        width, height = wish.width, wish.height
        ratio = min(self.ratios, key=lambda one: abs(math.log(_ratio(one) * height / width)))
        edge = math.sqrt(math.prod(wish.pixels(1024)))
        tier = min(self.tiers, key=lambda one: abs(math.log(edge / _tier_edge(one)))) if self.tiers else ""
        if not wish.exact and not wish.tier:
            tier = ""
        near = abs(math.log(_ratio(ratio) * height / width)) <= SAME_SHAPE
        kept = near and (not wish.tier or not self.tiers or wish.tier == tier)
        reason = self._reason(wish, kept)
        return Choice(ratio=ratio, tier=tier, requested=wish.text, changed=bool(reason), reason=reason)

    def rule(self) -> capability_pb2.SizeRule:
        """The shapes."""
        shapes = capability_pb2.SizeRule.Shapes()
        for ratio in self.ratios:
            width, height = ratio.split(":")
            shapes.ratios.add(width_ratio=int(width), height_ratio=int(height))
        names = {name: tier for tier, name in TIER_NAMES.items()}
        shapes.tiers.extend(names[tier] for tier in self.tiers)
        return capability_pb2.SizeRule(shapes=shapes)

    def _reason(self, wish: "_Wish", kept: bool) -> str:
        if wish.exact:
            return "The model takes shapes, not pixels."
        return "" if kept else "The model takes a fixed list of shapes."


@dataclass(frozen=True, slots=True)
class FollowsInput:
    """The size follows the input picture; a wish is told to be dropped."""

    def choose(self, size: request_pb2.Size) -> Choice:
        """Nothing is sent."""
        wish = _wish(size)
        if wish is None:
            return Choice()
        return Choice(requested=wish.text, changed=True, reason="The size follows the input picture.")

    def rule(self) -> capability_pb2.SizeRule:
        """An unset rule."""
        return capability_pb2.SizeRule()


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    width: int
    height: int
    exact: bool
    tier: str

    def pixels(self, default_edge_px: int) -> tuple[int, int]:
        """The wish in pixels; a shape becomes that shape with its tier's area."""
        if self.exact:
            return self.width, self.height
        edge = next((TIER_EDGE_PX[key] for key, name in TIER_NAMES.items() if name == self.tier), default_edge_px)
        ratio = math.sqrt(self.width / self.height)
        return max(1, round(edge * ratio)), max(1, round(edge / ratio))


def requested_text(size: request_pb2.Size) -> str:
    """The wish as text: "1024x768", "16:9", "16:9@2K", "2K"; empty where there is none."""
    wish = _wish(size)
    return wish.text if wish else ""


def _wish(size: request_pb2.Size) -> _Wish | None:
    kind = size.WhichOneof("kind")
    if kind == "pixels" and size.pixels.width_px > 0 and size.pixels.height_px > 0:
        width, height = size.pixels.width_px, size.pixels.height_px
        return _Wish(f"{width}x{height}", width, height, True, "")
    if kind != "aspect":
        return None
    shape = size.aspect
    tier = TIER_NAMES.get(shape.tier, "")
    if shape.width_ratio > 0 and shape.height_ratio > 0:
        ratio = f"{shape.width_ratio}:{shape.height_ratio}"
        return _Wish(f"{ratio}@{tier}" if tier else ratio, shape.width_ratio, shape.height_ratio, False, tier)
    return _Wish(tier, 1, 1, False, tier) if tier else None


@lru_cache(maxsize=4096)
def _pixels_on_grid(grid: Pixels, width: int, height: int) -> Choice:
    requested = f"{width}x{height}"
    if grid.legal(width, height):
        return Choice(width, height, requested=requested)
    best = _snapped(grid, width, height) or _nearest_on_grid(grid, width, height)
    return Choice(best[0], best[1], requested=requested, changed=True, reason=_grid_reason(grid))


@lru_cache(maxsize=4096)
def _shape_on_grid(grid: Pixels, width_ratio: int, height_ratio: int, tier: "request_pb2.SizeTier") -> Choice:
    aspect = request_pb2.AspectSize(width_ratio=width_ratio, height_ratio=height_ratio, tier=tier)
    requested = requested_text(request_pb2.Size(aspect=aspect))
    if not width_ratio or not height_ratio:
        width_ratio = height_ratio = 1
    edge = TIER_EDGE_PX[tier] if tier else grid.tiers_default_px
    best = _largest_within(grid, width_ratio / height_ratio, edge * edge)
    if best is None:
        root = math.sqrt(width_ratio / height_ratio)
        best = _nearest_on_grid(grid, max(1, round(edge * root)), max(1, round(edge / root)))
    tier_kept = not tier or abs(math.log(best[0] * best[1] / (edge * edge))) <= SAME_AREA
    changed = not same_shape(best[0], best[1], width_ratio, height_ratio) or not tier_kept
    reason = _grid_reason(grid) if changed else ""
    return Choice(best[0], best[1], requested=requested, changed=changed, reason=reason)


def _largest_within(grid: Pixels, ratio: float, area: int) -> tuple[int, int] | None:
    """The largest legal size near a shape that is no larger than `area`: one pixel more may be billed as a megapixel.

    One per cent of ratio weighs as much as four of area.
    """
    best: tuple[float, int, int] | None = None
    for column in _columns(grid, round(math.sqrt(area * ratio))):
        for row in {*_neighbours(grid, round(column / ratio)), *_neighbours(grid, area // column)}:
            error = abs(math.log(column / row / ratio))
            if column * row <= area and error <= SAME_SHAPE and grid.legal(column, row):
                score = (math.log(column * row / area) - 4 * error, column, row)
                best = max(best, score) if best else score
    return (best[1], best[2]) if best else None


def _columns(grid: Pixels, width: int) -> set[int]:
    """Widths worth looking at: all of the grid, or a few hundred of a fine one and those around `width`."""
    first = math.ceil(grid.min_px / grid.step) * grid.step
    stride = max(grid.step, (grid.max_px - first) // 512 // grid.step * grid.step)
    around = range(max(first, width - 8 * grid.step), min(grid.max_px, width + 8 * grid.step) + 1)
    columns = {column for column in around if column % grid.step == 0}
    return columns.union(range(first, grid.max_px + 1, stride), _neighbours(grid, width))


def _snapped(grid: Pixels, width: int, height: int) -> tuple[int, int] | None:
    """Both edges moved to the nearest step, up where two are as near; None where that is not legal or another shape."""
    near = ((width + grid.step // 2) // grid.step * grid.step, (height + grid.step // 2) // grid.step * grid.step)
    return near if min(near) > 0 and grid.legal(*near) and same_shape(*near, width, height) else None


def _nearest_on_grid(grid: Pixels, width: int, height: int) -> tuple[int, int]:
    """The legal size with the least distance; columns are looked at from the nearest on, a few hundred at most."""
    best: tuple[float, int, int] | None = None
    bounds = [round(math.sqrt(area * width / height)) for area in (grid.min_area_px, grid.max_area_px) if area]
    columns = set().union(*(_columns(grid, near) for near in (width, *bounds)))
    for away, column in sorted((abs(math.log(column / width)), column) for column in columns):
        if best and _least_distance(away) > best[0]:
            break
        for row in _rows(grid, column, width, height):
            if grid.legal(column, row):
                score = (_distance(column, row, width, height), column, row)
                best = min(best, score) if best else score
    if best is None:
        raise ValueError(f"no legal size on {grid}")
    return best[1], best[2]


def _rows(grid: Pixels, column: int, width: int, height: int) -> set[int]:
    rows = set(_neighbours(grid, round(column * height / width)))
    if grid.max_area_px:
        rows.update(_neighbours(grid, grid.max_area_px // column))
    if grid.min_area_px:
        rows.update(_neighbours(grid, -(-grid.min_area_px // column)))
    if grid.max_ratio:
        rows.update(_neighbours(grid, int(column / grid.max_ratio)))
        rows.update(_neighbours(grid, int(column * grid.max_ratio)))
    rows.update(_neighbours(grid, height))
    return rows


def _neighbours(grid: Pixels, edge: int) -> tuple[int, int]:
    least = math.ceil(grid.min_px / grid.step) * grid.step
    most = grid.max_px // grid.step * grid.step
    below = min(max(edge // grid.step * grid.step, least), most)
    return below, min(below + grid.step, most)


def _distance(width: int, height: int, wanted_width: int, wanted_height: int) -> float:
    """Ratio weighs most; area counts by its square, so that a little less is cheap and half is dear."""
    ratio = abs(math.log(width * wanted_height / (height * wanted_width)))
    area = math.log(width * height / (wanted_width * wanted_height))
    return 40 * ratio + 8 * area * area


def _least_distance(away: float) -> float:
    """The least that `_distance` gives for a width that is so far away, as a logarithm, whatever the height."""
    return 32 * away * away - _ROUNDING if away < 1.25 else 80 * away - 50 - _ROUNDING


def same_shape(width: int, height: int, wanted_width: int, wanted_height: int) -> bool:
    """Whether two sizes have the same shape, within 2 %."""
    return abs(math.log(width * wanted_height / (height * wanted_width))) <= SAME_SHAPE


def _grid_reason(grid: Pixels) -> str:
    parts = [f"edges of {grid.min_px} to {grid.max_px} px in steps of {grid.step}"]
    if grid.min_area_px:
        parts.append(f"at least {grid.min_area_px} pixels in all")
    if grid.max_area_px:
        parts.append(f"at most {grid.max_area_px} pixels in all")
    if grid.max_ratio:
        parts.append(f"a ratio of at most {grid.max_ratio:g}")
    return f"The model takes {', '.join(parts)}."


def _ratio(text: str) -> float:
    width, height = text.split(":")
    return int(width) / int(height)


def _tier_edge(name: str) -> int:
    return next(TIER_EDGE_PX[key] for key, one in TIER_NAMES.items() if one == name)


def shapes(names: Sequence[str]) -> tuple[str, ...]:
    """Shapes as a tuple, each checked to be "W:H"."""
    for name in names:
        _ratio(name)
    return tuple(names)
