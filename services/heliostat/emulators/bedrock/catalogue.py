"""Bedrock's image models that are emulated: what they take and cost (model cards and price page, read 2026-11-22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "whole", "number", "picture"]
Work = Literal["draw", "change", "inpaint", "outpaint", "cut", "enlarge", "restyle"]

RATIOS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
PRESETS = (
    *("3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art"),
    *("isometric", "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art"),
    "tile-texture",
)
PROFILE = "us."


@dataclass(frozen=True)
class Field:
    """One field of a body: its kind, its bounds and words."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class StableModel:
    """One of Stability AI's models."""

    micros: int
    fields: Mapping[str, Field]
    work: Work = "draw"
    profile: bool = True
    """Served through an inference profile only."""
    area_px: int = 0
    """Of what is enlarged; 0: four times each edge."""
    bounds: tuple[int, int, int, int] = (64, 0, 4_096, 9_437_184)
    """Of a picture sent in, in px: least and greatest edge (0: any), least and greatest area."""
    defaults: Mapping[str, float] = field(default_factory=dict)


def _words(*words: str) -> Field:
    return Field(words=words)


PROMPT, FREE = Field(required=True), Field()
IMAGE, MASK = Field("picture", required=True), Field("picture")
SEED = Field("whole", 0, 4_294_967_294)
GROW = Field("whole", 0, 20)
UNIT = Field("number", 0, 1)
SIDE = Field("whole", 0, 2_000)
TWO = _words("png", "jpeg")
THREE = _words("png", "jpeg", "webp")
SHAPE = Field(words=RATIOS)
DRAWN = {"prompt": PROMPT, "negative_prompt": FREE, "seed": SEED, "output_format": TWO, "aspect_ratio": SHAPE}
PLAIN = {"prompt": PROMPT, "negative_prompt": FREE, "seed": SEED, "output_format": THREE, "image": IMAGE}
STYLED = {**PLAIN, "style_preset": Field(words=PRESETS)}
SMALL = (64, 0, 4_096, 1_048_576)

STABLE: Mapping[str, StableModel] = {
    "stability.stable-image-core-v1:1": StableModel(40_000, DRAWN, profile=False),
    "stability.stable-image-ultra-v1:1": StableModel(140_000, DRAWN, profile=False),
    "stability.sd3-5-large-v1:0": StableModel(
        80_000,
        {**DRAWN, "mode": _words("text-to-image", "image-to-image"), "image": MASK, "strength": UNIT},
        profile=False,
    ),
    "stability.stable-image-inpaint-v1:0": StableModel(
        70_000, {**STYLED, "mask": MASK, "grow_mask": GROW}, "inpaint", defaults={"grow_mask": 5}
    ),
    "stability.stable-outpaint-v1:0": StableModel(
        60_000,
        {
            **{name: field for name, field in STYLED.items() if name != "negative_prompt"},
            "prompt": FREE,
            "creativity": UNIT,
            **dict.fromkeys(("left", "right", "up", "down"), SIDE),
        },
        "outpaint",
    ),
    "stability.stable-image-search-replace-v1:0": StableModel(
        70_000, {**STYLED, "search_prompt": PROMPT, "grow_mask": GROW}, "change"
    ),
    "stability.stable-image-search-recolor-v1:0": StableModel(
        70_000, {**STYLED, "select_prompt": PROMPT, "grow_mask": GROW}, "change"
    ),
    "stability.stable-image-erase-object-v1:0": StableModel(
        70_000,
        {"image": IMAGE, "mask": MASK, "grow_mask": GROW, "seed": SEED, "output_format": THREE},
        "inpaint",
    ),
    "stability.stable-image-remove-background-v1:0": StableModel(
        70_000, {"image": IMAGE, "output_format": _words("png", "webp")}, "cut"
    ),
    "stability.stable-image-control-sketch-v1:0": StableModel(70_000, {**STYLED, "control_strength": UNIT}, "change"),
    "stability.stable-image-control-structure-v1:0": StableModel(
        70_000, {**STYLED, "control_strength": UNIT}, "change"
    ),
    "stability.stable-image-style-guide-v1:0": StableModel(
        70_000, {**STYLED, "fidelity": UNIT, "aspect_ratio": SHAPE}, "draw"
    ),
    "stability.stable-style-transfer-v1:0": StableModel(
        80_000,
        {
            "init_image": IMAGE,
            "style_image": IMAGE,
            "prompt": FREE,
            "negative_prompt": FREE,
            "seed": SEED,
            "output_format": THREE,
            "style_strength": UNIT,
            "composition_fidelity": UNIT,
            "change_strength": Field("number", 0.1, 1),
        },
        "restyle",
    ),
    "stability.stable-fast-upscale-v1:0": StableModel(
        30_000, {"image": IMAGE, "output_format": THREE}, "enlarge", bounds=(32, 1_536, 1_024, 1_048_576)
    ),
    "stability.stable-conservative-upscale-v1:0": StableModel(
        400_000, {**PLAIN, "creativity": Field("number", 0.1, 0.5)}, "enlarge", area_px=4_194_304
    ),
    "stability.stable-creative-upscale-v1:0": StableModel(
        600_000, {**STYLED, "creativity": Field("number", 0.1, 0.5)}, "enlarge", area_px=4_194_304, bounds=SMALL
    ),
}


@dataclass(frozen=True)
class AmazonModel:
    """One of Amazon's own models; prices by (greatest edge in px, quality), in micro-USD."""

    micros: Mapping[tuple[int, str], int]
    most_seed: int
    most_chars: int
    sizes: tuple[tuple[int, int], ...] = ()
    """Empty: any on a grid of 16 px."""

    def price(self, size: tuple[int, int], quality: str) -> int:
        """Price one picture."""
        edges = sorted({edge for edge, _ in self.micros})
        edge = next((edge for edge in edges if max(size) <= edge), edges[-1])
        return self.micros[edge, quality]


AMAZON: Mapping[str, AmazonModel] = {
    "amazon.nova-canvas-v1:0": AmazonModel(
        {
            (1024, "standard"): 40_000,
            (1024, "premium"): 60_000,
            (2048, "standard"): 60_000,
            (2048, "premium"): 80_000,
        },
        858_993_459,
        1024,
    ),
    "amazon.titan-image-generator-v2:0": AmazonModel(
        {
            (512, "standard"): 8_000,
            (512, "premium"): 10_000,
            (1024, "standard"): 10_000,
            (1024, "premium"): 12_000,
        },
        2_147_483_646,
        512,
        ((1024, 1024), (768, 768), (512, 512), (768, 1152), (1152, 768)),
    ),
}
