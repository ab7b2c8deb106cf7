"""Stability AI's image endpoints as a dialect: what those who serve them have in common, forms and JSON alike."""

from heliostat.adapters.sdk.stable_image.body import (
    MANAGED,
    MOST_PROMPT_CHARS,
    MOST_SEED,
    Pictures,
    gather,
    make_fields,
)
from heliostat.adapters.sdk.stable_image.endpoints import JPEG, PNG, PRESETS, SHAPES, WEBP, Endpoint, Limits
from heliostat.adapters.sdk.stable_image.options import option_fields

__all__ = [
    "JPEG",
    "MANAGED",
    "MOST_PROMPT_CHARS",
    "MOST_SEED",
    "PNG",
    "PRESETS",
    "SHAPES",
    "WEBP",
    "Endpoint",
    "Limits",
    "Pictures",
    "gather",
    "make_fields",
    "option_fields",
]
