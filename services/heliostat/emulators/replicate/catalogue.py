"""Replicate's models that are emulated: inputs as in the models' schemas (2025-12), prices as of 2026-11-22."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from heliostat.emulators.replicate.billing import (
    L40S_MICROS,
    T4_MICROS,
    PerPicture,
    PerRun,
    PerSecond,
    Price,
)

Task = Literal["paint", "fill", "expand", "upscale", "background", "segment"]
Answer = Literal["one", "list", "masks"]

RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
MATCH = "match_input_image"


@dataclass(frozen=True)
class Field:
    """One input field: its JSON type ("uri" is text, "uris" and "pair" are lists), bounds, words and default."""

    kind: str = "string"
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    usual: Any = None

    def schema(self) -> dict[str, Any]:
        """Describe the field as OpenAPI does."""
        shown: dict[str, Any] = {"type": {"uri": "string", "uris": "array", "pair": "array"}.get(self.kind, self.kind)}
        if self.kind == "uri":
            shown["format"] = "uri"
        bounds = {"minimum": self.low, "maximum": self.high, "enum": list(self.words) or None, "default": self.usual}
        return shown | {name: value for name, value in bounds.items() if value is not None}


@dataclass(frozen=True)
class ReplicateModel:
    """One model: what it takes and needs, what it makes of it and for how much."""

    id: str
    price: Price
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ("prompt",)
    task: Task = "paint"
    answer: Answer = "one"
    official: bool = True
    usual_format: str = "webp"
    area_px: int = 1_048_576
    """Pixels of a picture whose size is a shape."""

    @property
    def version(self) -> str:
        """Give the id of the newest version."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    def openapi_schema(self) -> dict[str, Any]:
        """Describe input and output as the API does."""
        properties = {
            name: {"title": name, "x-order": order} | field.schema()
            for order, (name, field) in enumerate(self.fields.items())
        }
        file: dict[str, Any] = {"type": "string", "format": "uri"}
        outputs: dict[str, dict[str, Any]] = {"one": file, "list": {"type": "array", "items": file}}
        output = outputs.get(self.answer, {"type": "object"})
        entry = {"type": "object", "title": "Input", "required": list(self.required), "properties": properties}
        return {"openapi": "3.0.2", "components": {"schemas": {"Input": entry, "Output": output | {"title": "Output"}}}}


def _text() -> Field:
    return Field()


def _whole(low: float | None = None, high: float | None = None, usual: Any = None) -> Field:
    return Field("integer", low, high, usual=usual)


def _number(low: float | None = None, high: float | None = None, usual: Any = None) -> Field:
    return Field("number", low, high, usual=usual)


def _one_of(*words: str) -> Field:
    return Field(words=words, usual=words[0])


YES, URI, URIS = Field("boolean"), Field("uri"), Field("uris")
PROMPT = {"prompt": _text(), "seed": _whole()}
THREE = {"output_format": _one_of("webp", "jpg", "png"), "output_quality": _whole(0, 100, 80)}
TOLERANCE = {"safety_tolerance": _whole(0, 6, 2)}
SCHNELL: dict[str, Field] = {
    **PROMPT,
    **THREE,
    "aspect_ratio": _one_of(*RATIOS),
    "megapixels": _one_of("1", "0.25"),
    "num_outputs": _whole(1, 4, 1),
    "num_inference_steps": _whole(1, 4, 4),
    "go_fast": YES,
    "disable_safety_checker": YES,
}
KONTEXT: dict[str, Field] = {
    **PROMPT,
    **TOLERANCE,
    "input_image": URI,
    "aspect_ratio": _one_of(MATCH, *RATIOS, "2:1", "1:2"),
    "output_format": _one_of("png", "jpg"),
    "prompt_upsampling": YES,
}
IDEOGRAM: dict[str, Field] = {
    **PROMPT,
    "aspect_ratio": _one_of(*RATIOS[:2], *RATIOS[3:10], "1:3", "3:1", "1:2", "2:1", "10:16", "16:10"),
    "style_type": _text(),
    "style_preset": _text(),
    "magic_prompt_option": _one_of("Auto", "On", "Off"),
    "style_reference_images": URIS,
}
MASKED = {"image": URI, "mask": URI}
CUSTOM = {"width": _whole(256, 2048), "height": _whole(256, 2048)}
FLUX = "black-forest-labs/flux-"

MODELS = (
    ReplicateModel(FLUX + "schnell", PerPicture(3_000), SCHNELL, answer="list"),
    ReplicateModel(
        FLUX + "dev",
        PerPicture(25_000),
        SCHNELL
        | {
            "image": URI,
            "prompt_strength": _number(0, 1, 0.8),
            "guidance": _number(0, 10, 3),
            "num_inference_steps": _whole(1, 50, 28),
        },
        answer="list",
    ),
    ReplicateModel(
        FLUX + "1.1-pro",
        PerPicture(40_000),
        {
            **PROMPT,
            **THREE,
            "aspect_ratio": _one_of("1:1", *RATIOS[1:10], "custom"),
            "width": _whole(256, 1440),
            "height": _whole(256, 1440),
            "image_prompt": URI,
            "safety_tolerance": _whole(1, 6, 2),
            "prompt_upsampling": YES,
        },
    ),
    ReplicateModel(
        FLUX + "1.1-pro-ultra",
        PerPicture(60_000),
        {
            **PROMPT,
            "aspect_ratio": _one_of(*RATIOS),
            "raw": YES,
            "image_prompt": URI,
            "image_prompt_strength": _number(0, 1, 0.1),
            "output_format": _one_of("jpg", "png"),
            "safety_tolerance": _whole(1, 6, 2),
        },
        area_px=4 * 1_048_576,
    ),
    ReplicateModel(FLUX + "kontext-pro", PerPicture(40_000), KONTEXT, usual_format="png"),
    ReplicateModel(FLUX + "kontext-max", PerPicture(80_000), KONTEXT, usual_format="png"),
    ReplicateModel(
        FLUX + "fill-pro",
        PerPicture(50_000),
        {
            **PROMPT,
            **MASKED,
            "outpaint": _one_of("None", "Zoom out 1.5x", "Zoom out 2x", "Make square"),
            "steps": _whole(15, 50, 50),
            "guidance": _number(1.5, 100, 60),
            "safety_tolerance": _whole(1, 6, 2),
            "prompt_upsampling": YES,
            "output_format": _one_of("jpg", "png"),
        },
        ("prompt", "image"),
        "fill",
        usual_format="jpg",
    ),
    ReplicateModel(
        FLUX + "fill-dev",
        PerPicture(40_000),
        {
            **PROMPT,
            **MASKED,
            **THREE,
            "megapixels": _one_of("1", "0.25", "match_input"),
            "num_outputs": _whole(1, 4, 1),
            "num_inference_steps": _whole(1, 50, 28),
            "guidance": _number(0, 100, 30),
            "disable_safety_checker": YES,
        },
        ("prompt", "image"),
        "fill",
        "list",
    ),
    ReplicateModel(
        FLUX + "2-pro",
        PerRun(15_000, 15_000),
        {
            **PROMPT,
            **THREE,
            **CUSTOM,
            "input_images": URIS,
            "aspect_ratio": _one_of("1:1", MATCH, "custom", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3"),
            "resolution": _one_of("1 MP", MATCH, "0.5 MP", "2 MP", "4 MP"),
            "safety_tolerance": _whole(1, 5, 2),
        },
    ),
    ReplicateModel(
        "google/nano-banana",
        PerPicture(39_000),
        {
            "prompt": _text(),
            "image_input": URIS,
            "aspect_ratio": _one_of(MATCH, *RATIOS[:10]),
            "output_format": _one_of("jpg", "png"),
        },
        usual_format="jpg",
    ),
    ReplicateModel(
        "bytedance/seedream-4",
        PerPicture(30_000),
        {
            "prompt": _text(),
            "size": _one_of("2K", "1K", "4K", "custom"),
            "width": _whole(1024, 4096),
            "height": _whole(1024, 4096),
            "aspect_ratio": _one_of(MATCH, *RATIOS[:10]),
            "image_input": URIS,
            "max_images": _whole(1, 15, 1),
            "sequential_image_generation": _one_of("disabled", "auto"),
            "enhance_prompt": YES,
        },
        answer="list",
        usual_format="jpg",
    ),
    ReplicateModel(
        "qwen/qwen-image",
        PerPicture(25_000),
        {
            **PROMPT,
            **THREE,
            "negative_prompt": _text(),
            "aspect_ratio": _one_of("16:9", "1:1", "9:16", "4:3", "3:4", "3:2", "2:3"),
            "image_size": _one_of("optimize_for_quality", "optimize_for_speed"),
            "num_inference_steps": _whole(1, 50),
            "guidance": _number(0, 10),
            "go_fast": YES,
        },
        answer="list",
    ),
    *(
        ReplicateModel(f"ideogram-ai/ideogram-v3-{tier}", PerPicture(micros), IDEOGRAM, usual_format="png")
        for tier, micros in (("turbo", 30_000), ("balanced", 60_000), ("quality", 90_000))
    ),
    ReplicateModel(
        "recraft-ai/recraft-v3",
        PerPicture(40_000),
        {"prompt": _text(), "size": _text(), "aspect_ratio": _one_of("Not set", *RATIOS), "style": _text()},
    ),
    ReplicateModel(
        "bria/genfill",
        PerPicture(40_000),
        {**PROMPT, **MASKED, "mask_type": _one_of("manual", "automatic")},
        ("prompt", "image", "mask"),
        "fill",
        usual_format="png",
    ),
    ReplicateModel(
        "bria/eraser",
        PerPicture(40_000),
        {**MASKED, "mask_type": _one_of("manual", "automatic")},
        ("image", "mask"),
        "fill",
        usual_format="png",
    ),
    ReplicateModel(
        "bria/expand-image",
        PerPicture(40_000),
        {
            **PROMPT,
            "image": URI,
            "canvas_size": Field("pair"),
            "original_image_size": Field("pair"),
            "original_image_location": Field("pair"),
        },
        ("image", "canvas_size"),
        "expand",
        usual_format="png",
    ),
    ReplicateModel(
        "bria/remove-background", PerPicture(18_000), {"image": URI}, ("image",), "background", usual_format="png"
    ),
    ReplicateModel("recraft-ai/recraft-crisp-upscale", PerPicture(6_000), {"image": URI}, ("image",), "upscale"),
    ReplicateModel(
        "philz1337x/clarity-upscaler",
        PerSecond(L40S_MICROS),
        {
            **PROMPT,
            "image": URI,
            "negative_prompt": _text(),
            "scale_factor": _number(1, 4, 2),
            "creativity": _number(0, 1, 0.35),
            "resemblance": _number(0, 3, 0.6),
            "dynamic": _number(1, 50, 6),
            "num_inference_steps": _whole(1, 100, 18),
            "output_format": _one_of("png", "jpg", "webp"),
        },
        ("image",),
        "upscale",
        "list",
        official=False,
        usual_format="png",
    ),
    ReplicateModel(
        "nightmareai/real-esrgan",
        PerSecond(T4_MICROS),
        {"image": URI, "scale": _number(0, 10, 4), "face_enhance": YES},
        ("image",),
        "upscale",
        official=False,
        usual_format="png",
    ),
    ReplicateModel(
        "851-labs/background-remover",
        PerSecond(T4_MICROS),
        {
            "image": URI,
            "format": _text(),
            "background_type": _text(),
            "threshold": _number(0, 1, 0),
            "reverse": YES,
        },
        ("image",),
        "background",
        official=False,
        usual_format="png",
    ),
    ReplicateModel(
        "meta/sam-2",
        PerSecond(L40S_MICROS),
        {
            "image": URI,
            "points_per_side": _whole(1, None, 32),
            "pred_iou_thresh": _number(0, 1, 0.88),
            "stability_score_thresh": _number(0, 1, 0.95),
            "use_m2m": YES,
        },
        ("image",),
        "segment",
        "masks",
        official=False,
        usual_format="png",
    ),
)
BY_ID = {model.id: model for model in MODELS}
BY_VERSION = {model.version: model for model in MODELS}
