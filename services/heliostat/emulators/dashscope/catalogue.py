"""DashScope's models that draw as of 2026-11-22: ways in, sizes, parameters, and what a picture costs.

Prices are micro-USD in Singapore and hundredths of a CNY in Beijing; the journal writes the latter down at a rate of
its own. What Beijing asks for some models was not published: they cost there what they cost in Singapore.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Size = tuple[int, int]

MULTIMODAL = "multimodal-generation/generation"
IMAGE = "image-generation/generation"
TEXT2IMAGE = "text2image/image-synthesis"
IMAGE2IMAGE = "image2image/image-synthesis"

MICROS_PER_FEN = 1_400
"""Micro-USD of a hundredth of a CNY, in the journal: 0.14 USD for 1 CNY."""
LEVELS_PX = {"1K": 1024, "2K": 2048, "4K": 4096}


@dataclass(frozen=True)
class Sizes:
    """Which sizes a model draws: areas of squares with these edges, edges in bounds, a ratio, or a list; some words."""

    usual: Size | None = None
    """None: that of the picture put in."""
    least: int = 0
    most: int = 0
    edges: Size = (64, 8192)
    ratio: float = 16
    words: tuple[str, ...] = ()
    listed: tuple[Size, ...] = ()
    asked: bool = True
    """False: no size may be asked for."""

    def takes(self, size: Size) -> bool:
        """Tell whether it draws this size."""
        if self.listed:
            return size in self.listed
        low, high = min(size), max(size)
        area = low * high
        bounded = self.edges[0] <= low and high <= self.edges[1] and high <= self.ratio * low
        return bounded and self.least**2 <= area and (not self.most or area <= self.most**2)


@dataclass(frozen=True)
class DashModel:
    """One model. `inputs` are the fewest and the most pictures put in, `n` the most pictures of a call."""

    name: str
    micros: int
    paths: tuple[str, ...]
    sizes: Sizes
    n: int = 1
    inputs: tuple[int, int] = (0, 0)
    fen: int | None = None
    beside: Sizes | None = None
    """Sizes where pictures are put in, if they are others."""
    parameters: frozenset[str] = field(default_factory=frozenset)
    extends: bool | None = None
    """Whether it rewrites prompts unless told otherwise; None: it never does."""
    extended_micros: int = 0
    """What a picture costs with a rewritten prompt, where that is dearer."""
    beijing_only: bool = False

    def cost_micros(self, count: int, *, extended: bool, beijing: bool) -> int:
        """Price so many pictures."""
        dearer = self.extended_micros if extended and self.extended_micros else self.micros
        if beijing and self.fen is not None:
            return count * self.fen * MICROS_PER_FEN * (dearer // self.micros)
        return count * dearer


SHARED = frozenset({"size", "n", "seed", "watermark"})
WORDED = SHARED | {"negative_prompt", "prompt_extend"}
WAN_27 = SHARED | {"thinking_mode", "enable_sequential", "bbox_list", "color_palette"}
FUNCTIONS = {
    "stylization_all": frozenset({"strength"}),
    "stylization_local": frozenset[str](),
    "description_edit": frozenset({"strength"}),
    "description_edit_with_mask": frozenset[str](),
    "remove_watermark": frozenset[str](),
    "expand": frozenset({"top_scale", "bottom_scale", "left_scale", "right_scale"}),
    "super_resolution": frozenset({"upscale_factor"}),
    "colorization": frozenset[str](),
    "doodle": frozenset({"is_sketch"}),
    "control_cartoon_feature": frozenset[str](),
}
"""Parameters of the editor's functions, beside n, seed and watermark."""

QWEN = Sizes((1664, 928), listed=((1664, 928), (1472, 1104), (1328, 1328), (1104, 1472), (928, 1664)))
QWEN_2 = Sizes((2048, 2048), 512, 2048)
QWEN_2_EDIT = Sizes(None, 512, 2048)
QWEN_EDIT = Sizes(None, edges=(512, 2048))
WAN_27_PRO_SIZES = Sizes((2048, 2048), 768, 4096, ratio=8, words=("1K", "2K", "4K"))
WAN_27_SIZES = Sizes((2048, 2048), 768, 2048, ratio=8, words=("1K", "2K"))
WAN_27_EDIT = Sizes(None, 768, 2048, ratio=8, words=("1K", "2K"))
WAN_26 = Sizes((1280, 1280), 1280, 1440, ratio=4)
WAN_25_EDIT = Sizes((1280, 1280), 768, 1280, ratio=4)
WAN_22 = Sizes((1024, 1024), most=1440, edges=(512, 1440))
ONLY_A, ONLY_C, ONLY_D = (MULTIMODAL,), (TEXT2IMAGE,), (IMAGE2IMAGE,)

MODELS = (
    DashModel("qwen-image-2.0-pro", 75_000, ONLY_A, QWEN_2, 6, (0, 3), 50, QWEN_2_EDIT, WORDED, extends=True),
    DashModel("qwen-image-2.0", 35_000, ONLY_A, QWEN_2, 6, (0, 3), 20, QWEN_2_EDIT, WORDED, extends=True),
    DashModel("qwen-image-max", 75_000, ONLY_A, QWEN, fen=50, parameters=WORDED, extends=True),
    DashModel("qwen-image-plus", 30_000, (MULTIMODAL, TEXT2IMAGE), QWEN, fen=20, parameters=WORDED, extends=True),
    DashModel("qwen-image", 35_000, (MULTIMODAL, TEXT2IMAGE), QWEN, fen=25, parameters=WORDED, extends=True),
    DashModel("qwen-image-edit-max", 75_000, ONLY_A, QWEN_EDIT, 6, (1, 3), parameters=WORDED, extends=True),
    DashModel("qwen-image-edit-plus", 30_000, ONLY_A, QWEN_EDIT, 6, (1, 3), parameters=WORDED, extends=True),
    DashModel(*("qwen-image-edit", 45_000, ONLY_A, Sizes(asked=False), 1, (1, 3), 30), parameters=WORDED, extends=True),
    DashModel(
        *("z-image-turbo", 15_000, ONLY_A, Sizes((1024, 1536), 512, 2048), 1, (0, 0), 10),
        parameters=SHARED | {"prompt_extend"},
        extends=False,
        extended_micros=30_000,
    ),
    DashModel(*("wan2.7-image-pro", 75_000, (MULTIMODAL, IMAGE), WAN_27_PRO_SIZES, 4, (0, 9), 50, WAN_27_EDIT, WAN_27)),
    DashModel(*("wan2.7-image", 30_000, (MULTIMODAL, IMAGE), WAN_27_SIZES, 4, (0, 9), 20, WAN_27_EDIT, WAN_27)),
    DashModel("wan2.6-t2i", 30_000, (MULTIMODAL, IMAGE), WAN_26, 4, fen=20, parameters=WORDED, extends=True),
    DashModel("wan2.5-t2i-preview", 30_000, ONLY_C, WAN_26, 4, fen=20, parameters=WORDED, extends=True),
    DashModel("wan2.2-t2i-plus", 50_000, ONLY_C, WAN_22, 4, parameters=WORDED, extends=True),
    DashModel("wan2.2-t2i-flash", 25_000, ONLY_C, WAN_22, 4, parameters=WORDED, extends=True),
    DashModel("wan2.5-i2i-preview", 30_000, ONLY_D, WAN_25_EDIT, 4, (1, 3), 20, parameters=WORDED, extends=True),
    DashModel(
        *("wanx2.1-imageedit", 20_070, ONLY_D, Sizes(asked=False), 4, (1, 1)),
        parameters=SHARED.union(*FUNCTIONS.values()),
        beijing_only=True,
    ),
)
BY_NAME = {model.name: model for model in MODELS}
