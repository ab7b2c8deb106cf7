"""fal's prices as of 2026-11-22 (fal.ai model pages and docs).

A megapixel is 1,048,576 pixels, rounded up per picture: fal's own example (1920x1080 is two) fits nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from heliostat.emulators import tokens

MEGAPIXEL_PX = 1_048_576
Size = tuple[int, int]


@dataclass(frozen=True)
class Job:
    """What a finished job used, as far as prices ask. Sizes are (width, height) in pixels."""

    outputs: Sequence[Size]
    inputs: Sequence[Size] = ()
    prompt: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    """The words that some prices depend on: `resolution`, `style`, `quality`."""


@dataclass(frozen=True)
class Bill:
    """Units as fal counts them, and their price in whole micro-USD, rounded up."""

    units: Fraction
    cost_micros: int

    @property
    def units_text(self) -> str:
        """Write the units for `X-Fal-Billable-Units`."""
        return str(self.units.numerator) if self.units.denominator == 1 else f"{float(self.units):.6f}"


class Price(Protocol):
    """How a model is priced."""

    def bill(self, job: Job) -> Bill:
        """Price a finished job."""


def megapixels(size: Size) -> int:
    """Count a picture's megapixels, rounded up."""
    return max(1, -(-size[0] * size[1] // MEGAPIXEL_PX))


@dataclass(frozen=True)
class MegapixelPrice:
    """Micro-USD for the first megapixel of each output, for its further ones, and for each megapixel of the inputs."""

    first: int
    further: int
    input: int = 0

    @classmethod
    def flat(cls, micros: int) -> MegapixelPrice:
        """Charge the same for every megapixel put out."""
        return cls(micros, micros)

    def bill(self, job: Job) -> Bill:
        """Count what is put out, and what is put in where that has a price."""
        out = [megapixels(size) for size in job.outputs]
        put_in = sum(map(megapixels, job.inputs)) if self.input else 0
        cost = sum(self.first + (count - 1) * self.further for count in out) + put_in * self.input
        return Bill(Fraction(sum(out) + put_in), cost)


@dataclass(frozen=True)
class ErasePrice:
    """FLUX's eraser: a first megapixel put out, further ones, and those put in, of which three count at least.

    The worked example of its page counts a megapixel as a million pixels.
    """

    first: int = 30_000
    further: int = 4_000
    input: int = 4_000

    def bill(self, job: Job) -> Bill:
        """Count what comes out and what goes in."""
        out, put_in = (
            sum(-(-width * height // 1_000_000) for width, height in sizes) for sizes in (job.outputs, job.inputs)
        )
        put_in = max(3, put_in)
        return Bill(Fraction(out + put_in), self.first + (out - 1) * self.further + put_in * self.input)


@dataclass(frozen=True)
class ImagePrice:
    """Micro-USD for each picture, times a factor for some value of one option."""

    micros: int
    option: str = ""
    factors: Mapping[str, Fraction] = field(default_factory=dict)

    def bill(self, job: Job) -> Bill:
        """Count pictures, dearer ones as more than one."""
        value = job.options.get(self.option, "")
        factor = next((factor for start, factor in self.factors.items() if value.startswith(start)), Fraction(1))
        units = len(job.outputs) * factor
        return Bill(units, math.ceil(units * self.micros))


@dataclass(frozen=True)
class TokenPrice:
    """OpenAI's token price of gpt-image-2. fal's unit for it is not documented; here a unit is one US dollar."""

    def bill(self, job: Job) -> Bill:
        """Count tokens by OpenAI's rules."""
        factor = tokens.FACTORS_2[job.options["quality"]]
        usage = tokens.Usage(
            text_in=tokens.text_tokens(job.prompt),
            image_in=sum(map(tokens.image_tokens, job.inputs)),
            image_out=sum(tokens.output_tokens_2(size, factor) for size in job.outputs),
        )
        cost = usage.cost_micros(tokens.PRICES_2)
        return Bill(Fraction(cost, 1_000_000), cost)


@dataclass(frozen=True)
class SecondPrice:
    """Micro-USD per compute second; the true rates are not published. The emulator says one second for every job."""

    micros: int

    def bill(self, job: Job) -> Bill:
        """Count one second."""
        return Bill(Fraction(1), self.micros)


@dataclass(frozen=True)
class RequestPrice:
    """Micro-USD for a job, whatever it gives."""

    micros: int

    def bill(self, job: Job) -> Bill:
        """Count one job."""
        return Bill(Fraction(1), self.micros)
