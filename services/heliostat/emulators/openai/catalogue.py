"""OpenAI's image models as of 2026-11-22: which exist, what they accept, what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.emulators import tokens

GPT_FIELDS = frozenset(
    [
        "prompt",
        "model",
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "moderation",
        "stream",
        "partial_images",
        "user",
        "safety_identifier",
    ]
)
FIELDS_26 = frozenset({"complexity"})
"""`gif` and `svg` belong to formats that are not painted here."""
DALLE_FIELDS = frozenset(["prompt", "model", "n", "size", "response_format", "quality", "style", "user"])
STANDARD_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
SNAPSHOT_25 = "-2026-09-08"


@dataclass(frozen=True)
class ImageModel:
    """One model id."""

    id: str
    created: int
    """Unix time of its release."""
    qualities: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] | None
    """None: any size under the rules of the 2.x models."""
    fields: frozenset[str] = GPT_FIELDS
    prices: tokens.TokenPrices | None = None
    """None: priced by the picture (dall-e)."""
    factors: Mapping[str, int] | None = None
    takes_fidelity: bool = False
    max_n: int = 10
    max_prompt: int = 32_000
    edits: bool = True
    transparent: bool = True
    """False for those whose background OpenAI made opaque again on 2026-09-30."""

    @property
    def is_gpt(self) -> bool:
        """Tell the GPT image models from dall-e."""
        return self.prices is not None

    def output_tokens(self, size: tuple[int, int], quality: str) -> int:
        """Count the tokens of one picture."""
        if self.factors is None:
            return tokens.output_tokens_1(size, quality)
        return tokens.output_tokens_2(size, self.factors[quality])


def _first(id_: str, created: int, prices: tokens.TokenPrices, *, fidelity: bool = True) -> ImageModel:
    return ImageModel(id_, created, ("low", "medium", "high"), STANDARD_SIZES, prices=prices, takes_fidelity=fidelity)


def _second(
    id_: str,
    created: int,
    factors: Mapping[str, int],
    fields: frozenset[str] = GPT_FIELDS,
    *,
    transparent: bool = True,
) -> ImageModel:
    qualities = tuple(factors)
    return ImageModel(id_, created, qualities, None, fields, tokens.PRICES_2, factors, transparent=transparent)


ACTIVE = (
    _second("gpt-image-2.6-sunburst", 1793750400, tokens.FACTORS_25, GPT_FIELDS | FIELDS_26),
    _second("gpt-image-2.6-flare", 1793750400, tokens.FACTORS_25, GPT_FIELDS | FIELDS_26),
    _second("gpt-image-2.5-sunburst", 1788825600, tokens.FACTORS_25),
    _second("gpt-image-2.5-sunburst" + SNAPSHOT_25, 1788825600, tokens.FACTORS_25),
    _second("gpt-image-2.5-flare", 1788825600, tokens.FACTORS_25),
    _second("gpt-image-2.5-flare" + SNAPSHOT_25, 1788825600, tokens.FACTORS_25),
    _second("gpt-image-2", 1776729600, tokens.FACTORS_2, transparent=False),
    _second("gpt-image-2-2026-04-21", 1776729600, tokens.FACTORS_2, transparent=False),
    _first("gpt-image-1.5", 1765756800, tokens.PRICES_15),
    _first("gpt-image-1.5-2025-12-16", 1765756800, tokens.PRICES_15),
    _first("chatgpt-image-latest", 1765756800, tokens.PRICES_15),
    _first("gpt-image-1-mini", 1759708800, tokens.PRICES_1_MINI, fidelity=False),
)
RETIRED = (
    _first("gpt-image-1", 1745366400, tokens.PRICES_1),
    ImageModel(
        "dall-e-3",
        1698796800,
        ("standard", "hd"),
        ((1024, 1024), (1792, 1024), (1024, 1792)),
        DALLE_FIELDS,
        max_n=1,
        max_prompt=4_000,
        edits=False,
    ),
    ImageModel(
        "dall-e-2",
        1698796800,
        ("standard",),
        ((1024, 1024), (512, 512), (256, 256)),
        DALLE_FIELDS - {"style"},
        max_prompt=1_000,
    ),
)
SANDBOX = (
    _second("sandbox-rate-limited", 1793750400, tokens.FACTORS_2),
    _second("sandbox-down", 1793750400, tokens.FACTORS_2),
    _second("sandbox-slow", 1793750400, tokens.FACTORS_2),
)
DALLE_2_MICROS = {256: 16_000, 512: 18_000, 1024: 20_000}
"""Micro-USD per picture by edge in pixels."""


def dalle_micros(model: str, size: tuple[int, int], quality: str) -> int:
    """Price one picture of dall-e in micro-USD."""
    if model == "dall-e-2":
        return DALLE_2_MICROS[size[0]]
    return (40_000 if size[0] == size[1] else 80_000) + (40_000 if quality == "hd" else 0)


def catalogue(*, legacy: bool) -> dict[str, ImageModel]:
    """Give the models by id: those that exist, with `legacy` the retired ones too."""
    return {model.id: model for model in ACTIVE + SANDBOX + (RETIRED if legacy else ())}
