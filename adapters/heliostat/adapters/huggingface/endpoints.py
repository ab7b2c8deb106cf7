"""What each provider behind the router takes: data. Pure.

The router passes bodies through as they are, so each provider is spoken to in its own words. Source: the official
clients (huggingface.js 2026-08-21, huggingface_hub 2.4) and the providers' own pages, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
HF, FAL, REPLICATE, TOGETHER, NSCALE, WAVESPEED = (
    *("hf-inference", "fal-ai", "replicate", "together", "nscale", "wavespeed"),
)
PROVIDERS = (HF, FAL, REPLICATE, TOGETHER, NSCALE, WAVESPEED)

# Pixels that the FLUX.1 models draw at Replicate for a shape; 3:4 and 4:3 are not verified.
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
    """The ways in which a size is said."""

    NONE = "not at all"
    EDGES = "width, height"
    TARGET = "target_size, an object"
    OBJECT = "image_size, an object"
    SHAPE = "aspect_ratio"
    TEXT = "size, as WxH"
    STARRED = "size, as W*H"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One task at one provider.

    `takes` and `options` lead from a name of ours to a field; `images` are the fields of the picture, `listed` those of
    them that hold a list. `lax` is the field that switches the safety checker off, with its value.
    """

    provider: str
    task: str = "text-to-image"
    size: SizeField = SizeField.NONE
    takes: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    lax: tuple[str, Any] | None = None


_SEED = {"seed": "seed"}
_STEPS = {"steps": "num_inference_steps"}
_GUIDED = {**_STEPS, "guidance_scale": "guidance_scale"}
_TWO = {JPEG: "jpeg", PNG: "png"}
_THREE = {WEBP: "webp", JPEG: "jpg", PNG: "png"}
_REPAINT = "image-to-image"

HF_DRAW = Endpoint(
    HF,
    size=SizeField.EDGES,
    takes={**_SEED, "negative_prompt": "negative_prompt"},
    options={**_GUIDED, "scheduler": "scheduler"},
)
HF_EDIT = Endpoint(
    HF,
    _REPAINT,
    size=SizeField.TARGET,
    takes={"negative_prompt": "negative_prompt"},
    options=_GUIDED,
    images=("inputs",),
)
HF_SEGMENT = Endpoint(HF, "image-segmentation", images=("inputs",))

_UNCHECKED_FAL = ("enable_safety_checker", False)
FAL_SCHNELL = Endpoint(
    FAL,
    size=SizeField.OBJECT,
    takes={**_SEED, "image_count": "num_images"},
    options=_STEPS,
    formats=_TWO,
    lax=_UNCHECKED_FAL,
)
FAL_DRAW = replace(FAL_SCHNELL, options=_GUIDED)
FAL_QWEN = replace(FAL_DRAW, takes={**FAL_DRAW.takes, "negative_prompt": "negative_prompt"})
FAL_EDIT = replace(
    FAL_DRAW,
    task=_REPAINT,
    size=SizeField.NONE,
    images=("image_url", "image_urls"),
    listed=frozenset({"image_urls"}),
)

REPLICATE_SCHNELL = Endpoint(
    REPLICATE,
    size=SizeField.SHAPE,
    takes={**_SEED, "image_count": "num_outputs"},
    options=_STEPS,
    formats=_THREE,
    lax=("disable_safety_checker", True),
)
REPLICATE_DRAW = replace(REPLICATE_SCHNELL, options={**_STEPS, "guidance_scale": "guidance"})
REPLICATE_QWEN = replace(REPLICATE_DRAW, takes={**_SEED, "negative_prompt": "negative_prompt"}, lax=None)
REPLICATE_EDIT = replace(
    REPLICATE_DRAW,
    task=_REPAINT,
    size=SizeField.NONE,
    takes=_SEED,
    images=("input_image", "input_images", "image", "images"),
    listed=frozenset({"input_images", "images"}),
)

_TOGETHER_STEPS = {"steps": "steps", "guidance_scale": "guidance_scale"}
TOGETHER_SCHNELL = Endpoint(
    TOGETHER,
    size=SizeField.EDGES,
    takes={**_SEED, "image_count": "n"},
    options={"steps": "steps"},
    formats=_TWO,
    constants={"response_format": "base64"},
    lax=("disable_safety_checker", True),
)
TOGETHER_DRAW = replace(TOGETHER_SCHNELL, options=_TOGETHER_STEPS)
TOGETHER_EDIT = replace(TOGETHER_DRAW, task=_REPAINT, takes=_SEED, size=SizeField.NONE, images=("image_url",))

NSCALE_DRAW = Endpoint(NSCALE, size=SizeField.TEXT, constants={"response_format": "b64_json"})

WAVESPEED_DRAW = Endpoint(WAVESPEED, size=SizeField.STARRED, takes=_SEED)
WAVESPEED_EDIT = Endpoint(WAVESPEED, _REPAINT, takes=_SEED, images=("image", "images"), listed=frozenset({"images"}))

DRAWS: Mapping[str, Endpoint] = {
    HF: HF_DRAW,
    FAL: FAL_DRAW,
    REPLICATE: REPLICATE_DRAW,
    TOGETHER: TOGETHER_DRAW,
    NSCALE: NSCALE_DRAW,
    WAVESPEED: WAVESPEED_DRAW,
}
"""What is taken for granted of a model that an operator names."""
