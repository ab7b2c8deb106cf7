"""One line of a price list: what is counted, when the line holds, and how the provider rounds. Pure.

Amounts are exact decimals in the list's own currency; nothing is rounded to money here (see pricing.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Size = tuple[int, int]

MEGAPIXEL = 1_000_000
MEBIPIXEL = 1_048_576
ONE = Decimal(1)
NOTHING = Decimal(0)

TOKENS = ("text_in", "cached_text_in", "image_in", "cached_image_in", "image_out", "text_out")

Amount = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]
Pixels = Annotated[int, Field(ge=1, le=2**40)]
Unit = Literal["image", "request", "megapixel", "tile", "step", "second", "million_tokens"]
Counted = Literal[
    "output", "input", "text_in", "cached_text_in", "image_in", "cached_image_in", "image_out", "text_out"
]


@dataclass(frozen=True, slots=True)
class Order:
    """What a price depends on.

    `width_px` and `height_px` are of each picture, 0 where the provider chooses. `variant` holds the words that price
    lines name, such as {"quality": "high"}. `input_sizes` are (width, height) in px of the input pictures as far as
    they are known: (0, 0) where not; `input_count` counts all of them. `steps` is 0 where the provider chooses.
    """

    width_px: int = 0
    height_px: int = 0
    image_count: int = 1
    variant: Mapping[str, str] = field(default_factory=dict)
    prompt_chars: int = 0
    input_count: int = 0
    partial_count: int = 0
    input_sizes: Sequence[Size] = ()
    steps: int = 0
    operation: str = "text_to_image"


@dataclass(frozen=True, slots=True)
class Part:
    """A quantity times a price. `quantity` is what there is, `billable` what the provider counts of it."""

    side: str
    metric: str
    quantity: Decimal
    billable: Decimal
    price: Decimal

    @property
    def total(self) -> Decimal:
        """The product, exact."""
        return self.billable * self.price


class Unclear(Exception):
    """The order does not tell what the line hangs on: its price is unknown, not 0."""


class Line(BaseModel):
    """One line. Of lines that count the same thing, the first one that holds for an order counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per: Unit = Field(description="What one unit is.")
    price: Amount = Field(description="Price of one unit, in the currency of the list.")
    of: Counted = Field("output", description="What is counted: pictures put out or in, or a kind of token.")
    first: Amount | None = Field(None, description="Price of the first unit of each picture, where it differs.")
    free: int = Field(0, ge=0, le=1000, description="How many of the input pictures cost nothing.")
    when: dict[str, str] = Field({}, description="Words that the order must hold, such as quality: high.")
    min_px: Pixels | None = Field(None, description="Least width times height for which the line holds.")
    max_px: Pixels | None = Field(None, description="Greatest width times height for which the line holds.")
    max_side_px: Pixels | None = Field(None, description="Greatest longer edge for which the line holds.")
    megapixel_px: Pixels = Field(MEGAPIXEL, description="Pixels of one megapixel: 1000000 or 1048576.")
    round: Literal["none", "up"] = Field("none", description="up: whole megapixels begun, of each picture.")
    least: Amount = Field(NOTHING, description="Least megapixels that are counted of each picture.")
    most: Amount | None = Field(None, description="Most megapixels that are counted of each picture.")
    least_total: Amount = Field(NOTHING, description="Least megapixels that are counted of all pictures together.")
    tile_px: Pixels = Field(512, description="Edge of a tile; a tile that is begun counts.")
    steps_included: int | None = Field(None, ge=1, le=1000, description="Steps that the price is quoted for.")
    fewer_steps: Literal["same", "cheaper"] = Field("same", description="Whether fewer steps lower the price.")
    default_steps: int | None = Field(None, ge=1, le=1000, description="Steps where the order names none.")
    typical_s: Amount | None = Field(None, description="Seconds of an ordinary run, for the estimate.")

    @field_validator("when", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {str(key): _word(one) for key, one in value.items()}

    @model_validator(mode="after")
    def _fits_together(self) -> "Line":
        if (self.per == "million_tokens") != (self.of in TOKENS):
            raise ValueError("`per: million_tokens` goes with a kind of token in `of`, and only with one")
        if self.per == "request" and self.of != "output":
            raise ValueError("a request is counted once; leave `of` out")
        if self.first is not None and self.per not in ("megapixel", "tile"):
            raise ValueError("`first` is known of megapixels and tiles only")
        if self.min_px is not None and self.max_px is not None and self.min_px > self.max_px:
            raise ValueError("min_px is greater than max_px")
        return self

    @property
    def counts(self) -> tuple[str, str]:
        """What it counts; of lines that count the same one holds."""
        return self.per, self.of

    @property
    def side(self) -> str:
        """ "input" or "output"."""
        return "input" if self.of in ("input", "text_in", "cached_text_in", "image_in", "cached_image_in") else "output"

    @property
    def condition(self) -> str:
        """When it holds, in words such as "quality=high,px<=2360000"; empty where always."""
        words = [f"{name}={word}" for name, word in self.when.items()]
        words += [f"px>={self.min_px}"] if self.min_px is not None else []
        words += [f"px<={self.max_px}"] if self.max_px is not None else []
        words += [f"side<={self.max_side_px}"] if self.max_side_px is not None else []
        return ",".join(words)

    def holds(self, order: Order) -> bool:
        """Whether it holds for the order. Raises Unclear where that hangs on a size that nobody knows."""
        if any(_said(order, name) != word for name, word in self.when.items()):
            return False
        if self.min_px is None and self.max_px is None and self.max_side_px is None:
            return True
        if not order.width_px:
            raise Unclear
        area, side = order.width_px * order.height_px, max(order.width_px, order.height_px)
        return (
            (self.min_px is None or area >= self.min_px)
            and (self.max_px is None or area <= self.max_px)
            and (self.max_side_px is None or side <= self.max_side_px)
        )

    def steps_factor(self, order: Order) -> Decimal:
        """By how much the steps of the order raise or lower the price."""
        if self.steps_included is None:
            return ONE
        steps = order.steps or self.default_steps or self.steps_included
        factor = Decimal(steps) / Decimal(self.steps_included)
        return max(ONE, factor) if self.fewer_steps == "same" else factor

    def steps(self, order: Order) -> int:
        """Steps of one picture. Raises Unclear where nobody knows."""
        steps = order.steps or self.default_steps
        if not steps:
            raise Unclear
        return steps

    def pictures(self, order: Order) -> list[Size]:
        """Sizes of the pictures that it counts; (0, 0) for those that are not known."""
        if self.of == "output":
            return [(order.width_px, order.height_px)] * order.image_count
        known = list(order.input_sizes)
        count = max(order.input_count, len(known))
        return (known + [(0, 0)] * (count - len(known)))[self.free :]

    def megapixels(self, size: Size) -> tuple[Decimal, Decimal]:
        """(exact, counted) megapixels of one picture. Raises Unclear where an output's size is not known.

        An input picture of an unknown size counts as one megapixel.
        """
        exact = Decimal(size[0] * size[1]) / Decimal(self.megapixel_px)
        if not exact:
            if self.of == "output":
                raise Unclear
            exact = ONE
        counted = max(Decimal(math.ceil(exact)) if self.round == "up" else exact, self.least)
        return exact, counted if self.most is None else min(counted, self.most)

    def tiles(self, size: Size) -> Decimal:
        """Tiles that a picture begins. Raises Unclear where its size is not known."""
        if not size[0]:
            raise Unclear
        return Decimal(math.ceil(size[0] / self.tile_px) * math.ceil(size[1] / self.tile_px))


def _word(value: Any) -> str:
    """A word as price lists compare it: true and false as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(order: Order, name: str) -> str:
    if name == "operation":
        return order.operation
    if name == "size" and "size" not in order.variant:
        return f"{order.width_px}x{order.height_px}"
    return str(order.variant.get(name, ""))


def parts_of(line: Line, order: Order) -> list[Part]:
    """What a line that holds comes to, tokens and seconds apart. Raises Unclear."""
    factor = line.steps_factor(order)
    if line.per == "request":
        return [Part("output", "request", ONE, factor, line.price)]
    sizes = line.pictures(order)
    count = Decimal(len(sizes))
    if not sizes:
        return []
    if line.per == "image":
        return [Part(line.side, "image", count, count * factor, line.price)]
    if line.per == "step":
        steps = count * line.steps(order)
        return [Part(line.side, "step", steps, steps, line.price)]
    if line.per == "tile":
        counted = [(line.tiles(size), line.tiles(size)) for size in sizes]
    else:
        counted = [line.megapixels(size) for size in sizes]
    exact, billed = sum((one for one, _ in counted), NOTHING), sum((one for _, one in counted), NOTHING)
    billed = max(billed, line.least_total)
    if line.first is None:
        return [Part(line.side, line.per, exact, billed * factor, line.price)]
    further = max(billed - count, NOTHING)
    parts = [Part(line.side, line.per, min(exact, count), count * factor, line.first)]
    if further:
        parts.append(Part(line.side, line.per, max(exact - count, NOTHING), further * factor, line.price))
    return parts
