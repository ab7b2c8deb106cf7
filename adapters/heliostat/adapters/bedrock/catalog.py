"""The image models of Amazon Bedrock: Stability AI's, and Amazon's own for accounts that still may use them.

Source: Bedrock's model cards, price and lifecycle pages, read 2026-11-22. What is not certain is marked in README.md.
"""

from dataclasses import dataclass
from typing import Any

from heliostat.adapters.bedrock.endpoints import DRAWING, MOST_FILE_BYTES, SERVICES
from heliostat.adapters.sdk import Exact, FollowsInput, InputLimits, Model, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.stable_image import JPEG, MOST_PROMPT_CHARS, PNG, SHAPES, WEBP, Endpoint

PRICES = shipped("bedrock")
_EXACT = Exact(tuple(SHAPES), default=(1024, 1024))
_SHAPES = Ratios(tuple(SHAPES.values()), default="1:1")
_INPUTS = InputLimits((PNG, JPEG), MOST_FILE_BYTES // 2, 4_194_304)
_NOVA_SIZES = Pixels(320, 4096, step=16, max_area_px=4_194_304, max_ratio=4.0, default=(1024, 1024))
_TITAN_SIZES = Exact(((1024, 1024), (768, 768), (512, 512), (768, 1152), (1152, 768)), default=(1024, 1024))
_AMAZONS = ("text_to_image", "edit", "variation", "remove_background")


_AMAZONS_OPTIONS = Endpoint("", options=frozenset({"cfg_scale", "mask_prompt", "colors"}))


@dataclass(frozen=True, slots=True)
class Task:
    """A model of Amazon's own: its greatest seed, its longest prompt, whether it knows styles, and its options."""

    most_seed: int
    most_chars: int
    styles: bool = False
    options: Endpoint = _AMAZONS_OPTIONS


def _stability(name: str, endpoint: Endpoint, *names: str, **facts: Any) -> Model:
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        max_references=1 if endpoint.reference else 0,
        inputs=InputLimits((PNG, JPEG, WEBP), MOST_FILE_BYTES // 2, endpoint.limits.most_px),
        mask="exact" if endpoint.mask else "",
        media_types=tuple(endpoint.formats),
        ignores=tuple(sorted(NAMES - endpoint.honoured)),
        max_prompt_chars=MOST_PROMPT_CHARS,
        creator="Stability AI",
        facts=endpoint,
        **facts,
    )


def _drawing(name: str, *names: str, **facts: Any) -> Model:
    return _stability(name, DRAWING[name], *names, **{"sizes": _EXACT, **facts})


def _service(what: str, *names: str, operation: str = "edit", **facts: Any) -> Model:
    name = f"stability.stable-{what}-v1:0"
    return _stability(name, SERVICES[name], *names, **{"operations": (operation,), **facts})


def _amazon(name: str, public: str, task: Task, **facts: Any) -> Model:
    honoured = {"prompt", "negative_prompt", "seed", "quality", "similarity", "strength"}
    return Model(
        name,
        names=(public,),
        **PRICES.facts(name),
        operations=_AMAZONS,
        operation_sizes={"remove_background": FollowsInput()},
        max_images=5,
        max_references=4,
        inputs=_INPUTS,
        mask="exact",
        max_prompt_chars=task.most_chars,
        ignores=tuple(sorted(NAMES - honoured - ({"style"} if task.styles else set()))),
        creator="Amazon",
        facts=task,
        **facts,
    )


STABILITY = (
    _drawing("stability.stable-image-core-v1:1", "stable-image-core", sizes=_SHAPES, typical_seconds=4),
    _drawing("stability.stable-image-ultra-v1:1", "stable-image-ultra", typical_seconds=8),
    _drawing(
        "stability.sd3-5-large-v1:0",
        *("sd-3.5-large", "stable-diffusion-3.5-large"),
        operations=("text_to_image", "edit"),
        operation_sizes={"edit": FollowsInput()},
    ),
    _service("image-inpaint", "stability-inpaint", metadata={"mask_required": True}),
    _service("image-erase-object", "stability-erase", metadata={"mask_required": True}),
    _service("outpaint", "stability-outpaint", operation="outpaint"),
    _service("image-search-replace", "stability-search-and-replace"),
    _service("image-search-recolor", "stability-search-and-recolor"),
    _service("image-remove-background", "stability-remove-background", operation="remove_background"),
    _service("image-control-sketch", "stability-sketch"),
    _service("image-control-structure", "stability-structure"),
    _service(
        "image-style-guide",
        "stability-style",
        operation="text_to_image",
        sizes=_SHAPES,
        metadata={"reference_required": True},
    ),
    _service("style-transfer", "stability-style-transfer", operation="style_transfer"),
    _service("fast-upscale", "stability-upscale-fast", operation="upscale", typical_seconds=1),
    _service("conservative-upscale", "stability-upscale-conservative", operation="upscale"),
    _service("creative-upscale", "stability-upscale-creative", operation="upscale", typical_seconds=60),
)
AMAZON = (
    _amazon(
        "amazon.nova-canvas-v1:0",
        "nova-canvas",
        Task(858_993_459, 1024, styles=True),
        sizes=_NOVA_SIZES,
        description="Its end was 2026-09-30",
    ),
    _amazon(
        "amazon.titan-image-generator-v2:0",
        "titan-image-v2",
        Task(2_147_483_646, 512),
        sizes=_TITAN_SIZES,
        description="Retired",
    ),
)


def models_of(*, legacy: bool) -> ModelTable:
    """The models on offer."""
    return ModelTable(*STABILITY, *(AMAZON if legacy else ()))
