"""How many tokens a request is expected to take, from tables and formulas of price lists. Pure."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from heliostat.adapters.sdk.price_lines import Order

_CHARS_PER_TOKEN = 4
_DEAREST_FIRST = ("max", "xhigh", "high", "medium", "low")

Count = Annotated[int, Field(ge=0, le=10_000_000)]


class TokenCounts(BaseModel):
    """Expected tokens of one model.

    Of `by_resolution` (tier -> tokens, the default first), `by_size` (quality -> "WxH" -> tokens) and `by_area`
    (quality -> factor a, for ceil(a * s * (2,000,000 + area) / 4,000,000) with s = round(a * short edge / long edge))
    one says how many tokens a picture put out has. An open quality counts as the dearest; an open size as the dearest
    of the table, in the formula as 1024x1024.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by_resolution: Mapping[str, Count] = Field({}, description="Tokens of a picture by tier, the default first.")
    by_size: Mapping[str, Mapping[str, Count]] = Field({}, description="Tokens of a picture by quality and size.")
    by_area: Mapping[str, Count] = Field({}, description="Factor of each quality in the formula of its area.")
    each: Count | None = Field(None, description="Tokens of any picture.")
    each_input: Count | None = Field(None, description="Tokens of an input picture; absent where nobody knows.")
    each_partial: Count = Field(0, description="Tokens of a preview.")
    prompt_overhead: Count = Field(0, description="Tokens of a prompt without words.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> "TokenCounts":
        told = [bool(self.by_resolution), bool(self.by_size), bool(self.by_area), self.each is not None]
        if sum(told) > 1:
            raise ValueError("only one of by_resolution, by_size, by_area and each can say how many tokens there are")
        return self

    def picture(self, order: Order) -> int | None:
        """Tokens of one picture put out; None where nobody knows."""
        if self.by_resolution:
            tiers = self.by_resolution
            return tiers.get(str(order.variant.get("resolution", "")), next(iter(tiers.values())))
        if self.by_size:
            row = self.by_size[_quality(order, self.by_size)]
            return row.get(f"{order.width_px}x{order.height_px}", max(row.values()))
        if self.by_area:
            width, height = (order.width_px, order.height_px) if order.width_px else (1024, 1024)
            return _by_formula(self.by_area[_quality(order, self.by_area)], width, height)
        return self.each

    def expected(self, order: Order) -> dict[str, int] | None:
        """Tokens of the whole order by the kinds of price lines; None where nobody knows those of its pictures.

        A prompt has one token per four characters. Inputs whose tokens nobody knows are left out.
        """
        each = self.picture(order)
        if each is None:
            return None
        return {
            "text_in": math.ceil(order.prompt_chars / _CHARS_PER_TOKEN) + self.prompt_overhead,
            "image_in": (self.each_input or 0) * max(order.input_count, len(order.input_sizes)),
            "image_out": (each + self.each_partial * order.partial_count) * order.image_count,
        }


@lru_cache(maxsize=1024)
def _by_formula(factor: int, width: int, height: int) -> int:
    short, long = min(width, height), max(width, height)
    rows = (2 * factor * short + long) // (2 * long)
    return -(-factor * rows * (2_000_000 + width * height) // 4_000_000)


def _quality(order: Order, known: Mapping[str, Any]) -> str:
    wanted = str(order.variant.get("quality", ""))
    if wanted in known:
        return wanted
    return next((name for name in _DEAREST_FIRST if name in known), next(iter(known)))
