"""Tokens and prices of OpenAI's GPT image models (price page and spec of 2026-08-21 to 2026-11-22).

Output tokens of the 1.x models are a published table. Those of 2.x follow a community formula that reproduces the
published figures. For 2.6 no factors are published; the emulator uses those of 2.5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

TABLE_1 = {
    "low": {(1024, 1024): 272, (1024, 1536): 408, (1536, 1024): 400},
    "medium": {(1024, 1024): 1056, (1024, 1536): 1584, (1536, 1024): 1568},
    "high": {(1024, 1024): 4160, (1024, 1536): 6240, (1536, 1024): 6208},
}
FACTORS_2 = {"low": 16, "medium": 48, "high": 96}
FACTORS_25 = {"low": 16, "medium": 32, "high": 48, "xhigh": 72, "max": 96}
PARTIAL_IMAGE_TOKENS = 100
PROMPT_OVERHEAD_TOKENS = 6
PATCH_PX = 32
MAX_PATCHES = 1536
WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class TokenPrices:
    """Micro-USD per token, which is USD per million tokens."""

    text_in: Fraction
    image_in: Fraction
    image_out: Fraction


PRICES_1 = TokenPrices(Fraction(5), Fraction(10), Fraction(40))
PRICES_1_MINI = TokenPrices(Fraction(2), Fraction(5, 2), Fraction(8))
PRICES_15 = TokenPrices(Fraction(5), Fraction(8), Fraction(32))
PRICES_2 = TokenPrices(Fraction(5), Fraction(8), Fraction(30))


@dataclass(frozen=True)
class Usage:
    """Tokens of one whole call."""

    text_in: int
    image_in: int
    image_out: int

    def cost_micros(self, prices: TokenPrices) -> int:
        """Price the call in whole micro-USD, rounded up."""
        exact = self.text_in * prices.text_in + self.image_in * prices.image_in + self.image_out * prices.image_out
        return math.ceil(exact)


def output_tokens_1(size: tuple[int, int], quality: str) -> int:
    """Look up the tokens of one picture of the 1.x models; sizes and qualities of the table only."""
    return TABLE_1[quality][size]


def output_tokens_2(size: tuple[int, int], factor: int) -> int:
    """Compute the tokens of one picture of the 2.x models from its size and its quality's factor."""
    short, long = min(size), max(size)
    rows = (2 * factor * short + long) // (2 * long)
    return -(-factor * rows * (2_000_000 + short * long) // 4_000_000)


def text_tokens(prompt: str) -> int:
    """Estimate a prompt's tokens: one for each six letters begun of a word and for each sign, and an overhead."""
    return PROMPT_OVERHEAD_TOKENS + sum(-(-len(piece) // 6) for piece in WORD_OR_SIGN.findall(prompt))


def image_tokens(size: tuple[int, int]) -> int:
    """Estimate an input picture's tokens: its 32-pixel patches, at most 1536 (the true figure is not published)."""
    return min(MAX_PATCHES, -(-size[0] // PATCH_PX) * -(-size[1] // PATCH_PX))
