"""The models of Together AI that are offered, with sizes and prices.

Source: docs.together.ai (images overview) and the OpenAPI document (2026-04-28), third-party price files of 2026; read
2026-11-22. The catalogue changes often. What is not certain is marked in README.md.
"""

from typing import Any

from heliostat.adapters.sdk import Exact, Model, ModelTable, Pixels
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.together.traits import (
    BANANA,
    DIFFUSION,
    EDITOR,
    FLUX_2,
    FORMATS,
    GOOGLE,
    KONTEXT,
    LISTED,
    LORA_FLUX,
    OPEN_FLUX,
    OPEN_KONTEXT,
    PARTNER,
    PRO_FLUX,
    SCHNELL,
    SINGLE,
    Traits,
)

PRICES = shipped("together")
_BFL, _GOOGLE, _BYTEDANCE, _ALIBABA = "Black Forest Labs", "Google", "ByteDance", "Alibaba"
_STABILITY, _HIDREAM, _RUNDIFFUSION = "Stability AI", "HiDream.ai", "RunDiffusion"
_DRAW_AND_EDIT = ("text_to_image", "edit")
_FLUX = "black-forest-labs/FLUX."

_FLUX_GRID = Pixels(256, 1440, 16, default=(1024, 1024))
_FLUX_2_GRID = Pixels(256, 2048, 16, max_area_px=4_194_304, default=(1024, 1024))
_SDXL_GRID = Pixels(512, 2048, 8, default=(1024, 1024))
_SEEDREAM_3_GRID = Pixels(512, 2048, 8, default=(1024, 1024))
_SEEDREAM_4_GRID = Pixels(1024, 4096, 8, default=(2048, 2048))
_IMAGEN_SIZES = Exact(
    ((1024, 1024), (896, 1280), (1280, 896), (768, 1408), (1408, 768)),
    default=(1024, 1024),
)
_BANANA_SIZES = Exact(
    (
        *((1024, 1024), (832, 1248), (1248, 832), (864, 1184), (1184, 864), (896, 1152), (1152, 896)),
        *((768, 1344), (1344, 768), (1536, 672)),
    ),
    default=(1024, 1024),
)


def _model(name: str, *names: str, traits: Traits, sizes: Any = _FLUX_GRID, **facts: Any) -> Model:
    facts.setdefault("operations", _DRAW_AND_EDIT if traits.images else ("text_to_image",))
    facts.setdefault("max_references", {LISTED: 3, SINGLE: 0}.get(traits.images, 0))
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        sizes=sizes,
        media_types=tuple(FORMATS),
        ignores=tuple(sorted(NAMES - _honoured(traits))),
        facts=traits,
        **facts,
    )


def _honoured(traits: Traits) -> frozenset[str]:
    """Names of asked.py that the model honours."""
    return traits.takes | {"prompt"} | (frozenset({"moderation"}) if traits.checked else frozenset())


def _flux(name: str, *names: str, traits: Traits, **facts: Any) -> Model:
    return _model(_FLUX + name, *names, traits=traits, creator=_BFL, **facts)


def _partner(name: str, *names: str, creator: str, **facts: Any) -> Model:
    facts.setdefault("traits", PARTNER)
    return _model(name, *names, creator=creator, **facts)


MODELS = ModelTable(
    _flux("1-schnell", "flux-schnell", "flux-1-schnell", traits=SCHNELL, max_images=4, typical_seconds=1),
    _flux("1-dev", "flux-dev", "flux-1-dev", traits=OPEN_FLUX, max_images=4),
    _flux("1-dev-lora", "flux-dev-lora", traits=LORA_FLUX, max_images=4),
    _flux("1-krea-dev", "flux-krea-dev", traits=OPEN_FLUX, max_images=4),
    _flux("1-kontext-dev", "flux-kontext-dev", traits=OPEN_KONTEXT, operations=("edit",)),
    _flux("1-pro", "flux-pro", traits=PRO_FLUX),
    _flux("1.1-pro", "flux-1.1-pro", "flux-pro-1.1", traits=PRO_FLUX),
    _flux("1-kontext-pro", "flux-kontext-pro", traits=KONTEXT),
    _flux("1-kontext-max", "flux-kontext-max", traits=KONTEXT),
    *(
        _flux(f"2-{tier}", f"flux-2-{tier}", traits=FLUX_2, sizes=_FLUX_2_GRID, max_references=8)
        for tier in ("pro", "dev", "flex", "max")
    ),
    _partner("google/imagen-4.0-preview", "imagen-4", creator=_GOOGLE, traits=GOOGLE, sizes=_IMAGEN_SIZES),
    _partner("google/imagen-4.0-fast", "imagen-4-fast", creator=_GOOGLE, traits=GOOGLE, sizes=_IMAGEN_SIZES),
    _partner("google/imagen-4.0-ultra", "imagen-4-ultra", creator=_GOOGLE, traits=GOOGLE, sizes=_IMAGEN_SIZES),
    _partner(
        "google/flash-image-2.5",
        "gemini-2.5-flash-image",
        "nano-banana",
        creator=_GOOGLE,
        traits=BANANA,
        sizes=_BANANA_SIZES,
    ),
    _partner("ByteDance-Seed/Seedream-3.0", "seedream-3", creator=_BYTEDANCE, sizes=_SEEDREAM_3_GRID),
    _partner("ByteDance-Seed/Seedream-4.0", "seedream-4", creator=_BYTEDANCE, sizes=_SEEDREAM_4_GRID),
    _partner("ByteDance-Seed/SeedEdit", "seededit", creator=_BYTEDANCE, traits=KONTEXT, operations=("edit",)),
    _partner("Qwen/Qwen-Image", "qwen-image", creator=_ALIBABA, traits=DIFFUSION),
    _partner("Qwen/Qwen-Image-Edit", "qwen-image-edit", creator=_ALIBABA, traits=EDITOR, operations=("edit",)),
    _partner("ideogram/ideogram-3.0", "ideogram-v3", creator="Ideogram"),
    _partner(
        "stabilityai/stable-diffusion-xl-base-1.0",
        "sdxl",
        "stable-diffusion-xl",
        creator=_STABILITY,
        traits=DIFFUSION,
        sizes=_SDXL_GRID,
        max_images=4,
    ),
    _partner("stabilityai/stable-diffusion-3-medium", "sd-3-medium", creator=_STABILITY, traits=DIFFUSION),
    _partner("HiDream-ai/HiDream-I1-Full", "hidream-i1-full", creator=_HIDREAM, traits=DIFFUSION),
    _partner("HiDream-ai/HiDream-I1-Dev", "hidream-i1-dev", creator=_HIDREAM, traits=DIFFUSION),
    _partner("HiDream-ai/HiDream-I1-Fast", "hidream-i1-fast", creator=_HIDREAM, traits=DIFFUSION),
    _partner("RunDiffusion/Juggernaut-pro-flux", "juggernaut-pro-flux", creator=_RUNDIFFUSION),
    _partner("Rundiffusion/Juggernaut-Lightning-Flux", "juggernaut-lightning-flux", creator=_RUNDIFFUSION),
)
