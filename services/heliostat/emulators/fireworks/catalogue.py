"""Fireworks AI's models that are emulated: docs.fireworks.ai (2026); prices as known in mid-2025, read 2026-11-22."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Dialect = Literal["workflow", "job", "legacy"]
Kind = Literal["text", "whole", "number", "boolean"]

MICROS = 1_000_000
RATIOS = ("1:1", "21:9", "16:9", "3:2", "5:4", "4:5", "2:3", "9:16", "9:21", "4:3", "3:4")
BUCKETS = (
    *((640, 1536), (768, 1344), (832, 1216), (896, 1152), (1024, 1024)),
    *((1152, 896), (1216, 832), (1344, 768), (1536, 640)),
)


@dataclass(frozen=True)
class Field:
    """One field of a body: its kind, bounds and words."""

    kind: Kind = "text"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class FireworksModel:
    """One model. `price` is in US dollars, by step where there are `steps`, else by picture."""

    name: str
    dialect: Dialect
    price: Fraction
    fields: Mapping[str, Field] = field(default_factory=dict)
    steps: int = 0
    repaints: bool = False

    def micros(self, steps: int) -> int:
        """Price a picture in whole micro-USD, rounded half up."""
        return int(self.price * (steps or self.steps or 1) * MICROS + Fraction(1, 2))


PROMPT, SEED, STEPS = Field(), Field("whole", 0, 2**63 - 1), Field("whole", 1, 100)
WORKFLOW = {
    "prompt": PROMPT,
    "aspect_ratio": Field(words=RATIOS),
    "guidance_scale": Field("number", 0, 100),
    "num_inference_steps": STEPS,
    "seed": SEED,
}
KONTEXT = {
    "prompt": PROMPT,
    "input_image": Field(),
    "seed": SEED,
    "aspect_ratio": Field(),
    "output_format": Field(words=("jpeg", "png")),
    "webhook_url": Field(),
    "webhook_secret": Field(),
    "prompt_upsampling": Field("boolean"),
    "safety_tolerance": Field("whole", 0, 6),
}
LEGACY = {
    "prompt": PROMPT,
    "negative_prompt": Field(),
    "width": Field("whole", 8, 2048),
    "height": Field("whole", 8, 2048),
    "steps": STEPS,
    "cfg_scale": Field("number", 0, 100),
    "samples": Field("whole", 1, 1),
    "seed": SEED,
    "sampler": Field(),
    "safety_check": Field("boolean"),
    "image_strength": Field("number", 0, 1),
}
ANY_OTHER = Fraction("0.00013")

MODELS = (
    FireworksModel("flux-1-schnell-fp8", "workflow", Fraction("0.00035"), WORKFLOW, 4),
    FireworksModel("flux-1-dev-fp8", "workflow", Fraction("0.0005"), WORKFLOW, 30),
    FireworksModel("flux-kontext-pro", "job", Fraction("0.04"), KONTEXT),
    FireworksModel("flux-kontext-max", "job", Fraction("0.08"), KONTEXT),
    FireworksModel("stable-diffusion-xl-1024-v1-0", "legacy", ANY_OTHER, LEGACY, 30, True),
    *(
        FireworksModel(name, "legacy", ANY_OTHER, LEGACY, 30)
        for name in (
            *("SSD-1B", "playground-v2-1024px-aesthetic", "playground-v2-5-1024px-aesthetic"),
            "japanese-stable-diffusion-xl",
        )
    ),
)
BY_NAME = {model.name: model for model in MODELS}
