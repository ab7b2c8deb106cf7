"""Prices against the published figures and worked examples."""

from __future__ import annotations

import pytest

from heliostat.emulators import tokens
from heliostat.emulators.fal.billing import Job
from heliostat.emulators.fal.catalogue import BY_ID

SQUARE = (1024, 1024)


@pytest.mark.parametrize(
    ("size", "low", "medium", "high"),
    [
        (SQUARE, 196, 1756, 7024),
        ((1536, 1024), 158, 1372, 5488),
        ((1024, 1536), 158, 1372, 5488),
        ((2560, 1440), 205, 1843, 7370),
        ((3840, 2160), 371, 3336, 13342),
    ],
)
def test_gpt_image_2_output_tokens(size: tuple[int, int], low: int, medium: int, high: int) -> None:
    """The formula gives the published tokens."""
    assert [tokens.output_tokens_2(size, factor) for factor in tokens.FACTORS_2.values()] == [low, medium, high]


def test_gpt_image_25_output_tokens() -> None:
    """The five qualities of 2.5 at 1024x1024."""
    counts = [tokens.output_tokens_2(SQUARE, factor) for factor in tokens.FACTORS_25.values()]
    assert counts == [196, 781, 1756, 3951, 7024]


@pytest.mark.parametrize(
    ("usage", "prices", "micros"),
    [
        (tokens.Usage(50, 0, 1756 + 200), tokens.PRICES_2, 58_930),
        (tokens.Usage(0, 0, 4160), tokens.PRICES_1, 166_400),
        (tokens.Usage(0, 0, 1056), tokens.PRICES_15, 33_792),
        (tokens.Usage(0, 3, 272), tokens.PRICES_1_MINI, 2_184),
    ],
)
def test_token_price(usage: tokens.Usage, prices: tokens.TokenPrices, micros: int) -> None:
    """Micro-USD, rounded up; the first row is two previews and 50 tokens of text ($.0589)."""
    assert usage.cost_micros(prices) == micros


@pytest.mark.parametrize(
    ("model", "job", "units", "micros"),
    [
        ("fal-ai/flux/dev", Job([(1536, 1024)] * 2), "4", 100_000),
        ("fal-ai/flux-2-pro", Job([(1920, 1080)]), "2", 45_000),
        ("fal-ai/flux-2-pro/edit", Job([SQUARE], [SQUARE]), "2", 45_000),
        ("fal-ai/flux/schnell", Job([(512, 512)]), "1", 3_000),
        ("fal-ai/flux/schnell", Job([(1024, 1025)]), "2", 6_000),
        ("fal-ai/flux-pro/v1.1", Job([SQUARE]), "1", 40_000),
        ("fal-ai/flux-pro/v1.1-ultra", Job([(2752, 1536)]), "1", 60_000),
        ("fal-ai/flux-pro/kontext", Job([SQUARE], [(4096, 4096)]), "1", 40_000),
        ("fal-ai/flux-pro/kontext/max/multi", Job([SQUARE] * 2), "2", 160_000),
        ("fal-ai/flux-pro/v1/fill", Job([SQUARE]), "1", 50_000),
        ("fal-ai/nano-banana", Job([SQUARE]), "1", 39_000),
        ("fal-ai/nano-banana-2", Job([SQUARE], options={"resolution": "2K"}), "1.500000", 120_000),
        ("fal-ai/nano-banana-pro", Job([SQUARE], options={"resolution": "4K"}), "2", 300_000),
        ("fal-ai/recraft/v3/text-to-image", Job([SQUARE], options={"style": "realistic_image"}), "1", 40_000),
        ("fal-ai/recraft/v3/text-to-image", Job([SQUARE], options={"style": "vector_illustration"}), "2", 80_000),
        ("fal-ai/qwen-image", Job([SQUARE]), "1", 20_000),
        ("fal-ai/clarity-upscaler", Job([(2048, 2048)], [SQUARE]), "4", 120_000),
        ("openai/gpt-image-2", Job([SQUARE], options={"quality": "high"}), "0.210750", 210_750),
    ],
)
def test_fal_price(model: str, job: Job, units: str, micros: int) -> None:
    """Units and micro-USD; the first three rows are worked examples ($.10, $.045, $.045)."""
    bill = BY_ID[model].price.bill(job)
    assert (bill.units_text, bill.cost_micros) == (units, micros)
