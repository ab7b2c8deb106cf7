"""Black Forest Labs' endpoints that are emulated: the OpenAPI document (2026-04-23) and docs.bfl.ai to 2026-11."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from heliostat.emulators.bfl.billing import ByMegapixel, ByResolution, Flat, Price

Task = Literal["paint", "fill", "expand"]
Kind = Literal["text", "whole", "number", "boolean", "picture", "pictures"]


@dataclass(frozen=True)
class Field:
    """One field of a body: its kind, bounds, step and words."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    step: int = 1
    words: tuple[str, ...] = ()
    required: bool = False
    usual: Any = None


@dataclass(frozen=True)
class BflModel:
    """One endpoint."""

    name: str
    price: Price
    fields: Mapping[str, Field]
    task: Task = "paint"
    usual_format: str = "jpeg"
    area_px: int = 1_048_576
    """Pixels of a picture whose size is a shape."""
    strict: bool = False
    """Refuses fields that it does not know."""
    active_tasks: int = 24


def _tolerance(most: int) -> Field:
    return Field("whole", 0, most, usual=2)


CALLBACK = {"webhook_url": Field(), "webhook_secret": Field()}
SHARED = {**CALLBACK, "seed": Field("whole"), "output_format": Field(words=("jpeg", "png", "webp"))}
PROMPT = Field(required=True)
FREE = Field(usual="")
YES = Field("boolean")


def _numbered(most: int) -> dict[str, Field]:
    return {f"input_image_{number}" if number > 1 else "input_image": Field("picture") for number in range(1, most + 1)}


def _flux_2(most: int, **more: Field) -> dict[str, Field]:
    edge = Field("whole", 64, None, 16)
    fields = {"prompt": PROMPT, "width": edge, "height": edge, "safety_tolerance": _tolerance(5), "user": Field()}
    return {**SHARED, **fields, **_numbered(most), **more}


KONTEXT = {
    **SHARED,
    "prompt": PROMPT,
    **_numbered(4),
    "aspect_ratio": Field(),
    "prompt_upsampling": YES,
    "safety_tolerance": _tolerance(6),
}
EDGE = Field("whole", 256, 1440, 32)
PRO = {
    **SHARED,
    "prompt": FREE,
    "image_prompt": Field("picture"),
    "width": EDGE,
    "height": EDGE,
    "prompt_upsampling": YES,
    "safety_tolerance": _tolerance(6),
}
TOOL = {
    **SHARED,
    "prompt": FREE,
    "image": Field("picture", required=True),
    "steps": Field("whole", 15, 50),
    "guidance": Field("number", 1.5, 100),
    "prompt_upsampling": YES,
    "safety_tolerance": _tolerance(6),
}
SIDE = Field("whole", 0, 2048)
RATIOS_3 = (
    *("auto", "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "1:1"),
    *("4:5", "3:4", "5:7", "2:3", "9:16", "1:2", "9:21"),
)
RESOLUTIONS_3 = {"768sq": "4.1", "1k": "4.8", "1.5k": "7", "2k": "10", "4k": "60.7"}


def _by_megapixel(first: str, further: str) -> ByMegapixel:
    return ByMegapixel(Fraction(first), Fraction(further))


MODELS = (
    BflModel(
        "flux-3-image",
        ByResolution({word: Fraction(cents) for word, cents in RESOLUTIONS_3.items()}),
        {
            **CALLBACK,
            "prompt": PROMPT,
            "images": Field("pictures"),
            "aspect_ratio": Field(words=RATIOS_3),
            "resolution": Field(words=tuple(RESOLUTIONS_3), usual="1k"),
            "safety_tolerance": _tolerance(4),
            "grounding": YES,
        },
        strict=True,
    ),
    BflModel("flux-2-pro", _by_megapixel("3", "1.5"), _flux_2(8, disable_pup=YES)),
    BflModel("flux-2-max", _by_megapixel("7", "3"), _flux_2(8, disable_pup=YES)),
    BflModel(
        "flux-2-flex",
        _by_megapixel("5", "5"),
        _flux_2(8, prompt_upsampling=YES, guidance=Field("number", 1.5, 10), steps=Field("whole", 1, 50)),
    ),
    BflModel("flux-2-klein-9b", _by_megapixel("1.5", "0.2"), _flux_2(4, disable_pup=YES)),
    BflModel("flux-2-klein-4b", _by_megapixel("1.4", "0.1"), _flux_2(4, disable_pup=YES)),
    BflModel("flux-kontext-pro", Flat(Fraction(4)), KONTEXT, usual_format="png"),
    BflModel("flux-kontext-max", Flat(Fraction(8)), KONTEXT, usual_format="png", active_tasks=6),
    BflModel("flux-pro-1.1", Flat(Fraction(4)), PRO),
    BflModel(
        "flux-pro-1.1-ultra",
        Flat(Fraction(6)),
        {
            **SHARED,
            "prompt": FREE,
            "aspect_ratio": Field(usual="16:9"),
            "raw": YES,
            "image_prompt": Field("picture"),
            "image_prompt_strength": Field("number", 0, 1),
            "prompt_upsampling": YES,
            "safety_tolerance": _tolerance(6),
        },
        area_px=4 * 1_048_576,
    ),
    BflModel(
        "flux-dev",
        Flat(Fraction("2.5")),
        PRO | {"steps": Field("whole", 1, 50), "guidance": Field("number", 1.5, 5)},
    ),
    BflModel(
        "flux-tools/erase-v1",
        _by_megapixel("3", "0.4"),
        {
            **CALLBACK,
            "seed": Field("whole"),
            "output_format": Field(words=("jpeg", "png")),
            "image": Field("picture", required=True),
            "mask": Field("picture", required=True),
            "dilate_pixels": Field("whole", 0, 25),
            "safety_tolerance": _tolerance(5),
        },
        "fill",
        usual_format="png",
    ),
    BflModel("flux-pro-1.0-fill", Flat(Fraction(5)), TOOL | {"mask": Field("picture")}, "fill"),
    BflModel(
        "flux-pro-1.0-expand",
        Flat(Fraction(5)),
        TOOL | {"top": SIDE, "bottom": SIDE, "left": SIDE, "right": SIDE},
        "expand",
    ),
)
BY_NAME = {model.name: model for model in MODELS}
