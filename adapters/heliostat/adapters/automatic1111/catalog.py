"""The models of a web UI: its checkpoints, upscalers and extensions, as the settings name them. Pure.

Source: modules/api of stable-diffusion-webui-forge (2025-06), read 2026-11-22. An engine of one's own bills nobody.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.adapters.automatic1111.settings import Automatic1111Settings
from heliostat.adapters.sdk import FollowsInput, InputLimits, Model, ModelTable, Pixels, free
from heliostat.adapters.sdk.asked import NAMES

LOADED = "loaded"
"""The model that stands for whatever checkpoint the server has loaded."""

_DRAWS = ("text_to_image", "edit", "variation")
_HONOURED = frozenset({"prompt", "negative_prompt", "seed", "strength", "similarity", "feather"})
_MOST_INPUT_PX = 4_194_304
_SMALL = ("sd-1", "sd1", "v1-5")
_REMBG = "u2net"


class Work(enum.Enum):
    """Which endpoint a model belongs to."""

    DRAW = "draw"
    ENLARGE = "enlarge"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Engine:
    """What the server calls a model; empty for the checkpoint that is loaded."""

    work: Work
    file: str = ""


def models_of(settings: Automatic1111Settings) -> ModelTable:
    """The models of these settings."""
    drawing = [_drawing(LOADED, ""), *(_drawing(name, file) for name, file in settings.checkpoints.items())]
    tools = [_tool(name, Engine(Work.ENLARGE, title), "upscale") for name, title in settings.upscalers.items()]
    if settings.rembg:
        tools.append(_tool("rembg", Engine(Work.CUT, _REMBG), "remove_background"))
    return ModelTable(*drawing, *tools)


def _drawing(name: str, file: str) -> Model:
    edge = 512 if file and name.startswith(_SMALL) else 1024
    return Model(
        name,
        names=(name,) if file else (),
        operations=_DRAWS,
        sizes=Pixels(64, 2048, step=8, max_area_px=_MOST_INPUT_PX, default=(edge, edge), tiers_default_px=edge),
        operation_sizes=_follows(),
        price=free,
        max_images=8,
        inputs=InputLimits(max_pixels=_MOST_INPUT_PX, types=("image/png", "image/jpeg", "image/webp")),
        mask="exact",
        ignores=tuple(sorted(NAMES - _HONOURED)),
        description="" if file else "Whatever checkpoint the server has loaded",
        facts=Engine(Work.DRAW, file),
    )


def _follows() -> Mapping[str, FollowsInput]:
    return {"edit": FollowsInput(), "variation": FollowsInput()}


def _tool(name: str, engine: Engine, operation: str) -> Model:
    return Model(
        name,
        names=(name,),
        operations=(operation,),
        price=free,
        inputs=InputLimits(max_pixels=4 * _MOST_INPUT_PX, types=("image/png", "image/jpeg", "image/webp")),
        ignores=tuple(sorted(NAMES)),
        facts=engine,
    )


MODELS = models_of(Automatic1111Settings(rembg=True))
"""All that is offered where nothing is set, and the extension."""
