"""xAI's models that draw as of 2026-11-22, and what their pictures cost in micro-USD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Size = tuple[int, int]

RATIOS = frozenset(
    "1:1 3:4 4:3 9:16 16:9 2:3 3:2 9:19.5 19.5:9 9:20 20:9 1:2 2:1 auto".split()  # noqa: SIM905 - one word a shape
)
EDGES = {"1k": 1024, "1.5k": 1536, "2k": 2048}
TICKS = 10_000
"""Ticks of one micro-USD: 10^10 are a dollar."""


@dataclass(frozen=True)
class XaiModel:
    """One model. `prices` are by (quality, resolution); the quality is empty where there is no choice."""

    name: str
    prices: Mapping[tuple[str, str], int]
    input_micros: int
    references: int
    qualities: tuple[str, ...] = ()

    @property
    def resolutions(self) -> frozenset[str]:
        """Give the words that `resolution` may have."""
        return frozenset(resolution for _, resolution in self.prices)


MODELS = (
    XaiModel("grok-imagine-image", {("", "1k"): 20_000, ("", "2k"): 20_000}, 2_000, 4),
    XaiModel("grok-imagine-image-quality", {("", "1k"): 50_000, ("", "2k"): 70_000}, 10_000, 3),
    XaiModel(
        "grok-imagine-image-2.0",
        {("low", "1k"): 40_000, ("low", "2k"): 60_000, ("medium", "1k"): 60_000, ("medium", "2k"): 80_000},
        10_000,
        3,
        ("low", "medium"),
    ),
)
BY_NAME = {model.name: model for model in MODELS}


def size_of(ratio: str, resolution: str) -> Size:
    """Give the size in px of a shape: edges that 16 divides, about the area of the resolution's square."""
    width, height = (float(word) for word in ("1:1" if ratio == "auto" else ratio).split(":"))
    root = math.sqrt(width / height)
    edge = EDGES[resolution]
    return 16 * round(edge * root / 16), 16 * round(edge / root / 16)
