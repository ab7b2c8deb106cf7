"""Recraft's operations and models that are emulated: its OpenAPI document (2026-08-22) and recraft.ai/docs to 2026-11.

Prices in API units, of which 1,000 are a dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Task = Literal["paint", "edit", "fill", "expand", "vary", "cut_out", "upscale", "erase"]
Kind = Literal["text", "whole", "number", "flag", "object", "list"]
MICROS_PER_UNIT = 1_000
STYLE_UNITS = 40

_FOUR = {
    "1:1": "1024x1024",
    "2:1": "1536x768",
    "1:2": "768x1536",
    "3:2": "1280x832",
    "2:3": "832x1280",
    "4:3": "1216x896",
    "3:4": "896x1216",
    "5:4": "1152x896",
    "4:5": "896x1152",
    "6:10": "832x1344",
    "14:10": "1280x896",
    "10:14": "896x1280",
    "16:9": "1344x768",
    "9:16": "768x1344",
}
_THREE = {
    "1:1": "1024x1024",
    "2:1": "2048x1024",
    "1:2": "1024x2048",
    "3:2": "1536x1024",
    "2:3": "1024x1536",
    "4:3": "1365x1024",
    "3:4": "1024x1365",
    "5:4": "1280x1024",
    "4:5": "1024x1280",
    "6:10": "1024x1707",
    "10:6": "1707x1024",
    "14:10": "1434x1024",
    "10:14": "1024x1434",
    "16:9": "1820x1024",
    "9:16": "1024x1820",
}


def _doubled(text: str) -> str:
    width, _, height = text.partition("x")
    return f"{2 * int(width)}x{2 * int(height)}"


_PRO = {shape: _doubled(size) for shape, size in _FOUR.items()}


@dataclass(frozen=True)
class RecraftModel:
    """One model that draws: units of a picture, its sizes by shape, the longest prompt in characters."""

    units: int
    sizes: Mapping[str, str]
    prompt_chars: int = 10_000
    styled: bool = False
    """Knows styles: the second and third generation do."""


MODELS = {
    "recraftv4_1": RecraftModel(35, _FOUR),
    "recraftv4_1_utility": RecraftModel(35, _FOUR),
    "recraftv4_1_pro": RecraftModel(210, _PRO),
    "recraftv4_1_utility_pro": RecraftModel(210, _PRO),
    "recraftv4": RecraftModel(40, _FOUR),
    "recraftv4_pro": RecraftModel(250, _PRO),
    "recraftv3": RecraftModel(40, _THREE, 1_000, styled=True),
    "recraftv2": RecraftModel(22, _THREE, 1_000, styled=True),
}
USUAL_MODEL = "recraftv4_1"
EDITOR = "recraftv3"


@dataclass(frozen=True)
class Field:
    """One field: its kind, bounds and words."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """One operation: `units` of a picture, None where the model's; `single` answers `image`, others `data`."""

    path: str
    task: Task
    units: int | None
    fields: Mapping[str, Field] = field(default_factory=dict)
    mask: bool = False
    single: bool = False

    @property
    def takes_image(self) -> bool:
        """Tell whether it works on a picture."""
        return self.task != "paint"


COMMON = {
    "response_format": Field(words=("url", "b64_json")),
    "image_format": Field(words=("webp", "png")),
    "expire": Field("flag"),
}
PROMPT = {"prompt": Field(required=True)}
SIDE = Field("whole", 0, 4096)
DRAWN = {
    **COMMON,
    "model": Field(),
    "n": Field("whole", 1, 6),
    "random_seed": Field("whole", 0, 2**32 - 1),
    "negative_prompt": Field(),
    "style": Field(words=("any", "realistic_image", "digital_illustration", "vector_illustration", "icon")),
    "substyle": Field(),
    "style_id": Field(),
    "style_match": Field(words=("regular", "precise", "flexible")),
    "controls": Field("object"),
    "block_nsfw": Field("flag"),
    "calculate_features": Field("flag"),
}
EDITED = {**DRAWN, **PROMPT}
TARGET = {"upscale": Field(words=("upscale4mp", "upscale16mp"))}
OPERATIONS = (
    Operation(
        "generations",
        "paint",
        None,
        {
            **EDITED,
            **TARGET,
            "size": Field(),
            "creativity": Field(words=("simple", "standard", "eccentric")),
            "text_layout": Field("list"),
        },
    ),
    Operation("imageToImage", "edit", 40, {**EDITED, "strength": Field("number", 0, 1, required=True)}),
    Operation("inpaint", "fill", 40, EDITED, mask=True),
    Operation(
        "outpaint",
        "expand",
        40,
        {
            **EDITED,
            **dict.fromkeys(("expand_left", "expand_right", "expand_top", "expand_bottom"), SIDE),
            "size": Field(),
            "zoom_out_percentage": Field("number", 0, 100),
        },
    ),
    Operation("replaceBackground", "edit", 40, EDITED),
    Operation("variateImage", "vary", 40, {**DRAWN, "size": Field(required=True)}),
    Operation("removeBackground", "cut_out", 10, COMMON, single=True),
    Operation("crispUpscale", "upscale", 4, {**COMMON, **TARGET}, single=True),
    Operation("creativeUpscale", "upscale", 250, {**COMMON, **TARGET}, single=True),
    Operation("eraseRegion", "erase", 2, COMMON, mask=True, single=True),
)
BY_PATH = {operation.path: operation for operation in OPERATIONS}
