"""Stability AI's endpoints that are emulated: the v2beta reference (2026), credits of 2025-08 (a credit is a cent)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Kind = Literal["text", "whole", "number", "boolean", "file"]
Task = Literal["draw", "inpaint", "erase", "outpaint", "change", "cut", "enlarge", "restyle"]

MICROS_PER_CREDIT = 10_000
RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
PRESETS = (
    *("enhance", "anime", "photographic", "digital-art", "comic-book", "fantasy-art", "line-art", "analog-film"),
    *("neon-punk", "isometric", "low-poly", "origami", "modeling-compound", "cinematic", "3d-model", "pixel-art"),
    "tile-texture",
)


@dataclass(frozen=True)
class Field:
    """One field of a form: its kind, bounds and words."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Bounds:
    """What a picture sent in may be, in px."""

    least_edge: int = 64
    most_edge: int = 0
    least: int = 4_096
    most: int = 9_437_184
    ratio: float = 0


@dataclass(frozen=True)
class Endpoint:
    """One endpoint below /v2beta/stable-image."""

    path: str
    credits: Mapping[str, Fraction]
    """By the word of `model`; under "" where there is no such field."""
    fields: Mapping[str, Field]
    task: Task = "draw"
    queued: bool = False
    area_px: int = 1_048_576
    """Pixels of a drawing, or of what is enlarged; the four of fast are a factor."""
    bounds: Bounds = field(default_factory=Bounds)
    one_of: tuple[str, ...] = ()
    """Fields of which one must be there."""


def _formats(*words: str) -> Field:
    return Field(words=words)


def _cents(credits: str) -> dict[str, Fraction]:
    return {"": Fraction(credits)}


FILE, NEEDED_FILE = Field("file"), Field("file", required=True)
PROMPT, FREE_PROMPT = Field(required=True), Field()
SHARED = {"seed": Field("whole", 0, 4_294_967_294), "output_format": _formats("png", "jpeg", "webp")}
STYLED = {**SHARED, "negative_prompt": Field(), "style_preset": Field(words=PRESETS)}
RATIO = Field(words=RATIOS)
UNIT = Field("number", 0, 1)
SIDE = Field("whole", 0, 2_000)
WIDE = Bounds(ratio=2.5)
SMALL = Bounds(most=1_048_576)

SD3 = {
    "sd3.5-large": Fraction("6.5"),
    "sd3.5-large-turbo": Fraction(4),
    "sd3.5-medium": Fraction("3.5"),
    "sd3.5-flash": Fraction("2.5"),
}

ENDPOINTS = (
    Endpoint(
        "generate/ultra",
        _cents("8"),
        {**STYLED, "prompt": PROMPT, "aspect_ratio": RATIO, "image": FILE, "strength": UNIT},
    ),
    Endpoint("generate/core", _cents("3"), {**STYLED, "prompt": PROMPT, "aspect_ratio": RATIO}, area_px=1_572_864),
    Endpoint(
        "generate/sd3",
        SD3,
        {
            **STYLED,
            "prompt": PROMPT,
            "model": Field(words=tuple(SD3)),
            "mode": Field(words=("text-to-image", "image-to-image")),
            "image": FILE,
            "strength": UNIT,
            "aspect_ratio": RATIO,
            "cfg_scale": Field("number", 1, 10),
            "output_format": _formats("png", "jpeg"),
        },
    ),
    Endpoint(
        "edit/erase",
        _cents("5"),
        {**SHARED, "image": NEEDED_FILE, "mask": FILE, "grow_mask": Field("whole", 0, 20)},
        "erase",
    ),
    Endpoint(
        "edit/inpaint",
        _cents("5"),
        {**STYLED, "prompt": PROMPT, "image": NEEDED_FILE, "mask": FILE, "grow_mask": Field("whole", 0, 100)},
        "inpaint",
    ),
    Endpoint(
        "edit/outpaint",
        _cents("4"),
        {
            **SHARED,
            "style_preset": Field(words=PRESETS),
            "prompt": FREE_PROMPT,
            "image": NEEDED_FILE,
            **{"left": SIDE, "right": SIDE, "up": SIDE, "down": SIDE},
            "creativity": UNIT,
        },
        "outpaint",
        bounds=WIDE,
        one_of=("left", "right", "up", "down"),
    ),
    *(
        Endpoint(
            f"edit/search-and-{verb}",
            _cents("5"),
            {
                **STYLED,
                "prompt": PROMPT,
                "image": NEEDED_FILE,
                f"{noun}_prompt": PROMPT,
                "grow_mask": Field("whole", 0, 20),
            },
            "change",
            bounds=WIDE,
        )
        for verb, noun in (("replace", "search"), ("recolor", "select"))
    ),
    Endpoint(
        "edit/remove-background",
        _cents("5"),
        {"image": NEEDED_FILE, "output_format": _formats("png", "webp")},
        "cut",
        bounds=Bounds(most=4_194_304),
    ),
    Endpoint(
        "edit/replace-background-and-relight",
        _cents("8"),
        {
            **SHARED,
            "negative_prompt": Field(),
            "subject_image": NEEDED_FILE,
            "background_prompt": FREE_PROMPT,
            "background_reference": FILE,
            "foreground_prompt": FREE_PROMPT,
            "preserve_original_subject": UNIT,
            "original_background_depth": UNIT,
            "keep_original_background": Field("boolean"),
            "light_source_direction": Field(words=("left", "right", "above", "below")),
            "light_reference": FILE,
            "light_source_strength": UNIT,
        },
        "change",
        queued=True,
        one_of=("background_prompt", "background_reference"),
    ),
    Endpoint(
        "upscale/fast",
        _cents("2"),
        {"image": NEEDED_FILE, "output_format": _formats("png", "jpeg", "webp")},
        "enlarge",
        area_px=4,
        bounds=Bounds(32, 1_536, 1_024, 1_048_576),
    ),
    Endpoint(
        "upscale/conservative",
        _cents("40"),
        {
            **SHARED,
            "negative_prompt": Field(),
            "prompt": PROMPT,
            "image": NEEDED_FILE,
            "creativity": Field("number", 0.2, 0.5),
        },
        "enlarge",
        area_px=4_194_304,
        bounds=WIDE,
    ),
    Endpoint(
        "upscale/creative",
        _cents("60"),
        {**STYLED, "prompt": PROMPT, "image": NEEDED_FILE, "creativity": Field("number", 0.1, 0.5)},
        "enlarge",
        queued=True,
        area_px=4_194_304,
        bounds=SMALL,
    ),
    *(
        Endpoint(
            f"control/{what}",
            _cents("5"),
            {**STYLED, "prompt": PROMPT, "image": NEEDED_FILE, "control_strength": UNIT},
            "change",
            bounds=WIDE,
        )
        for what in ("sketch", "structure")
    ),
    Endpoint(
        "control/style",
        _cents("5"),
        {**STYLED, "prompt": PROMPT, "image": NEEDED_FILE, "fidelity": UNIT, "aspect_ratio": RATIO},
        bounds=WIDE,
    ),
    Endpoint(
        "control/style-transfer",
        _cents("8"),
        {
            **SHARED,
            "negative_prompt": Field(),
            "prompt": FREE_PROMPT,
            "init_image": NEEDED_FILE,
            "style_image": NEEDED_FILE,
            "style_strength": UNIT,
            "composition_fidelity": UNIT,
            "change_strength": Field("number", 0.1, 1),
        },
        "restyle",
        bounds=WIDE,
    ),
)
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
