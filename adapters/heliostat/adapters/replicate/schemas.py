"""What the input of each of Replicate's models looks like: data. Pure.

Source: Replicate's HTTP API (2026), the models' schemas (2025-12) and version pages, read 2026-11-22. A field is only
ever sent to a model that is listed here as taking it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

TWO = {JPEG: "jpg", PNG: "png"}
TWO_PNG_FIRST = {PNG: "png", JPEG: "jpg"}
THREE = {WEBP: "webp", JPEG: "jpg", PNG: "png"}

# Pixels that flux-schnell and flux-dev draw for a shape at "1" megapixel; 3:4 and 4:3 are not verified.
FLUX_SHAPES: Mapping[tuple[int, int], str] = {
    (1024, 1024): "1:1",
    (1344, 768): "16:9",
    (1536, 640): "21:9",
    (1216, 832): "3:2",
    (832, 1216): "2:3",
    (896, 1088): "4:5",
    (1088, 896): "5:4",
    (896, 1152): "3:4",
    (1152, 896): "4:3",
    (768, 1344): "9:16",
    (640, 1536): "9:21",
}


class SizeField(Enum):
    """The ways in which models are told a size."""

    NONE = "not at all"
    RATIO = "aspect_ratio"
    FLUX_SHAPE = "aspect_ratio, whose pixels are known"
    CUSTOM_RATIO = "aspect_ratio custom, with width and height"
    CUSTOM_SIZE = "size custom, with width and height"
    LISTED = "size, as WxH"


@dataclass(frozen=True, slots=True)
class Schema:
    """The input of one model.

    `takes` maps normalized parameters to fields. `image` is the field of the picture to work on, `images` of a list of
    it and the references, `reference` of one picture to look at. `formats` maps media types to the model's words, its
    default first; empty where there is no choice. `lax` is the field and the value that moderate least, `lax_edit` the
    value beside a picture. `official` models run by name, others by version. `masks` answer masks instead of pictures.
    """

    takes: Mapping[str, str] = field(default_factory=dict)
    size: SizeField = SizeField.NONE
    matches_input: bool = False
    image: str = ""
    images: str = ""
    reference: str = ""
    mask: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    constants: Mapping[str, Any] = field(default_factory=dict)
    lax: tuple[str, Any] | None = None
    lax_edit: Any = None
    factors: tuple[float, float] = (1, 4)
    official: bool = True
    masks: bool = False


def _takes(*same: str, **renamed: str) -> dict[str, str]:
    return {name: name for name in same} | renamed


_DRAW = _takes("prompt", "seed")
_OPEN = frozenset({"go_fast", "num_inference_steps"})
_UNCHECKED = ("disable_safety_checker", True)
_TOLERANT = ("safety_tolerance", 6)

_SCHNELL = Schema(
    _takes("prompt", "seed", image_count="num_outputs", output_compression="output_quality"),
    SizeField.FLUX_SHAPE,
    formats=THREE,
    options=_OPEN | {"megapixels"},
    lax=_UNCHECKED,
)
_KONTEXT = Schema(
    _DRAW,
    SizeField.RATIO,
    matches_input=True,
    image="input_image",
    formats=TWO_PNG_FIRST,
    options=frozenset({"prompt_upsampling", "safety_tolerance"}),
    lax=_TOLERANT,
    # With a picture the model takes no more than 2.
    lax_edit=2,
)
_IDEOGRAM = Schema(
    _DRAW,
    SizeField.RATIO,
    images="style_reference_images",
    options=frozenset({"style_type", "style_preset", "magic_prompt_option"}),
)

SCHEMAS: Mapping[str, Schema] = {
    "black-forest-labs/flux-schnell": _SCHNELL,
    "black-forest-labs/flux-dev": Schema(
        {**_SCHNELL.takes, "strength": "prompt_strength"},
        SizeField.FLUX_SHAPE,
        image="image",
        formats=THREE,
        options=_OPEN | {"megapixels", "guidance"},
        lax=_UNCHECKED,
    ),
    "black-forest-labs/flux-1.1-pro": Schema(
        {**_DRAW, "output_compression": "output_quality"},
        SizeField.CUSTOM_RATIO,
        reference="image_prompt",
        formats=THREE,
        options=frozenset({"prompt_upsampling", "safety_tolerance"}),
        lax=_TOLERANT,
    ),
    "black-forest-labs/flux-1.1-pro-ultra": Schema(
        {**_DRAW, "reference_weight": "image_prompt_strength"},
        SizeField.RATIO,
        reference="image_prompt",
        formats=TWO,
        options=frozenset({"raw", "safety_tolerance"}),
        lax=_TOLERANT,
    ),
    "black-forest-labs/flux-kontext-pro": _KONTEXT,
    "black-forest-labs/flux-kontext-max": _KONTEXT,
    "black-forest-labs/flux-fill-pro": Schema(
        _DRAW,
        image="image",
        mask="mask",
        formats=TWO,
        options=frozenset({"steps", "guidance", "prompt_upsampling", "safety_tolerance"}),
        lax=_TOLERANT,
    ),
    "black-forest-labs/flux-fill-dev": Schema(
        _takes("prompt", "seed", image_count="num_outputs", output_compression="output_quality"),
        image="image",
        mask="mask",
        formats=THREE,
        options=frozenset({"num_inference_steps", "guidance"}),
        # Its default of one megapixel would shrink the picture.
        constants={"megapixels": "match_input"},
        lax=_UNCHECKED,
    ),
    "black-forest-labs/flux-2-pro": Schema(
        {**_DRAW, "output_compression": "output_quality"},
        SizeField.CUSTOM_RATIO,
        matches_input=True,
        images="input_images",
        formats=THREE,
        options=frozenset({"safety_tolerance"}),
        lax=("safety_tolerance", 5),
    ),
    "google/nano-banana": Schema(
        _takes("prompt"), SizeField.RATIO, matches_input=True, images="image_input", formats=TWO
    ),
    "bytedance/seedream-4": Schema(
        _takes("prompt"), SizeField.CUSTOM_SIZE, images="image_input", options=frozenset({"enhance_prompt"})
    ),
    "qwen/qwen-image": Schema(
        _takes("prompt", "seed", "negative_prompt"),
        SizeField.RATIO,
        formats=THREE,
        options=frozenset({"image_size", "num_inference_steps", "guidance", "go_fast"}),
    ),
    "ideogram-ai/ideogram-v3-turbo": _IDEOGRAM,
    "ideogram-ai/ideogram-v3-balanced": _IDEOGRAM,
    "ideogram-ai/ideogram-v3-quality": _IDEOGRAM,
    "recraft-ai/recraft-v3": Schema(_takes("prompt", "style"), SizeField.LISTED),
    "bria/genfill": Schema(_takes("prompt", "seed"), image="image", mask="mask", constants={"mask_type": "manual"}),
    "bria/eraser": Schema(image="image", mask="mask", constants={"mask_type": "manual"}),
    "bria/expand-image": Schema(_takes("prompt", "seed"), image="image"),
    "bria/remove-background": Schema(image="image"),
    "recraft-ai/recraft-crisp-upscale": Schema(image="image"),
    "philz1337x/clarity-upscaler": Schema(
        _takes("prompt", "negative_prompt", "seed", "creativity", factor="scale_factor"),
        image="image",
        formats={PNG: "png", JPEG: "jpg", WEBP: "webp"},
        options=frozenset({"resemblance", "dynamic", "num_inference_steps"}),
        official=False,
    ),
    "nightmareai/real-esrgan": Schema(
        _takes(factor="scale"), image="image", options=frozenset({"face_enhance"}), factors=(1, 10), official=False
    ),
    "851-labs/background-remover": Schema(
        image="image",
        constants={"format": "png", "background_type": "rgba"},
        options=frozenset({"threshold"}),
        official=False,
    ),
    "meta/sam-2": Schema(
        image="image",
        options=frozenset({"points_per_side", "pred_iou_thresh", "stability_score_thresh", "use_m2m"}),
        official=False,
        masks=True,
    ),
}
