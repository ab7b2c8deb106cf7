"""Prices of OpenAI's image models, from the price file beside this one. Pure once read."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from heliostat.adapters.sdk import Order, per_image, per_token
from heliostat.adapters.sdk.pricing import Pricing

_FILE = "prices/2026-11-22.json"
BOOK: Mapping[str, Any] = json.loads(resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
VERSION: str = BOOK["version"]
_DEAREST_FIRST = ("max", "xhigh", "high", "medium", "low")


def tokens_by_table(order: Order) -> int | None:
    """Output tokens of one picture of the 1.x models. An open quality or size counts as the dearest."""
    table: Mapping[str, Mapping[str, int]] = BOOK["output_tokens_by_size"]
    row = table[_quality(order, table)]
    return row.get(f"{order.width_px}x{order.height_px}", max(row.values()))


def tokens_by_formula(factors: Mapping[str, int]) -> Callable[[Order], int | None]:
    """Output tokens of one picture of the 2.x models: ceil(a * s * (2,000,000 + area) / 4,000,000).

    a is the factor of the quality and s = round(a * short edge / long edge). An open quality counts as the dearest,
    an open size as 1024x1024.
    """

    def count(order: Order) -> int | None:
        width, height = (order.width_px, order.height_px) if order.width_px else (1024, 1024)
        return _formula(factors[_quality(order, factors)], width, height)

    return count


@lru_cache(maxsize=1024)
def _formula(factor: int, width: int, height: int) -> int:
    short, long = min(width, height), max(width, height)
    rows = (2 * factor * short + long) // (2 * long)
    return -(-factor * rows * (2_000_000 + width * height) // 4_000_000)


def _quality(order: Order, known: Mapping[str, Any]) -> str:
    wanted = order.variant.get("quality", "")
    return wanted if wanted in known else next(name for name in _DEAREST_FIRST if name in known)


def token_price(name: str, output_tokens: Callable[[Order], int | None]) -> Pricing:
    """The token prices called `name`; a table of pictures by the same name is what is quoted."""
    quote = BOOK["per_image"].get(name)
    return per_token(
        **BOOK["per_million_tokens"][name],
        output_tokens=output_tokens,
        partial_tokens=BOOK["partial_image_tokens"],
        prompt_overhead_tokens=BOOK["prompt_overhead_tokens"],
        quote=per_image(quote) if quote else None,
    )


def picture_price(name: str) -> Pricing:
    """The price per picture called `name`."""
    return per_image(BOOK["per_image"][name])
