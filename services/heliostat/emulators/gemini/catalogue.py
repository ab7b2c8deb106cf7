"""Gemini's models that draw as of 2026-11-22: shapes, tiers, tokens, prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

Size = tuple[int, int]
EXTREMES = ("1:4", "4:1", "1:8", "8:1")


def _table(text: str) -> dict[str, Size]:
    pairs = (row.split("=") for row in text.split())
    return {ratio: (int(size.split("x")[0]), int(size.split("x")[1])) for ratio, size in pairs}


SIZES_25 = _table(
    "1:1=1024x1024 2:3=832x1248 3:2=1248x832 3:4=864x1184 4:3=1184x864 4:5=896x1152 5:4=1152x896 9:16=768x1344 "
    "16:9=1344x768 21:9=1536x672"
)
SIZES_3 = _table(
    "1:1=1024x1024 2:3=848x1264 3:2=1264x848 3:4=896x1200 4:3=1200x896 4:5=928x1152 5:4=1152x928 9:16=768x1376 "
    "16:9=1376x768 21:9=1584x672"
)
# What the extreme shapes have is not published; these are of the same area.
SIZES_14 = SIZES_3 | _table("1:4=512x2048 4:1=2048x512 1:8=352x2928 8:1=2928x352")
FACTORS = {"512": Fraction(1, 2), "1K": Fraction(1), "2K": Fraction(2), "4K": Fraction(4)}


@dataclass(frozen=True)
class GeminiModel:
    """One model. Prices are micro-USD per token, which is USD per million."""

    name: str
    sizes: Mapping[str, Size]
    tokens: Mapping[str, int]
    """Tokens of a picture by tier; what `imageSize` may say, the default first."""
    price_in: Fraction
    price_text: Fraction
    price_image: Fraction
    input_tokens: int = 258
    """Tokens of a picture put in."""
    thoughts: int = 0
    """Tokens of thinking of an ordinary answer."""
    levels: tuple[str, ...] = ()
    media_type: str = "image/jpeg"
    references: int = 14
    sized: bool = True
    """Whether `imageSize` may be sent."""

    def size(self, ratio: str, tier: str) -> Size:
        """Give the size in px of a shape at a tier."""
        width, height = self.sizes[ratio]
        return int(width * FACTORS[tier]), int(height * FACTORS[tier])

    def nearest(self, own: Size) -> str:
        """Give the shape that is nearest to a picture's."""

        def off(ratio: str) -> float:
            width, height = ratio.split(":")
            wanted, given = int(width) / int(height), own[0] / own[1]
            return max(wanted, given) / min(wanted, given)

        return min(self.sizes, key=off)

    def cost_micros(self, text_in: int, text_out: int, image_out: int) -> int:
        """Price a call in whole micro-USD, rounded half up; `text_in` holds pictures put in too."""
        exact = text_in * self.price_in + text_out * self.price_text + image_out * self.price_image
        return int(exact + Fraction(1, 2))


MODELS = (
    GeminiModel(
        "gemini-nano-banana-2.1",
        SIZES_14,
        {"1K": 1120, "2K": 1680, "4K": 2520},
        Fraction(3, 2),
        Fraction(15, 2),
        Fraction(30),
        thoughts=120,
        levels=("minimal", "medium", "high"),
    ),
    GeminiModel(
        "gemini-3-pro-image",
        SIZES_3,
        {"1K": 1120, "2K": 1120, "4K": 2000},
        Fraction(2),
        Fraction(12),
        Fraction(120),
        input_tokens=560,
        thoughts=200,
    ),
    GeminiModel(
        "gemini-3.1-flash-image",
        SIZES_14,
        {"1K": 1120, "512": 747, "2K": 1680, "4K": 2520},
        Fraction(1, 2),
        Fraction(3),
        Fraction(60),
        thoughts=80,
        levels=("minimal", "high"),
    ),
    GeminiModel(
        "gemini-3.1-flash-lite-image",
        SIZES_3,
        {"1K": 1120},
        Fraction(1, 4),
        Fraction(3, 2),
        Fraction(30),
        levels=("minimal", "high"),
    ),
    GeminiModel(
        "gemini-2.5-flash-image",
        SIZES_25,
        {"1K": 1290},
        Fraction(3, 10),
        Fraction(5, 2),
        Fraction(30),
        media_type="image/png",
        references=3,
        sized=False,
    ),
)
BY_NAME = {model.name: model for model in MODELS}
