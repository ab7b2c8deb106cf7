"""What fal says that it billed. Pure.

Source: fal's pricing pages, read 2026-11-22 (price_list.json). fal rounds up to whole megapixels per picture; a
megapixel is 1,048,576 px (fal's own example counts 1920x1080 as two). 5xx are not billed.
"""

from heliostat.adapters.sdk import Model, Tariff

# More units than this in one job is not a bill but a fault of the header.
_MAX_UNITS = 100_000.0


def billed_units(header: str | None) -> float | None:
    """The value of X-Fal-Billable-Units; None where it is missing or is no sensible number."""
    try:
        units = float(header or "")
    except ValueError:
        return None
    return units if 0 <= units <= _MAX_UNITS else None


def is_by_second(model: Model) -> bool:
    """True where a unit is a second of compute."""
    return isinstance(model.price, Tariff) and any(line.per == "second" for line in model.price.price_lines)
