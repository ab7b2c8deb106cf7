"""Models that the emulated Hub knows, who serves them under which name, and at what price.

Sources: official clients (huggingface.js 2026-08-21, huggingface_hub 2.4) for tasks and fields, fal.ai, replicate.com
and docs.together.ai for names and prices, read 2026-11-22. Of nscale and WaveSpeed no price was seen: a stand-in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

DRAW, EDIT, SEGMENT = "text-to-image", "image-to-image", "image-segmentation"
MICROS = 1_000_000


@dataclass(frozen=True)
class Price:
    """A price in US dollars: by picture, or by megapixel of so many px, rounded up to whole ones or not."""

    dollars: Fraction
    megapixel_px: int = 0
    round_up: bool = False
    usual_steps: int = 0

    def micros(self, size: tuple[int, int], count: int, steps: int) -> int:
        """Price `count` pictures of a size in whole micro-USD, rounded half up."""
        each = self.dollars
        if self.megapixel_px:
            megapixels = Fraction(size[0] * size[1], self.megapixel_px)
            each *= math.ceil(megapixels) if self.round_up else megapixels
        if self.usual_steps:
            each *= max(Fraction(1), Fraction(steps or self.usual_steps, self.usual_steps))
        return int(each * count * MICROS + Fraction(1, 2))


@dataclass(frozen=True)
class Served:
    """A model of the Hub at one provider."""

    provider: str
    name: str
    own_id: str
    task: str
    price: Price

    @property
    def fields(self) -> frozenset[str]:
        """Give the fields that the provider has for the task."""
        return FIELDS[self.provider, self.task]


def _each(dollars: str) -> Price:
    return Price(Fraction(dollars))


def _fal(dollars: str) -> Price:
    return Price(Fraction(dollars), 1_048_576, round_up=True)


def _together(dollars: str, steps: int) -> Price:
    return Price(Fraction(dollars), 1_000_000, usual_steps=steps)


_FAL = frozenset(
    {
        *("prompt", "seed", "num_images", "num_inference_steps", "guidance_scale", "output_format", "sync_mode"),
        *("enable_safety_checker", "acceleration"),
    }
)
_REPLICATE = frozenset(
    {
        *("prompt", "seed", "num_outputs", "num_inference_steps", "guidance", "output_format", "output_quality"),
        *("disable_safety_checker", "aspect_ratio", "go_fast", "megapixels", "negative_prompt"),
    }
)
_TOGETHER = frozenset(
    {
        *("model", "prompt", "n", "steps", "seed", "width", "height", "guidance_scale", "negative_prompt"),
        *("response_format", "output_format", "disable_safety_checker"),
    }
)
_HF = frozenset({"guidance_scale", "negative_prompt", "num_inference_steps"})
FIELDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("hf-inference", DRAW): _HF | {"width", "height", "scheduler", "seed"},
    ("hf-inference", EDIT): _HF | {"prompt", "target_size"},
    ("hf-inference", SEGMENT): frozenset({"mask_threshold", "overlap_mask_area_threshold", "subtask", "threshold"}),
    ("fal-ai", DRAW): _FAL | {"image_size", "negative_prompt"},
    ("fal-ai", EDIT): _FAL | {"image_url", "image_urls", "image_size"},
    ("replicate", DRAW): _REPLICATE,
    ("replicate", EDIT): _REPLICATE | {"image", "images", "input_image", "input_images"},
    ("together", DRAW): _TOGETHER,
    ("together", EDIT): _TOGETHER | {"image_url", "reference_images"},
    ("nscale", DRAW): frozenset({"model", "prompt", "response_format", "size", "n"}),
    ("wavespeed", DRAW): frozenset({"prompt", "size", "seed", "loras", "num_inference_steps", "guidance_scale"}),
    ("wavespeed", EDIT): frozenset({"prompt", "image", "images", "seed", "loras"}),
}
_FLUX, _KONTEXT = "black-forest-labs/FLUX.1-", "black-forest-labs/FLUX.1-Kontext-dev"
_SDXL, _QWEN = "stabilityai/stable-diffusion-xl-base-1.0", "Qwen/Qwen-Image"
_TEN_SECONDS, _UNSEEN = _each("0.0012"), _each("0.003")

SERVED = (
    *(
        Served("hf-inference", name, name, task, _TEN_SECONDS)
        for name, task in (
            (_FLUX + "schnell", DRAW),
            (_FLUX + "dev", DRAW),
            (_KONTEXT, EDIT),
            (_SDXL, DRAW),
            ("stabilityai/stable-diffusion-3.5-large", DRAW),
            ("mattmdjaga/segformer_b2_clothes", SEGMENT),
        )
    ),
    Served("fal-ai", _FLUX + "schnell", "fal-ai/flux/schnell", DRAW, _fal("0.003")),
    Served("fal-ai", _FLUX + "dev", "fal-ai/flux/dev", DRAW, _fal("0.025")),
    Served("fal-ai", _KONTEXT, "fal-ai/flux-kontext/dev", EDIT, _fal("0.025")),
    Served("fal-ai", _QWEN, "fal-ai/qwen-image", DRAW, _fal("0.02")),
    Served("fal-ai", _QWEN + "-Edit", "fal-ai/qwen-image-edit", EDIT, _fal("0.03")),
    Served("replicate", _FLUX + "schnell", "black-forest-labs/flux-schnell", DRAW, _each("0.003")),
    Served("replicate", _FLUX + "dev", "black-forest-labs/flux-dev", DRAW, _each("0.025")),
    Served("replicate", _KONTEXT, "black-forest-labs/flux-kontext-dev", EDIT, _each("0.025")),
    Served("replicate", _QWEN, f"qwen/qwen-image:{'0d3f' * 16}", DRAW, _each("0.025")),
    Served("together", _FLUX + "schnell", "black-forest-labs/FLUX.1-schnell", DRAW, _together("0.0027", 4)),
    Served("together", _FLUX + "dev", "black-forest-labs/FLUX.1-dev", DRAW, _together("0.025", 28)),
    Served("together", _KONTEXT, "black-forest-labs/FLUX.1-kontext-dev", EDIT, _together("0.025", 28)),
    Served("nscale", _FLUX + "schnell", "black-forest-labs/FLUX.1-schnell", DRAW, _UNSEEN),
    Served("nscale", _SDXL, _SDXL, DRAW, _UNSEEN),
    Served("wavespeed", _FLUX + "schnell", "wavespeed-ai/flux-schnell", DRAW, _UNSEEN),
    Served("wavespeed", _FLUX + "dev", "wavespeed-ai/flux-dev", DRAW, _UNSEEN),
    Served("wavespeed", _QWEN, "wavespeed-ai/qwen-image/text-to-image", DRAW, _UNSEEN),
    Served("wavespeed", _QWEN + "-Edit", "wavespeed-ai/qwen-image/edit", EDIT, _UNSEEN),
)
BY_ID = {(one.provider, one.own_id): one for one in SERVED}


def mapping_of(name: str) -> list[Served]:
    """Give who serves a model of the Hub; empty for one that it does not know."""
    return [one for one in SERVED if one.name == name]
