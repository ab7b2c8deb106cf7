"""Gemini's models that draw, with sizes and prices.

Source: ai.google.dev/gemini-api/docs (models, image-generation, pricing, deprecations; to 2026-11), read 2026-11-22.
"""

from dataclasses import dataclass
from typing import Any

from heliostat.adapters.gemini.shapes import EXTREME, FIRST, THIRD, Shapes
from heliostat.adapters.sdk import InputLimits, Model, ModelTable
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

MOST_INLINE_BYTES = 20_000_000
"""Most bytes of a request with all its pictures in base64."""

_HONOURED = frozenset({"prompt", "seed", "moderation"})
_OPTIONS = frozenset({"temperature", "top_p", "system_instruction", "safety_threshold"})
_VERTEX_OPTIONS = frozenset({"person_generation", "labels"})
# Three quarters of what a request may hold, for base64 makes four bytes of three.
_INPUTS = InputLimits(("image/png", "image/jpeg", "image/webp"), 14_000_000)


@dataclass(frozen=True, slots=True)
class Traits:
    """What the adapter's own code has to know of a model.

    `sized` is False where a tier must not be sent; `thinks` are the levels of thinking that can be asked for.
    """

    sized: bool = True
    thinks: tuple[str, ...] = ()
    options: frozenset[str] = _OPTIONS


def models_of(*, vertex: bool) -> ModelTable:
    """The models at the Gemini API, or at Vertex AI."""
    prices = shipped("vertex" if vertex else "gemini")

    def model(name: str, canonical: str, shapes: Shapes, thinks: tuple[str, ...] = (), **facts: Any) -> Model:
        options = _OPTIONS | (_VERTEX_OPTIONS if vertex else set()) | ({"thinking_level"} if thinks else set())
        first = shapes.pixels is FIRST
        return Model(
            name,
            names=(canonical, name),
            **prices.facts(name),
            operations=("text_to_image", "edit"),
            sizes=shapes,
            inputs=_INPUTS,
            media_types=("image/png",) if first else ("image/jpeg",),
            ignores=tuple(sorted(NAMES - _HONOURED)),
            creator="Google",
            facts=Traits(sized=not first, thinks=thinks, options=frozenset(options)),
            **facts,
        )

    tiers, all_tiers = ("1K", "2K", "4K"), ("0.5K", "1K", "2K", "4K")
    levels = ("minimal", "high")
    return ModelTable(
        model(
            "gemini-nano-banana-2.1",
            "nano-banana-2.1",
            Shapes(EXTREME, tiers),
            ("minimal", "medium", "high"),
            max_references=14,
            typical_seconds=12,
        ),
        model("gemini-3-pro-image", "nano-banana-pro", Shapes(THIRD, tiers), max_references=14, typical_seconds=25),
        model(
            "gemini-3.1-flash-image",
            "nano-banana-2",
            Shapes(EXTREME, all_tiers),
            levels,
            max_references=14,
            typical_seconds=12,
            description="May be gone: announced to end on 2026-10-29",
        ),
        model(
            "gemini-3.1-flash-lite-image",
            "nano-banana-2-lite",
            Shapes(THIRD),
            levels,
            max_references=14,
            typical_seconds=8,
        ),
        model(
            "gemini-2.5-flash-image",
            "nano-banana",
            Shapes(FIRST),
            max_references=3,
            typical_seconds=8,
            description="May be gone: ends on 2026-10-02 at the earliest",
        ),
    )
