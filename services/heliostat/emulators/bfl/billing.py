"""Black Forest Labs' prices in credits (a credit is one US cent), docs.bfl.ai and bfl.ai/pricing as of 2026-11-22.

A megapixel is 1,048,576 px; every picture put out or in is counted up to whole ones, four at most: larger inputs are
scaled down first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

MEGAPIXEL_PX = 1_048_576
MICROS_PER_CREDIT = 10_000
MOST_MEGAPIXELS = 4
Size = tuple[int, int]


def megapixels(size: Size) -> int:
    """Count a picture's megapixels, rounded up: those of what a picture is scaled down to."""
    return min(max(1, -(-size[0] * size[1] // MEGAPIXEL_PX)), MOST_MEGAPIXELS)


class Price(Protocol):
    """How an endpoint is priced."""

    def credits(self, output: Size, inputs: Sequence[Size], resolution: str) -> Fraction:
        """Price one picture."""


@dataclass(frozen=True)
class Flat:
    """So many credits a picture."""

    each: Fraction

    def credits(self, output: Size, inputs: Sequence[Size], resolution: str) -> Fraction:
        """The same for every picture."""
        return self.each


@dataclass(frozen=True)
class ByMegapixel:
    """Credits for the first megapixel put out, and for each further one, in or out."""

    first: Fraction
    further: Fraction

    def credits(self, output: Size, inputs: Sequence[Size], resolution: str) -> Fraction:
        """Count megapixels."""
        return self.first + self.further * (megapixels(output) - 1 + sum(map(megapixels, inputs)))


@dataclass(frozen=True)
class ByResolution:
    """Credits by the word for a resolution."""

    each: Mapping[str, Fraction] = field(default_factory=dict)

    def credits(self, output: Size, inputs: Sequence[Size], resolution: str) -> Fraction:
        """Look the word up."""
        return self.each[resolution]
