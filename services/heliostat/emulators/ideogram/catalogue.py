"""Ideogram's operations that are emulated: its OpenAPI document (2026-10-07) and pages to 2026-11-16.

Prices in micro-USD, of ideogram.ai/features/api-pricing (2026-11-16) and quotes of 2026-10-10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Task = Literal["paint", "edit", "fill", "erase", "reframe", "cut_out", "upscale"]
Kind = Literal["text", "whole", "flag", "texts", "object", "file", "files"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


THREE_SIZES = _set(
    "512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 704x1344 "
    "704x1408 704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088 832x1152 "
    "832x1216 832x1248 864x1152 896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088 "
    "1024x832 1024x896 1024x960 1024x1024 1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 1152x864 "
    "1152x896 1216x704 1216x768 1216x832 1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 1344x768 "
    "1408x576 1408x640 1408x704 1472x576 1472x640 1472x704 1536x512 1536x576 1536x640"
)
FOUR_SIZES = _set(
    "2048x2048 1440x2880 2880x1440 1664x2496 2496x1664 1792x2240 2240x1792 1440x2560 2560x1440 1600x2560 2560x1600 "
    "1728x2304 2304x1728 1296x3168 3168x1296 1152x2944 2944x1152 1248x3328 3328x1248 1280x3072 3072x1280"
)
SHAPES = _set("1x3 3x1 1x2 2x1 9x16 16x9 10x16 16x10 2x3 3x2 3x4 4x3 4x5 5x4 1x1 auto")


@dataclass(frozen=True)
class Field:
    """One field: its kind, bounds and words; `most` files."""

    kind: Kind = "text"
    low: int | None = None
    high: int | None = None
    step: int = 1
    words: frozenset[str] = frozenset()
    required: bool = False
    most: int = 1
    file_bytes: int = 25_000_000


@dataclass(frozen=True)
class ByWord:
    """Micro-USD of a picture, by the word of a field; `usual` where it is not sent."""

    field: str
    usual: str
    each: Mapping[str, int]


@dataclass(frozen=True)
class Operation:
    """One operation: `price` is micro-USD of a picture, `per_megapixel` of 1,000,000 px put out."""

    path: str
    task: Task
    price: ByWord | int
    fields: Mapping[str, Field] = field(default_factory=dict)
    per_megapixel: bool = False
    transparent: bool = False
    always_async: bool = False

    @property
    def takes_files(self) -> bool:
        """Tell whether a form is taken; others are JSON only."""
        return any(one.kind in ("file", "files") for one in self.fields.values())


def _words(*words: str) -> Field:
    return Field(words=frozenset(words))


FLAG, FILE = Field("flag"), Field("file", required=True)
BIG_FILE = Field("file", required=True, file_bytes=50_000_000)
PROMPT = Field(required=True, high=10_000)
COMMON = {
    "num_images": Field("whole", 1, 8),
    "seed": Field("whole", 0, 2**31 - 1),
    "async": FLAG,
    "private": FLAG,
    "enable_copyright_detection": FLAG,
}
DRAWN = {**COMMON, "prompt": PROMPT, "magic_prompt": _words("auto", "on", "off")}
SPEED = {"rendering_speed": _words("turbo", "default", "quality")}
STYLED = {
    **SPEED,
    "style_type": _words("auto", "general", "realistic", "design", "custom", "fiction", "stylized"),
    "style_preset": Field(),
    "style_codes": Field("texts"),
    "color_palette": Field("object"),
}
STYLE_FILES = {"style_reference_images": Field("files", most=10)}
CHARACTER = {"character_reference_images": Field("files", required=True)}
NEGATIVE = {"negative_prompt": Field()}
RESOLUTION_3 = {"resolution": Field(words=THREE_SIZES), "aspect_ratio": Field(words=SHAPES)}
RESOLUTION_4 = {"resolution": Field(words=FOUR_SIZES)}
WEIGHT = {"image_weight": Field("whole", 1, 100)}
QUALITY = {"quality": _words("very_low", "low", "medium", "high")}


def _by_speed(turbo: int, default: int, quality: int) -> ByWord:
    return ByWord("rendering_speed", "default", {"turbo": turbo, "default": default, "quality": quality})


THREE = _by_speed(30_000, 60_000, 90_000)
FOUR = _by_speed(30_000, 60_000, 100_000)
OF_CHARACTER = _by_speed(100_000, 150_000, 200_000)
FOUR_5 = ByWord("quality", "high", {"very_low": 8_000, "low": 30_000, "medium": 60_000, "high": 100_000})
PRECISE = ByWord("quality", "high", {"very_low": 8_000, "low": 30_000, "medium": 60_000, "high": 220_000})


def _three(kind: str, price: ByWord, files: Mapping[str, Field]) -> list[Operation]:
    own = {**DRAWN, **STYLED, **NEGATIVE, **files}
    return [
        Operation(f"generate/{kind}", "paint", price, {**own, **RESOLUTION_3}),
        Operation(f"remix/{kind}", "edit", price, {**own, **RESOLUTION_3, **WEIGHT, "image": BIG_FILE}),
        Operation(f"inpaint/{kind}", "fill", price, {**own, "image": FILE, "mask": FILE}),
    ]


TOPAZ = {
    "topaz-standard-2": 30_000,
    "topaz-text-refine": 30_000,
    "topaz-wonder-3-5": 60_000,
    "topaz-redefine": 60_000,
    "topaz-bloom-2": 90_000,
}
OPERATIONS = (
    Operation(
        "generate/ideogram-4-5",
        "paint",
        FOUR_5,
        {**DRAWN, **QUALITY, "size": Field(), "images": Field("files", most=5), "mask": Field("file")},
    ),
    Operation(
        "precise-edit/ideogram-4-5",
        "fill",
        PRECISE,
        {
            **DRAWN,
            **QUALITY,
            "image": BIG_FILE,
            "mask": Field("file", file_bytes=50_000_000),
            "reference_images": Field("files", most=4),
            "context_window": Field(),
        },
    ),
    Operation("generate/ideogram-4", "paint", FOUR, {**DRAWN, **SPEED, **RESOLUTION_4}),
    Operation("remix/ideogram-4", "edit", FOUR, {**DRAWN, **SPEED, **RESOLUTION_4, **WEIGHT, "image": BIG_FILE}),
    *_three("ideogram-3", THREE, STYLE_FILES),
    *_three("ideogram-3-character", OF_CHARACTER, CHARACTER),
    Operation(
        "generate/ideogram-3-transparent",
        "paint",
        _by_speed(40_000, 70_000, 100_000),
        {**DRAWN, **SPEED, **NEGATIVE, "aspect_ratio": Field(words=SHAPES)},
        transparent=True,
    ),
    Operation(
        "generate/p-image-ideogram",
        "paint",
        10_000,
        {
            **COMMON,
            "prompt": PROMPT,
            "quality": _words("very_low", "low", "medium", "high", "very_high"),
            "resolution": _words("1k", "2k"),
            "custom_width": Field("whole", 16, 4096, 16),
            "custom_height": Field("whole", 16, 4096, 16),
        },
    ),
    Operation(
        "reframe/ideogram-3",
        "reframe",
        THREE,
        {
            **COMMON,
            **SPEED,
            **STYLE_FILES,
            **{name: STYLED[name] for name in ("style_preset", "style_codes", "color_palette")},
            "image": FILE,
            "resolution": Field(words=THREE_SIZES, required=True),
        },
    ),
    Operation(
        "replace-background/ideogram-3",
        "edit",
        THREE,
        {**DRAWN, **STYLED, **STYLE_FILES, **NEGATIVE, "image": FILE},
        always_async=True,
    ),
    Operation(
        "remove-object/ideogram-1",
        "erase",
        30_000,
        {"image": BIG_FILE, "mask": BIG_FILE, "seed": COMMON["seed"]},
        always_async=True,
    ),
    Operation("remove-background/ideogram-1", "cut_out", 10_000, {"image": FILE, "async": FLAG}),
    *(
        Operation(
            f"upscale/{name}",
            "upscale",
            price,
            {"image": FILE, "async": FLAG, "upscale_factor": _words("x2", "x4", "x8")},
            per_megapixel=True,
        )
        for name, price in TOPAZ.items()
    ),
)
BY_PATH = {operation.path: operation for operation in OPERATIONS}
