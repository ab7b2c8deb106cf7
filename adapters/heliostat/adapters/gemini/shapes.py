"""Sizes of Gemini's models: a shape out of a list and a tier, whose pixels are documented. Pure.

Source: ai.google.dev/gemini-api/docs/image-generation, read 2026-11-22. Pixels of the extreme shapes are not confirmed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.adapters.sdk import Choice, Ratios
from heliostat.api.image.v1 import capability_pb2, request_pb2

Size = tuple[int, int]
UNKNOWN: Size = (0, 0)
_FACTORS = {"0.5K": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}

FIRST: Mapping[str, Size] = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
"""Pixels of gemini-2.5-flash-image by shape."""

THIRD: Mapping[str, Size] = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
"""Pixels of the newer models by shape, at 1K."""

EXTREME: Mapping[str, Size] = {**THIRD, "1:4": UNKNOWN, "4:1": UNKNOWN, "1:8": UNKNOWN, "8:1": UNKNOWN}


@dataclass(frozen=True, slots=True)
class Shapes:
    """A shape of the list and a tier. Wished pixels are honoured where they are those of a shape and a tier."""

    pixels: Mapping[str, Size]
    tiers: tuple[str, ...] = ("1K",)

    def choose(self, size: request_pb2.Size) -> Choice:
        """Of pixels the nearest shape, with the smallest tier that has as many of them."""
        if size.WhichOneof("kind") == "pixels" and size.pixels.width_px > 0 and size.pixels.height_px > 0:
            return self._of_pixels(size.pixels.width_px, size.pixels.height_px)
        return self._ratios.choose(size)

    def rule(self) -> capability_pb2.SizeRule:
        """The shapes and tiers."""
        return self._ratios.rule()

    def nearest(self, width_px: int, height_px: int) -> str:
        """The shape that is nearest to a picture's."""
        return min(self.pixels, key=lambda ratio: abs(math.log(_of(ratio) * height_px / width_px)))

    @property
    def _ratios(self) -> Ratios:
        return Ratios(tuple(self.pixels), self.tiers)

    def _of_pixels(self, width_px: int, height_px: int) -> Choice:
        ratio = self.nearest(width_px, height_px)
        enough = (tier for tier in self.tiers if self._area(ratio, tier) >= width_px * height_px)
        tier = next(enough, self.tiers[-1])
        width, height = self._at(ratio, tier)
        changed = (width, height) != (width_px, height_px)
        return Choice(
            width,
            height,
            ratio,
            tier,
            requested=f"{width_px}x{height_px}",
            changed=changed,
            reason="The model takes a fixed list of shapes and sizes." if changed else "",
        )

    def _at(self, ratio: str, tier: str) -> Size:
        width, height = self.pixels[ratio]
        return round(width * _FACTORS[tier]), round(height * _FACTORS[tier])

    def _area(self, ratio: str, tier: str) -> int:
        """Pixels of a shape; where they are not known, those of the tier's square."""
        width, height = self._at(ratio if self.pixels[ratio][0] else "1:1", tier)
        return width * height


def _of(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)
