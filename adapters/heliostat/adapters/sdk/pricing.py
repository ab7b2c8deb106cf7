"""The price engine: what an order is expected to cost and what an answer did cost. Pure.

A tariff is a list of lines (price_lines.py), shipped as data (price_list.py) or written in code by `per_image` and the
like. Sums are exact decimals; money is rounded once, at the end of an order, half up, to whole micro-dollars. What
cannot be told is None, never 0. Amounts in another currency are unknown unless a rate was configured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from google.type.money_pb2 import Money

from heliostat.adapters.sdk.price_lines import (
    MEBIPIXEL,
    MEGAPIXEL,
    NOTHING,
    ONE,
    TOKENS,
    Line,
    Order,
    Part,
    Unclear,
    parts_of,
)
from heliostat.adapters.sdk.token_counts import TokenCounts
from heliostat.api.image.v1 import capability_pb2, event_pb2

__all__ = [
    "MEBIPIXEL",
    "MEGAPIXEL",
    "Order",
    "Part",
    "Pricing",
    "Tariff",
    "components",
    "free",
    "micros",
    "per_image",
    "per_megapixel",
    "per_second",
    "per_token",
    "total_micros",
    "unknown_price",
]

MICROS = Decimal(1_000_000)
_NANOS = Decimal(1_000_000_000)
_UNITS = {
    "image": capability_pb2.PRICE_UNIT_IMAGE,
    "request": capability_pb2.PRICE_UNIT_REQUEST,
    "megapixel": capability_pb2.PRICE_UNIT_MEGAPIXEL,
    "tile": capability_pb2.PRICE_UNIT_TILE,
    "step": capability_pb2.PRICE_UNIT_STEP,
    "second": capability_pb2.PRICE_UNIT_SECOND,
    "million_tokens": capability_pb2.PRICE_UNIT_MILLION_TOKENS,
}
_BILLABLE = {
    "output": "",
    "input": "input_image",
    "text_in": "input_text",
    "cached_text_in": "cached_input_text",
    "image_in": "input_image",
    "cached_image_in": "cached_input_image",
    "image_out": "output_image",
    "text_out": "output_text",
}
_METRICS = {
    "text_in": "text_token",
    "cached_text_in": "cached_text_token",
    "image_in": "image_token",
    "cached_image_in": "cached_image_token",
    "image_out": "image_token",
    "text_out": "text_token",
}


_UNCOUNTED = TokenCounts()


class Pricing(Protocol):
    """How one model is paid."""

    def lines(self) -> Sequence[capability_pb2.Price]:
        """The price table, for people and for the router's own estimate."""

    def estimate(self, order: Order) -> int | None:
        """Expected micro-USD of the whole order; None where nobody can tell."""

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Micro-USD of what was delivered (`order` measured, `usage` reported); None where nobody can tell."""

    def of_units(self, units: float) -> int | None:
        """Micro-USD of units that the provider says it billed; None where one unit has no single, certain price."""

    def parts(self, order: Order, usage: event_pb2.Usage | None = None) -> Sequence[Part] | None:
        """What an estimate (without `usage`) or a cost (with it) is made of, in USD; None where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of one model.

    `quote` are lines that an estimate follows where the provider quotes other prices than it bills by; `tokens` what
    token prices are estimated from. `usd_rate` is US dollars per unit of the list's currency, None where nobody said.
    `certain` is False for prices that are only thought to be right: units are not turned into a reported cost by them.
    """

    price_lines: tuple[Line, ...]
    quote: tuple[Line, ...] = ()
    tokens: TokenCounts = _UNCOUNTED
    currency: str = "USD"
    usd_rate: Decimal | None = ONE
    certain: bool = True

    def lines(self) -> Sequence[capability_pb2.Price]:
        """One message per line, and one more for a first unit that has its own price."""
        told = []
        for line in self.price_lines:
            unit, billable = _UNITS[line.per], _BILLABLE[line.of]
            if line.first is not None:
                words = f"{line.condition},{line.per}=first".lstrip(",")
                told.append(_price(unit, line.first, self.currency, billable, words))
            told.append(_price(unit, line.price, self.currency, billable, line.condition))
        return told

    def estimate(self, order: Order) -> int | None:
        """Expected micro-USD of the whole order; None where nobody can tell."""
        return total_micros(self.parts(order))

    def cost(self, order: Order, usage: event_pb2.Usage) -> int | None:
        """Micro-USD of what was delivered; None where nobody can tell."""
        return total_micros(self.parts(order, usage))

    def of_units(self, units: float) -> int | None:
        """Micro-USD of units that the provider says it billed; None where one unit has no single, certain price."""
        prices = {price for line in self.price_lines for price in (line.price, line.first) if price is not None}
        if len(prices) != 1 or not self.certain or self.usd_rate is None:
            return None
        return micros(Decimal(str(units)) * prices.pop() * self.usd_rate)

    def parts(self, order: Order, usage: event_pb2.Usage | None = None) -> Sequence[Part] | None:
        """What an estimate (without `usage`) or a cost (with it) is made of, in USD; None where nobody can tell."""
        if self.usd_rate is None:
            return None
        parts = self._counted(self.quote, order, usage) if usage is None and self.quote else None
        if parts is None:
            parts = self._counted(self.price_lines, order, usage)
        if parts is None or self.usd_rate == ONE:
            return parts
        return [replace(part, price=part.price * self.usd_rate) for part in parts]

    def _counted(self, lines: Sequence[Line], order: Order, usage: event_pb2.Usage | None) -> Sequence[Part] | None:
        try:
            holding = self._holding(lines, order)
            return [part for line in holding for part in self._parts(line, order, usage, holding)]
        except Unclear:
            return None

    def _holding(self, lines: Sequence[Line], order: Order) -> Sequence[Line]:
        """The lines that hold for the order. Raises Unclear where something that is counted has none."""
        found: dict[tuple[str, str], Line | None] = {}
        for line in lines:
            if found.get(line.counts) is None:
                found[line.counts] = line if line.holds(order) else None
        if not found or None in found.values():
            raise Unclear
        return [line for line in found.values() if line is not None]

    def _parts(self, line: Line, order: Order, usage: event_pb2.Usage | None, lines: Sequence[Line]) -> Sequence[Part]:
        if line.per == "second":
            seconds = line.typical_s if usage is None else Decimal(str(usage.compute_seconds)) or None
            if seconds is None:
                raise Unclear
            return [Part("output", "second", seconds, seconds, line.price)]
        if line.per == "million_tokens":
            counted = self.tokens.expected(order) if usage is None else _reported(usage, lines)
            if counted is None:
                raise Unclear
            count = Decimal(counted.get(line.of, 0))
            return [Part(line.side, _METRICS[line.of], count, count, line.price / MICROS)] if count else []
        return parts_of(line, order)


def _reported(usage: event_pb2.Usage, lines: Sequence[Line]) -> dict[str, int] | None:
    """Tokens of an answer by kind; None where it reported none that were put out.

    Where the kinds are not told apart, what went in was text and what came out was pictures. What came out of a cache
    is part of what went in, and stays there where the list has no price for it.
    """
    if not usage.output_token_count and not usage.output_image_token_count and not usage.output_text_token_count:
        return None
    text_in, image_in = usage.input_text_token_count, usage.input_image_token_count
    if not text_in and not image_in:
        text_in = usage.input_token_count
    text_out, image_out = usage.output_text_token_count, usage.output_image_token_count
    if not text_out and not image_out:
        image_out = usage.output_token_count
    priced = {line.of for line in lines}
    cached_text = min(usage.cached_text_token_count, text_in) if "cached_text_in" in priced else 0
    cached_image = min(usage.cached_image_token_count, image_in) if "cached_image_in" in priced else 0
    counts = (text_in - cached_text, cached_text, image_in - cached_image, cached_image, image_out, text_out)
    return dict(zip(TOKENS, counts, strict=True))


def total_micros(parts: Sequence[Part] | None) -> int | None:
    """The sum of parts in whole micro-USD, rounded once; None for None."""
    return None if parts is None else micros(sum((part.total for part in parts), NOTHING))


def components(parts: Sequence[Part]) -> list[event_pb2.CostComponent]:
    """Parts for the wire. Their totals are whole micro-dollars that add up to the rounded sum exactly."""
    told, so_far, rounded = [], NOTHING, 0
    for part in parts:
        so_far += part.total
        total = micros(so_far) - rounded
        rounded += total
        told.append(
            event_pb2.CostComponent(
                type=part.side,
                metric=part.metric,
                quantity=float(part.quantity),
                billable_quantity=float(part.billable),
                unit_price=_money(part.price, "USD"),
                total=_money(Decimal(total) / MICROS, "USD"),
            )
        )
    return told


def per_image(price: str | Mapping[str, str]) -> Tariff:
    """US dollars per picture: one amount, or by variant {"quality=low": "0.01", "": "0.04"}."""
    table = {"": price} if isinstance(price, str) else price
    # The line without conditions stands last: the first that holds counts.
    named = sorted(table.items(), key=lambda entry: entry[0] == "")
    return Tariff(tuple(Line(per="image", price=Decimal(usd), when=_when(name)) for name, usd in named))


def per_megapixel(
    price: str,
    *,
    rounding: str = "exact",
    unit_px: int = MEGAPIXEL,
    minimum: str = "0",
    first: str | None = None,
    input_price: str = "0",
) -> Tariff:
    """US dollars per megapixel of each picture, rounding "exact" or "ceil"; input pictures' megapixels likewise."""
    shared = {"megapixel_px": unit_px, "round": "up" if rounding == "ceil" else "none", "least": Decimal(minimum)}
    lines = [Line(per="megapixel", price=Decimal(price), first=Decimal(first) if first else None, **shared)]
    if Decimal(input_price):
        lines.append(Line(per="megapixel", of="input", price=Decimal(input_price), **shared))
    return Tariff(tuple(lines))


def per_second(price: str, *, typical_s: str | None = None, certain: bool = True) -> Tariff:
    """US dollars per second of compute; estimates take `typical_s` seconds, and are unknown without."""
    typical = Decimal(typical_s) if typical_s is not None else None
    return Tariff((Line(per="second", price=Decimal(price), typical_s=typical),), certain=certain)


def per_token(
    *,
    input_text: str,
    input_image: str,
    output_image: str,
    output_text: str = "0",
    tokens: TokenCounts | None = None,
    quote: Tariff | None = None,
) -> Tariff:
    """US dollars per million tokens. Estimates follow `quote`, else `tokens`, and are unknown without either."""
    prices = {"text_in": input_text, "image_in": input_image, "image_out": output_image, "text_out": output_text}
    lines = [Line(per="million_tokens", of=kind, price=Decimal(usd)) for kind, usd in prices.items() if Decimal(usd)]
    return Tariff(tuple(lines), quote=quote.price_lines if quote else (), tokens=tokens or _UNCOUNTED)


free = Tariff((Line(per="image", price=NOTHING),))
unknown_price = Tariff(())


def micros(dollars: Decimal) -> int:
    """US dollars as whole micro-USD, rounded half up."""
    return int((dollars * MICROS).quantize(ONE, rounding=ROUND_HALF_UP))


def _when(variant: str) -> dict[str, str]:
    """ "quality=hd,size=1024x1024" as words."""
    return dict(pair.split("=", 1) for pair in variant.split(",") if pair)


def _price(
    unit: "capability_pb2.PriceUnit", price: Decimal, currency: str, billable: str, variant: str
) -> capability_pb2.Price:
    return capability_pb2.Price(unit=unit, amount=_money(price, currency), billable=billable, variant=variant)


def _money(amount: Decimal, currency: str) -> Money:
    """An amount of any currency; what is finer than its billionth part is rounded half up."""
    nanos = int((amount * _NANOS).quantize(ONE, rounding=ROUND_HALF_UP))
    return Money(currency_code=currency, units=nanos // 10**9, nanos=nanos % 10**9)
