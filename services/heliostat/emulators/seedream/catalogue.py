"""ByteDance's models that draw as of 2026-11-22, and what a picture costs in micro-USD.

Those of mainland China are billed in CNY; the journal writes them down at a rate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Size = tuple[int, int]

MICROS_PER_FEN = 1_400
"""Micro-USD of a hundredth of a CNY, in the journal: 0.14 USD for 1 CNY."""
LEVELS_PX: Mapping[str, int] = {"1K": 1024, "1.5K": 1536, "2K": 2048, "3K": 3072, "4K": 4096}
MOST_RATIO = 16


@dataclass(frozen=True)
class SeedreamModel:
    """One model.

    `small` is the area in px up to which a picture costs `small_micros`; above, and where it is 0, `micros`. Pictures
    put in cost `input_micros` each, but for the first `free_inputs`. `sequences`: it may draw several at once.
    """

    name: str
    micros: int
    least_px: int
    most_px: int
    levels: tuple[str, ...] = ()
    usual: str = "2K"
    small: int = 0
    small_micros: int = 0
    input_micros: int = 0
    free_inputs: int = 0
    inputs: int = 14
    formats: bool = False
    transparent: bool = False
    sequences: bool = False
    seeded: bool = False
    draws: bool = True
    modes: tuple[str, ...] = ()
    edges_px: tuple[int, int] = field(default=(14, 16_384))

    def cost_micros(self, sizes: list[Size], inputs: int) -> int:
        """Price pictures of these sizes, made of so many others."""
        each = [self.small_micros if width * height <= self.small else self.micros for width, height in sizes]
        return sum(each) + max(0, inputs - self.free_inputs) * self.input_micros if sizes else 0


STANDARD, FAST = ("standard",), ("standard", "fast")
MODELS = (
    SeedreamModel(
        *("seedream-5-5-261028", 35_000, 921_600, 2048 * 2048, ("1K", "1.5K", "2K")),
        small=2_601_123,
        small_micros=20_000,
        input_micros=8_000,
        inputs=10,
        formats=True,
        transparent=True,
    ),
    SeedreamModel(
        *("dola-seedream-5-0-pro-260628", 90_000, 921_600, 2048 * 2048, ("1K", "2K")),
        small=2_360_000,
        small_micros=45_000,
        input_micros=3_000,
        free_inputs=1,
        formats=True,
    ),
    SeedreamModel(
        *("seedream-5-0-260128", 35_000, 3_686_400, 10_404_496, ("2K", "3K")),
        formats=True,
        sequences=True,
        modes=STANDARD,
    ),
    SeedreamModel(
        *("seedream-4-5-251128", 40_000, 3_686_400, 16_777_216, ("2K", "4K")), sequences=True, modes=STANDARD
    ),
    SeedreamModel(
        *("seedream-4-0-250828", 30_000, 921_600, 16_777_216, ("1K", "2K", "4K")), sequences=True, modes=FAST
    ),
    SeedreamModel(
        *("seedream-3-0-t2i-250415", 30_000, 512 * 512, 2048 * 2048),
        usual="1024x1024",
        inputs=0,
        seeded=True,
        edges_px=(512, 2048),
    ),
    SeedreamModel(
        *("seededit-3-0-i2i-250628", 30_000, 0, 0, ("adaptive",)), usual="adaptive", inputs=1, seeded=True, draws=False
    ),
    SeedreamModel(
        *("doubao-seedream-5-0-pro-260628", 60 * MICROS_PER_FEN, 921_600, 2048 * 2048, ("1K", "2K")),
        small=2_360_000,
        small_micros=30 * MICROS_PER_FEN,
        formats=True,
    ),
    SeedreamModel(
        *("doubao-seedream-5-0-260128", 22 * MICROS_PER_FEN, 3_686_400, 10_404_496, ("2K", "3K")),
        formats=True,
        sequences=True,
        modes=STANDARD,
    ),
    SeedreamModel(
        *("doubao-seedream-4-5-251128", 25 * MICROS_PER_FEN, 3_686_400, 16_777_216, ("2K", "4K")),
        sequences=True,
        modes=STANDARD,
    ),
    SeedreamModel(
        *("doubao-seedream-4-0-250828", 20 * MICROS_PER_FEN, 921_600, 16_777_216, ("1K", "2K", "4K")),
        sequences=True,
        modes=FAST,
    ),
)
BY_NAME = {model.name: model for model in MODELS}


def of_level(level: str, ratio: float) -> Size:
    """Give the size in px of a level for a shape: edges that 16 divides, no more in all than the level's square."""
    edge, root = LEVELS_PX[level], math.sqrt(ratio)
    return int(edge * root) // 16 * 16, int(edge / root) // 16 * 16
