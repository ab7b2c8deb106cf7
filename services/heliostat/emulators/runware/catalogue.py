"""Runware's models and task types that are emulated: runware.ai/docs, read to 2026-11; costs as observed to 2026-02."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["imageInference", "imageUpscale", "imageBackgroundRemoval", "imageMasking"]
Looks = Literal["", "top", "inputs"]

MEBIPIXEL = 1_048_576


@dataclass(frozen=True)
class RunwareModel:
    """One model: `micros` of a picture of 1024x1024; of open models the cost goes with the size.

    `grid`: least and greatest edge, and step, in px. `sizes`: a list of sizes in the place of a grid.
    """

    micros: int
    task: Task = "imageInference"
    looks: Looks = ""
    starts: bool = False
    """Takes a seedImage, with a mask or sides to add."""
    draws: bool = True
    negative: bool = False
    grid: tuple[int, int, int] = (128, 2048, 64)
    sizes: frozenset[str] = frozenset()
    fixed: bool = False
    most: int = 20
    factors: tuple[int, ...] = (2,)


FLUX_2 = (256, 2048, 16)
BANANA = frozenset(
    [
        *("1024x1024", "832x1248", "1248x832", "864x1184", "1184x864"),
        *("896x1152", "1152x896", "768x1344", "1344x768", "1536x672"),
    ]
)
GPT = frozenset(["1024x1024", "1536x1024", "1024x1536"])


def _partner(micros: int, looks: Looks = "", grid: tuple[int, int, int] = FLUX_2) -> RunwareModel:
    return RunwareModel(micros, looks=looks, grid=grid, fixed=True, most=4)


MODELS: Mapping[str, RunwareModel] = {
    "runware:100@1": RunwareModel(1_300),
    "runware:101@1": RunwareModel(3_800, starts=True),
    "runware:106@1": RunwareModel(10_500, looks="top"),
    "runware:107@1": RunwareModel(9_800),
    "runware:400@1": RunwareModel(9_000, looks="inputs", grid=FLUX_2),
    "runware:400@2": RunwareModel(1_600, looks="inputs", grid=FLUX_2),
    "runware:400@4": RunwareModel(1_000, looks="inputs", grid=FLUX_2),
    "civitai:101055@128078": RunwareModel(1_900, starts=True, negative=True),
    "runware:5@1": RunwareModel(1_900, starts=True, negative=True),
    "runware:108@1": RunwareModel(5_800),
    "runware:108@20": RunwareModel(5_800, looks="top", draws=False),
    "runware:108@22": RunwareModel(8_300, looks="top", draws=False),
    "alibaba:qwen-image-edit@2511": RunwareModel(18_600, looks="top", draws=False, fixed=True, most=4),
    "runware:z-image@turbo": RunwareModel(1_800),
    "runware:97@1": RunwareModel(9_000),
    "runware:97@2": RunwareModel(4_500),
    "runware:97@3": RunwareModel(2_000),
    "bfl:5@1": _partner(30_000, "inputs"),
    "bfl:6@1": _partner(60_000, "inputs"),
    "bfl:7@1": _partner(70_000, "inputs"),
    "bfl:2@1": _partner(40_000, grid=(256, 1440, 32)),
    "bytedance:5@0": _partner(30_000, "top", (1024, 4096, 64)),
    "bytedance:seedream@4.5": _partner(40_000, "top", (1024, 4096, 64)),
    "google:4@1": RunwareModel(39_000, looks="top", sizes=BANANA, fixed=True, most=4),
    "openai:4@1": RunwareModel(34_000, looks="inputs", sizes=GPT, fixed=True, most=4),
    "runware:109@1": RunwareModel(600, "imageBackgroundRemoval"),
    "runware:110@1": RunwareModel(600, "imageBackgroundRemoval"),
    "runware:500@1": RunwareModel(3_800, "imageUpscale"),
    "runware:501@1": RunwareModel(8_300, "imageUpscale"),
    "runware:502@1": RunwareModel(3_800, "imageUpscale"),
    "runware:503@1": RunwareModel(4_500, "imageUpscale", factors=(2, 4)),
    "runware:35@1": RunwareModel(600, "imageMasking"),
}
"""Costs of 400@2, 400@4, 5@1, z-image, openai:4@1 and the tools without an observed one lie within what was seen."""
