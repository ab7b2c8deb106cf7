"""Price tables: what an order is expected to cost and what an answer did cost. Pure.

All amounts are US dollars given as text ("0.04") and come out as whole micro-USD, rounded half up, so that sums are
exact. A price is data: the JSON beside an adapter names its source and the day it was read.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from google.type.money_pb2 import Money

from heliostat.api.image.v1 import capability_pb2, event_pb2

MICROS = Decimal(1_000_000)
MEGAPIXEL = 1_000_000
MEBIPIXEL = 1_048_576


@dataclass(frozen=True, slots=True)
class Order:
    """What a price depends on before the call.

    `width_px` and `height_px` are 0 where the provider chooses. `variant` holds the words that price lines name,
    such as {"quality": "high"}.
    """

    width_px: int = 0
    height_px: int = 0
    image_count: int = 1
    variant: Mapping[str, str] = field(default_factory=dict)
    prompt_chars: int = 0
    input_count: int = 0
    partial_count: int = 0


class Pricing(Protocol):
    """How one model is paid."""

    def lines(self) -> Sequence[capability_pb2.Price]:
        """The price table, for people and for the router's own estimate."""

    def estimate(self, order: Order) -> int | None:
        """Expected micro-USD of the whole order; None where nobody can tell."""

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Micro-USD of what was delivered (`order` measured, `usage` reported); None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Free:
    """Costs nothing."""

    def lines(self) -> Sequence[capability_pb2.Price]:
        """One line of zero."""
        return [_line(capability_pb2.PRICE_UNIT_IMAGE, Decimal(0))]

    def estimate(self, order: Order) -> int | None:
        """Always 0."""
        return 0

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Always 0."""
        return 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Costs something that nobody wrote down: estimates are absent, never 0."""

    def lines(self) -> Sequence[capability_pb2.Price]:
        """No line."""
        return []

    def estimate(self, order: Order) -> int | None:
        """Always unknown."""
        return None

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Always unknown."""
        return None


@dataclass(frozen=True, slots=True)
class PerImage:
    """A price per delivered picture; `prices` maps a variant such as "quality=high" to US dollars, "" is the rest."""

    prices: Mapping[str, Decimal]

    def lines(self) -> Sequence[capability_pb2.Price]:
        """One line per variant."""
        return [_line(capability_pb2.PRICE_UNIT_IMAGE, price, variant=name) for name, price in self.prices.items()]

    def estimate(self, order: Order) -> int | None:
        """Pictures times the price of the order's variant."""
        price = self._price(order)
        return None if price is None else micros(price * order.image_count)

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """The same rule on what was delivered."""
        return self.estimate(order)

    def _price(self, order: Order) -> Decimal | None:
        words = {f"{key}={value}" for key, value in order.variant.items()}
        if order.width_px:
            words.add(f"size={order.width_px}x{order.height_px}")
        for name, price in self.prices.items():
            if name and set(name.split(",")) <= words:
                return price
        return self.prices.get("")


@dataclass(frozen=True, slots=True)
class PerMegapixel:
    """A price per megapixel of each picture.

    `unit_px` pixels are one megapixel; `rounding` is "ceil" (whole megapixels begun) or "exact"; `minimum` is the
    least megapixels of a picture; `input_price` is paid per input picture's megapixel begun, taken as one each.
    """

    price: Decimal
    rounding: str = "exact"
    unit_px: int = MEGAPIXEL
    minimum: Decimal = Decimal(0)
    first: Decimal | None = None
    input_price: Decimal = Decimal(0)

    def lines(self) -> Sequence[capability_pb2.Price]:
        """One line, and one for the first megapixel or for inputs where they differ."""
        unit = capability_pb2.PRICE_UNIT_MEGAPIXEL
        lines = [_line(unit, self.price)]
        if self.first is not None:
            lines.insert(0, _line(unit, self.first, variant="megapixel=first"))
        if self.input_price:
            lines.append(_line(unit, self.input_price, billable="input_image"))
        return lines

    def megapixels(self, width_px: int, height_px: int) -> Decimal:
        """Megapixels of one picture as the provider counts them."""
        exact = Decimal(width_px * height_px) / Decimal(self.unit_px)
        counted = Decimal(math.ceil(exact)) if self.rounding == "ceil" else exact
        return max(counted, self.minimum)

    def estimate(self, order: Order) -> int | None:
        """Pictures times megapixels times price; unknown where the size is."""
        if not order.width_px:
            return None
        return self._total(self.megapixels(order.width_px, order.height_px), order)

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """By the provider's billed units where it reports them, else by the measured size."""
        if usage.billed_units > 0:
            return micros(Decimal(str(usage.billed_units)) * self.price)
        return self.estimate(order)

    def _total(self, megapixels: Decimal, order: Order) -> int:
        if self.first is None:
            each = megapixels * self.price
        else:
            each = self.first + max(megapixels - 1, Decimal(0)) * self.price
        return micros(each * order.image_count + self.input_price * order.input_count)


@dataclass(frozen=True, slots=True)
class PerToken:
    """Prices per million tokens.

    Estimates take `quote`, the provider's own price per picture, where it has the order's variant; else
    `output_tokens(order)`, the expected output tokens of one picture.
    """

    input_text: Decimal
    input_image: Decimal
    output_image: Decimal
    output_text: Decimal = Decimal(0)
    output_tokens: Callable[[Order], int | None] | None = None
    partial_tokens: int = 0
    prompt_overhead_tokens: int = 0
    quote: PerImage | None = None

    def lines(self) -> Sequence[capability_pb2.Price]:
        """One line per kind of token."""
        unit = capability_pb2.PRICE_UNIT_MILLION_TOKENS
        kinds = {
            "input_text": self.input_text,
            "input_image": self.input_image,
            "output_image": self.output_image,
            "output_text": self.output_text,
        }
        return [_line(unit, price, billable=kind) for kind, price in kinds.items() if price]

    def estimate(self, order: Order) -> int | None:
        """Output tokens of the pictures and previews, and a prompt of one token per four characters."""
        quoted = self.quote.estimate(order) if self.quote else None
        if quoted is not None:
            return quoted
        each = self.output_tokens(order) if self.output_tokens else None
        if each is None:
            return None
        prompt = math.ceil(order.prompt_chars / 4) + self.prompt_overhead_tokens
        image_tokens = (each + self.partial_tokens * order.partial_count) * order.image_count
        return micros((prompt * self.input_text + image_tokens * self.output_image) / MICROS)

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Exact from the reported tokens; unknown where the provider reported none."""
        if not usage.output_token_count and not usage.output_image_token_count:
            return None
        return micros(_token_dollars(self, usage))


def _token_dollars(price: PerToken, usage: event_pb2.Usage) -> Decimal:
    text_in = usage.input_text_token_count
    image_in = usage.input_image_token_count
    if not text_in and not image_in:
        text_in = usage.input_token_count
    image_out = usage.output_image_token_count
    text_out = usage.output_text_token_count
    if not image_out and not text_out:
        image_out = usage.output_token_count
    total = text_in * price.input_text + image_in * price.input_image
    total += image_out * price.output_image + text_out * price.output_text
    return total / MICROS


def per_image(price: str | Mapping[str, str]) -> PerImage:
    """US dollars per picture: one amount, or by variant {"quality=low": "0.01", "": "0.04"}."""
    table = {"": price} if isinstance(price, str) else price
    return PerImage({name: Decimal(amount) for name, amount in table.items()})


def per_megapixel(
    price: str,
    *,
    rounding: str = "exact",
    unit_px: int = MEGAPIXEL,
    minimum: str = "0",
    first: str | None = None,
    input_price: str = "0",
) -> PerMegapixel:
    """US dollars per megapixel of each picture; see `PerMegapixel`."""
    return PerMegapixel(
        Decimal(price),
        rounding,
        unit_px,
        Decimal(minimum),
        Decimal(first) if first is not None else None,
        Decimal(input_price),
    )


def per_token(
    *,
    input_text: str,
    input_image: str,
    output_image: str,
    output_text: str = "0",
    output_tokens: Callable[[Order], int | None] | None = None,
    partial_tokens: int = 0,
    prompt_overhead_tokens: int = 0,
    quote: PerImage | None = None,
) -> PerToken:
    """US dollars per million tokens; see `PerToken`."""
    return PerToken(
        Decimal(input_text),
        Decimal(input_image),
        Decimal(output_image),
        Decimal(output_text),
        output_tokens,
        partial_tokens,
        prompt_overhead_tokens,
        quote,
    )


free = Free()
unknown_price = Unknown()


def micros(dollars: Decimal) -> int:
    """US dollars as whole micro-USD, rounded half up."""
    return int((dollars * MICROS).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _line(
    unit: "capability_pb2.PriceUnit", price: Decimal, *, billable: str = "", variant: str = ""
) -> capability_pb2.Price:
    """A price line; amounts finer than a nano-dollar are rounded half up."""
    nanos = int((price * 1_000_000_000).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    amount = Money(currency_code="USD", units=nanos // 10**9, nanos=nanos % 10**9)
    return capability_pb2.Price(unit=unit, amount=amount, billable=billable, variant=variant)
