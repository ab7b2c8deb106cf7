"""OpenAI's image models.

Source: OpenAI's API reference and deprecations page, read 2026-11-22. Retired models stay in the table because
OpenAI-compatible servers still speak them; OpenAI itself answers 404 for them.
"""

from typing import Any

from heliostat.adapters.openai.settings import OpenAISettings
from heliostat.adapters.sdk import Exact, InputLimits, Model, ModelTable, Pixels, free, per_image
from heliostat.adapters.sdk.images_api import Traits, first_generation, second_generation
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("openai")

# DALL-E 2 takes PNGs of less than 4 MB (API reference, read 2026-11-22).
_OLD_INPUTS = InputLimits(("image/png",), 4_000_000)


def _first(name: str, *, fidelity: bool = True, **facts: Any) -> Model:
    return first_generation(name, PRICES.facts(name), fidelity=fidelity, **facts)


def _second(name: str, *, complexity: bool = False, priced_as: str = "", **facts: Any) -> Model:
    return second_generation(name, PRICES.facts(priced_as or name), complexity=complexity, **facts)


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
    _second("gpt-image-2.6-sunburst", complexity=True),
    _second("gpt-image-2.6-flare", complexity=True),
    _second("gpt-image-2.5-sunburst"),
    _second("gpt-image-2.5-sunburst-2026-09-08", description="Snapshot"),
    _second("gpt-image-2.5-flare"),
    _second("gpt-image-2.5-flare-2026-09-08", description="Snapshot"),
    _second("gpt-image-2"),
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
