"""What an attempt cost: the estimate, what usage and prices come to, and what the provider said, side by side. Pure.

Figures of a provider are taken only where they can be true: whole, not negative, below a bound. What is not believed is
unknown, never 0; the estimate stands in for it, and `doubt` says why, so that operators hear of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from heliostat.adapters.sdk.models import Model
from heliostat.adapters.sdk.price_lines import Order
from heliostat.adapters.sdk.pricing import components, micros, total_micros
from heliostat.adapters.sdk.result import Completed
from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.money import to_money

MAX_MICROS = 10_000 * 1_000_000
"""A greater cost of one attempt is no cost but a fault: 10,000 US dollars."""
_MAX_COUNT = 1e9

_UNTOLD = "The provider did not tell what the price depends on; the estimate stands for the cost."
_SENSELESS_USAGE = "The provider's figures of what was used cannot be right; the estimate stands for the cost."
_SENSELESS_COST = "The cost that the provider reported cannot be right."


@dataclass(frozen=True, slots=True)
class Reported:
    """A cost as a provider said it, in micro-USD; None where it cannot be believed, and `doubt` says why."""

    micros: int | None = None
    doubt: str = ""


def read_cost(
    value: Any, currency: str = "USD", *, unit: str = "1", rates: Mapping[str, Decimal] | None = None
) -> Reported:
    """A provider's cost of one attempt from its JSON or a header; nothing at all where it gave none.

    `value` counts units of `unit` of the currency: "0.01" for credits of a cent. Money of another currency than USD is
    unknown unless `rates` has its US dollars.
    """
    if value is None or value == "":
        return Reported()
    rate = Decimal(1) if currency.upper() == "USD" else (rates or {}).get(currency.upper())
    if rate is None:
        return Reported(doubt=f"The cost was reported in {currency[:8]!r}, for which no rate is configured.")
    try:
        amount = Decimal(str(value)) if isinstance(value, int | float | str | Decimal) else None
    except InvalidOperation:
        amount = None
    if amount is None or isinstance(value, bool) or not amount.is_finite() or amount < 0 or amount > 10**12:
        return Reported(doubt=_SENSELESS_COST)
    cost = micros(amount * Decimal(unit) * rate)
    return Reported(cost) if cost <= MAX_MICROS else Reported(doubt=_SENSELESS_COST)


def is_sane(usage: event_pb2.Usage) -> bool:
    """Whether every figure can be true."""
    return all(math.isfinite(count) and 0 <= count <= _MAX_COUNT for _, count in usage.ListFields())


def fill_cost(cost: event_pb2.Cost, model: Model, planned: Order, delivered: Order, end: Completed) -> None:
    """Writes what `delivered` cost, and what was expected of `planned`.

    The amount is what the provider said, else what usage and prices come to, else the estimate; it is absent where
    there is none of them.
    """
    price, doubt = model.price, end.doubt
    usage = end.usage
    if not is_sane(usage):
        usage, doubt = event_pb2.Usage(), doubt or _SENSELESS_USAGE
    reported = end.reported_micros
    if reported is not None and not 0 <= reported <= MAX_MICROS:
        reported, doubt = None, doubt or _SENSELESS_COST
    if reported is None and usage.billed_units:
        reported = price.of_units(usage.billed_units)
    parts = price.parts(delivered, usage)
    computed, estimated = total_micros(parts), price.estimate(planned)
    for amount, field in ((reported, cost.reported), (computed, cost.computed), (estimated, cost.estimated)):
        if amount is not None:
            field.CopyFrom(to_money(amount))
    if reported is not None:
        _set(cost, reported, event_pb2.COST_SOURCE_REPORTED)
    elif computed is not None:
        _set(cost, computed, event_pb2.COST_SOURCE_COMPUTED)
    else:
        doubt = doubt or _UNTOLD
        standing = price.estimate(delivered)
        if standing is not None:
            _set(cost, standing, event_pb2.COST_SOURCE_ESTIMATED)
            parts = price.parts(delivered)
    cost.price_version = model.price_version or model.price_source
    cost.components.extend(components(parts or ()))
    cost.doubt = doubt


def fill_estimate(cost: event_pb2.Cost, model: Model, order: Order) -> None:
    """Writes what `order` is expected to cost; nothing where nobody can tell."""
    estimated = model.price.estimate(order)
    if estimated is None:
        return
    _set(cost, estimated, event_pb2.COST_SOURCE_ESTIMATED)
    cost.estimated.CopyFrom(cost.amount)
    cost.price_version = model.price_version or model.price_source
    cost.components.extend(components(model.price.parts(order) or ()))


def _set(cost: event_pb2.Cost, amount: int, source: "event_pb2.CostSource") -> None:
    cost.amount.CopyFrom(to_money(amount))
    cost.source = source
