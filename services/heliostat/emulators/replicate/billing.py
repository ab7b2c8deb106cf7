"""Replicate's prices as of 2026-11-22 (replicate.com/pricing and model pages), in whole micro-USD, rounded up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

MEGAPIXEL_PX = 1_048_576
T4_MICROS, L40S_MICROS = 225, 975
"""Micro-USD per second of hardware."""
PREDICT_S = Fraction(2)
"""How long every run says that it took; the true time is a painter's and means nothing."""

Size = tuple[int, int]


class Price(Protocol):
    """How a model is priced."""

    def micros(self, outputs: Sequence[Size], inputs: Sequence[Size]) -> int:
        """Price a finished run by the sizes of its pictures, in px."""


@dataclass(frozen=True)
class PerPicture:
    """So much for each picture put out."""

    each: int

    def micros(self, outputs: Sequence[Size], inputs: Sequence[Size]) -> int:
        """Count pictures."""
        return self.each * len(outputs)


@dataclass(frozen=True)
class PerRun:
    """So much for a run, and for each begun megapixel of what goes in and comes out."""

    run: int
    megapixel: int

    def micros(self, outputs: Sequence[Size], inputs: Sequence[Size]) -> int:
        """Count megapixels."""
        begun = sum(max(1, -(-size[0] * size[1] // MEGAPIXEL_PX)) for size in (*outputs, *inputs))
        return self.run + self.megapixel * begun


@dataclass(frozen=True)
class PerSecond:
    """So much for each second of hardware."""

    second: int

    def micros(self, outputs: Sequence[Size], inputs: Sequence[Size]) -> int:
        """Count the seconds that the run says."""
        return math.ceil(self.second * PREDICT_S)
