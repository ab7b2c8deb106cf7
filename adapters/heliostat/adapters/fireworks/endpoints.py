"""The three dialects of Fireworks AI, and what each model takes: data. Pure.

Source: docs.fireworks.ai (2026), read 2026-11-22. The sampler's steps are always sent, for the price depends on them
and the pages do not agree on their number where none is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

JPEG, PNG = "image/jpeg", "image/png"

RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
KONTEXT_RATIOS = ("7:3", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "3:7")
BUCKETS = (
    *((1024, 1024), (640, 1536), (768, 1344), (832, 1216), (896, 1152)),
    *((1152, 896), (1216, 832), (1344, 768), (1536, 640)),
)


class Dialect(Enum):
    """How a model is spoken to."""

    WORKFLOW = "text_to_image, JSON both ways"
    JOB = "a job that is asked for by POST"
    LEGACY = "image_generation, answered by the picture"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model. `takes` maps normalized parameters to fields, `options` ours to the dialect's.

    `steps` are the usual ones, 0 where the model has none. `formats` are those that can be asked for. `repaints` models
    take a picture and change it, by a form of their own.
    """

    dialect: Dialect
    takes: Mapping[str, str] = field(default_factory=lambda: {"seed": "seed"})
    options: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=lambda: {PNG: "png", JPEG: "jpeg"})
    steps: int = 0
    repaints: bool = False


_FLUX_OPTIONS = {"steps": "num_inference_steps", "guidance_scale": "guidance_scale"}
_LEGACY_TAKES = {"seed": "seed", "negative_prompt": "negative_prompt", "moderation": "safety_check"}
_LEGACY_OPTIONS = {"steps": "steps", "guidance_scale": "cfg_scale", "sampler": "sampler"}


def _flux(steps: int) -> Endpoint:
    return Endpoint(Dialect.WORKFLOW, options=_FLUX_OPTIONS, formats={PNG: "png"}, steps=steps)


_KONTEXT = Endpoint(
    Dialect.JOB,
    takes={"seed": "seed", "moderation": "safety_tolerance"},
    options={"prompt_upsampling": "prompt_upsampling", "safety_tolerance": "safety_tolerance"},
    formats={JPEG: "jpeg", PNG: "png"},
)
_LEGACY = Endpoint(Dialect.LEGACY, takes=_LEGACY_TAKES, options=_LEGACY_OPTIONS, steps=30)
_SDXL = Endpoint(
    Dialect.LEGACY,
    takes={**_LEGACY_TAKES, "strength": "image_strength"},
    options=_LEGACY_OPTIONS,
    steps=30,
    repaints=True,
)

ENDPOINTS: Mapping[str, Endpoint] = {
    f"accounts/fireworks/models/{name}": endpoint
    for name, endpoint in (
        ("flux-1-schnell-fp8", _flux(4)),
        ("flux-1-dev-fp8", _flux(30)),
        ("flux-kontext-pro", _KONTEXT),
        ("flux-kontext-max", _KONTEXT),
        ("stable-diffusion-xl-1024-v1-0", _SDXL),
        ("SSD-1B", _LEGACY),
        ("playground-v2-1024px-aesthetic", _LEGACY),
        ("playground-v2-5-1024px-aesthetic", _LEGACY),
        ("japanese-stable-diffusion-xl", _LEGACY),
    )
}
