"""What a job at fal costs: the price table, and the units that fal says it billed. Pure.

Source: fal's pricing pages and GET api.fal.ai/v1/models/pricing, read 2026-11-22 (prices.json). fal rounds up to whole
megapixels per picture; a megapixel is 1,048,576 px (fal's own example counts 1920x1080 as two). 5xx are not billed.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from heliostat.adapters.sdk.pricing import Order, micros
from heliostat.api.image.v1 import capability_pb2 as capabilities
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.money import to_money

_TABLE: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
_MEGAPIXEL: int = _TABLE["megapixel_px"]
PRICE_VERSION: str = _TABLE["as_of"]
PRICE_SOURCE = f"{_TABLE['source']}, read {PRICE_VERSION}"

# The word of an order's variant under which the megapixels of the input pictures travel.
INPUT_MEGAPIXELS = "input_megapixels"

# Seconds of compute of an ordinary run, for what is billed by the second.
_TYPICAL_SECONDS = 3.0
# More units than this in one job is not a bill but a fault of the header.
_MAX_UNITS = 100_000.0
# gpt-image-2: the factors reproduce OpenAI's published figures; fal's default quality is high.
_GPT_QUALITY = {"low": 16, "medium": 48, "high": 96}
_PROMPT_OVERHEAD, _CHARS_PER_TOKEN = 6, 4

_UNITS = {
    "megapixels": capabilities.PRICE_UNIT_MEGAPIXEL,
    "images": capabilities.PRICE_UNIT_IMAGE,
    "tokens": capabilities.PRICE_UNIT_MILLION_TOKENS,
    "compute seconds": capabilities.PRICE_UNIT_SECOND,
}


def megapixels(width_px: int, height_px: int) -> int:
    """Whole megapixels of a picture as fal bills them, at least 1."""
    return max(1, math.ceil(width_px * height_px / _MEGAPIXEL))


def billed_units(header: str | None) -> float | None:
    """The value of X-Fal-Billable-Units; None where it is missing or is no sensible number."""
    try:
        units = float(header or "")
    except ValueError:
        return None
    return units if 0 <= units <= _MAX_UNITS else None


@dataclass(frozen=True, slots=True)
class QueuePrice:
    """The price of one model, one entry of prices.json: the kit's `Pricing`.

    An order's `variant` may hold "resolution", "rendering_speed", "quality" and INPUT_MEGAPIXELS.
    """

    entry: Mapping[str, Any]

    def lines(self) -> Sequence[capabilities.Price]:
        """The entry as price lines, for people and for the router's estimate."""
        unit = _UNITS[self.entry["unit"]]
        return [
            capabilities.Price(unit=unit, amount=to_money(micros(Decimal(usd))), billable=billable, variant=variant)
            for usd, billable, variant in self._lines()
        ]

    def estimate(self, order: Order) -> int | None:
        """Expected micro-USD of the order; None where it hangs on a size that nobody knows yet."""
        usd = self._usd(order, _TYPICAL_SECONDS)
        return None if usd is None else micros(usd)

    def cost(self, order: Order, usage: events.Usage) -> int | None:
        """Micro-USD of what was delivered, by the table; None where it cannot be told."""
        usd = self._usd(order, usage.compute_seconds or _TYPICAL_SECONDS)
        return None if usd is None else micros(usd)

    def reported(self, units: float) -> int | None:
        """Micro-USD of the units that fal billed; None where one unit has no single, certain price."""
        entry = self.entry
        one = entry.get("each") or (entry.get("first") if entry.get("first") == entry.get("further") else None)
        if one is None or entry.get("unverified"):
            return None
        return micros(Decimal(one) * Decimal(str(units)))

    def _usd(self, order: Order, seconds: float) -> Decimal | None:
        match self.entry["unit"]:
            case "compute seconds":
                return Decimal(self.entry["each"]) * Decimal(str(seconds))
            case "megapixels":
                return self._of_megapixels(order)
            case "tokens":
                return self._of_tokens(order)
            case _:
                return self._of_images(order)

    def _of_megapixels(self, order: Order) -> Decimal | None:
        if not order.width_px:
            return None
        further = megapixels(order.width_px, order.height_px) - 1
        each = Decimal(self.entry["first"]) + Decimal(self.entry["further"]) * further
        inputs = Decimal(self.entry.get("input", "0")) * int(order.variant.get(INPUT_MEGAPIXELS, order.input_count))
        return each * order.image_count + inputs

    def _of_images(self, order: Order) -> Decimal | None:
        count = 1 if self.entry.get("per") == "request" else order.image_count
        if "each" in self.entry:
            return Decimal(self.entry["each"]) * count
        if "tiers" in self.entry:
            tiers = self.entry["tiers"]
            word = order.variant.get(self.entry["by"], "")
            return Decimal(tiers.get(word) or tiers[self.entry["default"]]) * count
        area = Decimal(order.width_px * order.height_px) / 1_000_000
        return next((Decimal(usd) * count for most, usd in self.entry["steps"] if 0 < area <= most), None)

    def _of_tokens(self, order: Order) -> Decimal | None:
        """By the formula for the output; the tokens of input pictures are not published and stay out."""
        if not order.width_px:
            return None
        text = math.ceil(order.prompt_chars / _CHARS_PER_TOKEN) + _PROMPT_OVERHEAD
        factor = _GPT_QUALITY.get(order.variant.get("quality", ""), _GPT_QUALITY["high"])
        drawn = _gpt_tokens(factor, order.width_px, order.height_px) * order.image_count
        return (Decimal(self.entry["input_text"]) * text + Decimal(self.entry["output_image"]) * drawn) / 1_000_000

    def _lines(self) -> list[tuple[str, str, str]]:
        """(US dollars, billable, variant) of each line."""
        entry = self.entry
        if "each" in entry:
            return [(entry["each"], "", "")]
        if "tiers" in entry:
            return [(usd, "", f"{entry['by']}={word}") for word, usd in entry["tiers"].items()]
        if "steps" in entry:
            return [(usd, "", f"{entry['by']}<={most}") for most, usd in entry["steps"]]
        if entry["unit"] == "tokens":
            return [(entry[kind], kind, "") for kind in ("input_text", "input_image", "output_image")]
        lines = [(entry["further"], "", "")]
        if entry["first"] != entry["further"]:
            lines.insert(0, (entry["first"], "", "megapixel=first"))
        if "input" in entry:
            lines.append((entry["input"], "input_image", ""))
        return lines


def price_of(model: str) -> QueuePrice:
    """The price of a model by fal's id; KeyError where the table has none."""
    return QueuePrice(_TABLE["models"][model])


def _gpt_tokens(factor: int, width_px: int, height_px: int) -> int:
    short = math.floor(factor * min(width_px, height_px) / max(width_px, height_px) + 0.5)
    return math.ceil(factor * short * (2_000_000 + width_px * height_px) / 4_000_000)
