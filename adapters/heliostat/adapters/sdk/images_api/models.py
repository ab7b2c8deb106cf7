"""OpenAI's GPT image models, whoever serves them: what they take, in which sizes.

Source: OpenAI's API reference, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.sdk.inputs import InputLimits
from heliostat.adapters.sdk.models import Model, Parameter
from heliostat.adapters.sdk.sizing import Exact, Pixels

GPT_TYPES = ("image/png", "image/jpeg", "image/webp")


@dataclass(frozen=True, slots=True)
class Traits:
    """What the adapter's own code has to know of a model."""

    qualities: tuple[str, ...]
    gpt: bool = True
    fidelity: bool = False
    """True where `input_fidelity` may be sent."""
    complexity: bool = False
    """True where `complexity` may be sent."""
    transparent: bool = True
    """False where `background` may not be `transparent`."""


# Less than 50 MB each (API reference, read 2026-11-22).
_INPUTS = InputLimits(GPT_TYPES, 50_000_000)
_ANY_SIZE = Pixels(16, 3840, step=16, min_area_px=655_360, max_area_px=8_294_400, max_ratio=3.0)
# OpenAI ended its transparent backgrounds on 2026-09-30: 400, not billed (a reseller's notice, read 2026-11-23).
_OPAQUE = frozenset({"gpt-image-2", "gpt-image-2-2026-04-21"})
_THREE_SIZES = Exact(((1024, 1024), (1536, 1024), (1024, 1536)))


def first_generation(name: str, price: Mapping[str, Any], *, fidelity: bool = True, **facts: Any) -> Model:
    """A model of the 1.x line: three sizes, three qualities. `price` is what a price list says of it."""
    traits = Traits(("low", "medium", "high"), fidelity=fidelity)
    return _gpt(name, traits, {"sizes": _THREE_SIZES, **price, **facts})


def second_generation(name: str, price: Mapping[str, Any], *, complexity: bool = False, **facts: Any) -> Model:
    """A model of the 2.x line: any size within bounds. Its qualities are those that the price list counts tokens of."""
    qualities, transparent = tuple(price["price"].tokens.by_area), name not in _OPAQUE
    traits = Traits(qualities, complexity=complexity, transparent=transparent)
    return _gpt(name, traits, {"sizes": _ANY_SIZE, **price, **facts})


def _gpt(name: str, traits: Traits, facts: Mapping[str, Any]) -> Model:
    usual: dict[str, Any] = {
        "names": (name,),
        "operations": ("text_to_image", "edit"),
        "max_images": 10,
        "max_references": 15,
        "inputs": _INPUTS,
        "mask": "guidance",
        "media_types": GPT_TYPES,
        "max_partials": 3,
        "ignores": ("negative_prompt", "seed", "style", "strength", "reference_role", "reference_weight"),
        "max_prompt_chars": 32_000,
        "creator": "OpenAI",
        "typical_seconds": 30.0,
        "facts": traits,
        "parameters": _parameters(traits),
    }
    return Model(name, **{**usual, **facts})


def _parameters(traits: Traits) -> tuple[Parameter, ...]:
    backgrounds = ("transparent", "opaque") if traits.transparent else ("opaque",)
    found = [
        Parameter("quality", "enum", values=traits.qualities, default="auto"),
        Parameter("background", "enum", values=backgrounds, default="auto"),
        Parameter("output_compression", "integer", 0, 100, default="100", description="JPEG and WebP only"),
        Parameter("moderation", "enum", values=("auto", "low"), default="auto"),
        Parameter("partial_images", "integer", 0, 3, default="0"),
        Parameter("n", "integer", 1, 10, default="1"),
    ]
    if traits.fidelity:
        fidelities = ("low", "high")
        found.append(Parameter("input_fidelity", "enum", values=fidelities, default="low", provider_option=True))
    if traits.complexity:
        steps = ("low", "medium", "high")
        found.append(Parameter("complexity", "enum", values=steps, default="high", provider_option=True))
    return tuple(found)
