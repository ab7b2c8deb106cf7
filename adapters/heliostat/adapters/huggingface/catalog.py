"""Models that are reached through Hugging Face's router, with sizes and prices.

A name is that of the provider, then that of the model at the Hub. What the provider calls the model is asked of the Hub
when it is needed: `hub.py`. What is not certain is marked in README.md.
"""

from collections.abc import Iterable
from typing import Any

from heliostat.adapters.huggingface.endpoints import (
    DRAWS,
    FAL_DRAW,
    FAL_EDIT,
    FAL_QWEN,
    FAL_SCHNELL,
    FLUX_SHAPES,
    HF,
    HF_DRAW,
    HF_EDIT,
    HF_SEGMENT,
    JPEG,
    NSCALE_DRAW,
    PNG,
    REPLICATE_DRAW,
    REPLICATE_EDIT,
    REPLICATE_QWEN,
    REPLICATE_SCHNELL,
    TOGETHER_DRAW,
    TOGETHER_EDIT,
    TOGETHER_SCHNELL,
    WAVESPEED_DRAW,
    WAVESPEED_EDIT,
    Endpoint,
    SizeField,
)
from heliostat.adapters.sdk import Exact, FollowsInput, Model, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.sizing import SizeRule

PRICES = shipped("huggingface")
_FLUX, _STABLE, _QWEN = "black-forest-labs/FLUX.1-", "stabilityai/stable-diffusion-", "Qwen/Qwen-Image"
_BFL, _STABILITY, _ALIBABA = "Black Forest Labs", "Stability AI", "Alibaba"
_JOBS = frozenset({"fal-ai", "replicate", "wavespeed"})
_OPERATIONS = {"text-to-image": "text_to_image", "image-to-image": "edit", "image-segmentation": "segment"}

_GRID = Pixels(256, 1440, 16, default=(1024, 1024))
_SHAPES = Exact(tuple(FLUX_SHAPES), default=(1024, 1024))
_QWEN_RATIOS = Ratios(("16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16"), default="1:1")


def _model(endpoint: Endpoint, name: str, *names: str, sizes: SizeRule | None = None, **facts: Any) -> Model:
    full = f"{endpoint.provider}/{name}"
    usual: dict[SizeField, SizeRule] = {SizeField.NONE: FollowsInput(), SizeField.SHAPE: _SHAPES}
    finds = endpoint.task == "image-segmentation"
    return Model(
        full,
        names=names,
        **PRICES.facts(full),
        sizes=sizes or usual.get(endpoint.size, _GRID),
        operations=(_OPERATIONS[endpoint.task],),
        max_images=4 if "image_count" in endpoint.takes else 1,
        counts_images=not finds,
        media_types=tuple(endpoint.formats) or ((PNG,) if endpoint.provider == HF else (JPEG,)),
        ignores=tuple(sorted(NAMES - _honoured(endpoint))),
        resumable=endpoint.provider in _JOBS,
        facts=endpoint,
        **facts,
    )


def _honoured(endpoint: Endpoint) -> frozenset[str]:
    """Names of asked.py that the endpoint honours."""
    words = frozenset[str]() if endpoint.task == "image-segmentation" else frozenset({"prompt"})
    return words | frozenset(endpoint.takes) | (frozenset({"moderation"}) if endpoint.lax else frozenset())


def _flux(endpoint: Endpoint, name: str, *names: str) -> Model:
    return _model(endpoint, _FLUX + name, *names, creator=_BFL)


def further(names: Iterable[str]) -> list[Model]:
    """Models that an operator names, each provider/owner/model as the settings have it; those known are left out."""
    made = []
    for name in sorted(set(names) - {model.name for model in MODELS}):
        provider, _, own = name.partition("/")
        made.append(_model(DRAWS[provider], own, own.rpartition("/")[2].lower()))
    return made


MODELS = ModelTable(
    _flux(HF_DRAW, "schnell", "flux-schnell", "flux-1-schnell"),
    _flux(HF_DRAW, "dev", "flux-dev", "flux-1-dev"),
    _flux(HF_EDIT, "Kontext-dev", "flux-kontext-dev"),
    _model(HF_DRAW, _STABLE + "xl-base-1.0", "sdxl", "stable-diffusion-xl", creator=_STABILITY),
    _model(HF_DRAW, _STABLE + "3.5-large", "sd-3.5-large", "stable-diffusion-3.5-large", creator=_STABILITY),
    _model(HF_SEGMENT, "mattmdjaga/segformer_b2_clothes", "segformer-clothes"),
    _flux(FAL_SCHNELL, "schnell", "flux-schnell", "flux-1-schnell"),
    _flux(FAL_DRAW, "dev", "flux-dev", "flux-1-dev"),
    _flux(FAL_EDIT, "Kontext-dev", "flux-kontext-dev"),
    _model(FAL_QWEN, _QWEN, "qwen-image", creator=_ALIBABA),
    _model(FAL_EDIT, _QWEN + "-Edit", "qwen-image-edit", creator=_ALIBABA),
    _flux(REPLICATE_SCHNELL, "schnell", "flux-schnell", "flux-1-schnell"),
    _flux(REPLICATE_DRAW, "dev", "flux-dev", "flux-1-dev"),
    _flux(REPLICATE_EDIT, "Kontext-dev", "flux-kontext-dev"),
    _model(REPLICATE_QWEN, _QWEN, "qwen-image", sizes=_QWEN_RATIOS, creator=_ALIBABA),
    _flux(TOGETHER_SCHNELL, "schnell", "flux-schnell", "flux-1-schnell"),
    _flux(TOGETHER_DRAW, "dev", "flux-dev", "flux-1-dev"),
    _flux(TOGETHER_EDIT, "Kontext-dev", "flux-kontext-dev"),
    _flux(NSCALE_DRAW, "schnell", "flux-schnell", "flux-1-schnell"),
    _model(NSCALE_DRAW, _STABLE + "xl-base-1.0", "sdxl", "stable-diffusion-xl", creator=_STABILITY),
    _flux(WAVESPEED_DRAW, "schnell", "flux-schnell", "flux-1-schnell"),
    _flux(WAVESPEED_DRAW, "dev", "flux-dev", "flux-1-dev"),
    _model(WAVESPEED_DRAW, _QWEN, "qwen-image", creator=_ALIBABA),
    _model(WAVESPEED_EDIT, _QWEN + "-Edit", "qwen-image-edit", creator=_ALIBABA),
)
