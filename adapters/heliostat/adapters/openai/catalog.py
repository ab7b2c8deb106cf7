"""OpenAI's image models.

Source: OpenAI's API reference and deprecations page, read 2026-11-22. Retired models stay in the table because
OpenAI-compatible servers still speak them; OpenAI itself answers 404 for them.
"""

from dataclasses import dataclass
from typing import Any

from heliostat.adapters.openai.settings import OpenAISettings
from heliostat.adapters.sdk import Exact, InputLimits, Model, ModelTable, Parameter, Pixels, free, per_image
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("openai")
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


# Less than 50 MB each; DALL-E 2 takes PNGs of less than 4 MB (API reference, read 2026-11-22).
_INPUTS = InputLimits(GPT_TYPES, 50_000_000)
_OLD_INPUTS = InputLimits(("image/png",), 4_000_000)
_ANY_SIZE = Pixels(16, 3840, step=16, min_area_px=655_360, max_area_px=8_294_400, max_ratio=3.0)
_THREE_SIZES = Exact(((1024, 1024), (1536, 1024), (1024, 1536)))


def _gpt(name: str, traits: Traits, **facts: Any) -> Model:
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
    found = [
        Parameter("quality", "enum", values=traits.qualities, default="auto"),
        Parameter("background", "enum", values=("transparent", "opaque"), default="auto"),
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


def _first(name: str, *, fidelity: bool = True, **facts: Any) -> Model:
    traits = Traits(("low", "medium", "high"), fidelity=fidelity)
    return _gpt(name, traits, sizes=_THREE_SIZES, **PRICES.facts(name), **facts)


def _second(name: str, *, complexity: bool = False, priced_as: str = "", **facts: Any) -> Model:
    price = PRICES.facts(priced_as or name)
    # The qualities are those that the price list counts tokens of.
    traits = Traits(tuple(price["price"].tokens.by_area), complexity=complexity)
    return _gpt(name, traits, sizes=_ANY_SIZE, **price, **facts)


def _dalle(name: str, qualities: tuple[str, ...], sizes: Exact, **facts: Any) -> Model:
    usual: dict[str, Any] = {
        "names": (name,),
        "sizes": sizes,
        **PRICES.facts(name),
        "ignores": (
            "negative_prompt",
            "seed",
            "background",
            "output_compression",
            "partial_images",
            "moderation",
            "strength",
            "similarity",
        ),
        "creator": "OpenAI",
        "description": "Retired by OpenAI on 2026-05-12",
        "inputs": _OLD_INPUTS,
        "facts": Traits(qualities, gpt=False),
    }
    return Model(name, **{**usual, **facts})


_SHUTDOWN = "Deprecated; OpenAI shuts it down on 2026-12-01"

MODELS = ModelTable(
    _second("gpt-image-2.6-sunburst", complexity=True, description="Newest, for quality"),
    _second("gpt-image-2.6-flare", complexity=True, description="Newest, for speed"),
    _second("gpt-image-2.5-sunburst", description="For quality"),
    _second("gpt-image-2.5-sunburst-2026-09-08", description="Snapshot"),
    _second("gpt-image-2.5-flare", description="For speed"),
    _second("gpt-image-2.5-flare-2026-09-08", description="Snapshot"),
    _second("gpt-image-2", description="Any size up to 4K"),
    _second("gpt-image-2-2026-04-21", description="Snapshot"),
    _first("gpt-image-1.5", description=_SHUTDOWN),
    _first("gpt-image-1.5-2025-12-16", description=_SHUTDOWN),
    _first("chatgpt-image-latest", description=_SHUTDOWN),
    _first("gpt-image-1-mini", fidelity=False, description=_SHUTDOWN),
    _first("gpt-image-1", description="Retired by OpenAI on 2026-10-23"),
    _dalle(
        "dall-e-3",
        ("standard", "hd"),
        Exact(((1024, 1024), (1792, 1024), (1024, 1792))),
        max_prompt_chars=4_000,
        typical_seconds=15.0,
    ),
    _dalle(
        "dall-e-2",
        ("standard",),
        Exact(((1024, 1024), (512, 512), (256, 256))),
        operations=("text_to_image", "edit", "variation"),
        mask="guidance",
        max_images=10,
        max_prompt_chars=1_000,
        typical_seconds=10.0,
    ),
)

_EXTENSIONS = (
    "seed",
    "negative_prompt",
    "quality",
    "background",
    "style",
    "user",
    "moderation",
    "output_compression",
    "strength",
)


def any_model(settings: OpenAISettings) -> Model:
    """What a compatible server can do, as its section tells: any name is a model."""
    price = settings.price_per_image_usd
    return Model(
        "",
        operations=settings.operations,
        sizes=Pixels(64, 8192, step=settings.size_step_px),
        price=per_image(str(price)) if price else free,
        price_source="configuration",
        max_images=settings.max_images,
        max_references=15 if "edit" in settings.operations else 0,
        mask="guidance" if "edit" in settings.operations else "",
        ignores=(
            *(name for name in _EXTENSIONS if name not in settings.takes),
            "partial_images",
            "similarity",
            "reference_role",
            "reference_weight",
        ),
        description="Any model of a server that speaks OpenAI's Images API",
    )


SANDBOX_MODELS = tuple(
    _second(name, priced_as="gpt-image-2", names=(), description="Emulated fault")
    for name in ("sandbox-rate-limited", "sandbox-down", "sandbox-slow")
)
