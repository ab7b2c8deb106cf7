"""A model's input, checked field by field as pydantic would. Fields that a model does not know are ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.fal.catalogue import FalModel
from heliostat.emulators.fal.dialect import fault
from heliostat.emulators.pictures import seed_from

IMAGE_SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
MAX_EDGE_PX = 14_142
MOST_CANVAS_PX = 5_000 * 5_000
RESOLUTION_FACTORS = {"1K": 1, "0.5K": 0.5, "2K": 2, "4K": 4}
EDGE_STEP_PX = 32
NUMBERS: Mapping[str, tuple[float, float]] = {
    "guidance_scale": (0, 20),
    "strength": (0, 1),
    "image_prompt_strength": (0, 1),
    "upscale_factor": (1, 8),
    "scale": (1, 8),
    "creativity": (0, 1),
    "resemblance": (0, 3),
    "dilate_pixels": (0, 100),
}
BOOLEANS = (
    "sync_mode",
    "enable_safety_checker",
    "enhance_prompt",
    "raw",
    "output_mask",
    "refine_foreground",
    "preserve_alpha",
)
SHARED = frozenset({"sync_mode", "enable_safety_checker"})
WORDS: Mapping[str, tuple[str, ...]] = {
    "acceleration": ("none", "regular", "high"),
    "quality": ("high", "auto", "low", "medium"),
    "resolution": tuple(RESOLUTION_FACTORS),
    "rendering_speed": ("TURBO", "BALANCED", "QUALITY"),
    "mask_type": ("manual", "automatic"),
    "operating_resolution": ("1024x1024", "2048x2048", "2304x2304"),
}


@dataclass(frozen=True)
class Order:
    """A checked input. Sizes are (width, height) in pixels."""

    model: FalModel
    fields: Mapping[str, Any]
    prompt: str
    n: int
    seed: int
    output_format: str

    @property
    def media_type(self) -> str:
        """Give the content type of the pictures."""
        return f"image/{self.output_format.replace('jpg', 'jpeg')}"

    @property
    def image_urls(self) -> list[str]:
        """Give the addresses of the input pictures."""
        if "image_urls" in self.model.required:
            return list(self.fields["image_urls"])
        return [self.fields["image_url"]] if "image_url" in self.model.required else []

    @property
    def sides(self) -> dict[str, int]:
        """Give the pixels that are added on each side of a canvas."""
        (width, height), (own_width, own_height) = self.fields["canvas_size"], self.fields["original_image_size"]
        left, top = self.fields["original_image_location"]
        return {"left": left, "top": top, "right": width - own_width - left, "bottom": height - own_height - top}

    @property
    def options(self) -> dict[str, str]:
        """Give the words that prices depend on, defaults filled in."""
        quality = str(self.fields.get("quality", "high")).replace("auto", "high")
        return {
            "quality": quality,
            "resolution": str(self.fields.get("resolution", "1K")),
            "style": str(self.fields.get("style", "realistic_image")),
            "rendering_speed": str(self.fields.get("rendering_speed", "BALANCED")),
        }

    def size(self, inputs: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Give the size of each picture; what is `auto` follows the first input."""
        own = inputs[0] if inputs else IMAGE_SIZES["square_hd"]
        if self.model.sizing == "input":
            return own
        if self.model.sizing == "image_size":
            asked = self.fields.get("image_size", self.model.usual_size)
            if isinstance(asked, Mapping):
                return asked["width"], asked["height"]
            return IMAGE_SIZES.get(asked, own)
        asked = self.fields.get("aspect_ratio", self.model.usual_size)
        width, height = own if asked == "auto" else map(int, asked.split(":"))
        factor = RESOLUTION_FACTORS[self.options["resolution"]] if "resolution" in self.model.fields else 1
        return _of_area(width / height, self.model.area_px * factor**2)


def _of_area(ratio: float, area_px: float) -> tuple[int, int]:
    width, height = math.sqrt(area_px * ratio), math.sqrt(area_px / ratio)
    return EDGE_STEP_PX * round(width / EDGE_STEP_PX), EDGE_STEP_PX * round(height / EDGE_STEP_PX)


def read_order(model: FalModel, fields: Mapping[str, Any]) -> Order:
    """Check an input. Raises `Refusal` with status 422."""
    for name in model.required:
        _check_required(fields, name)
    known = model.fields | SHARED
    for name in known & NUMBERS.keys() & fields.keys():
        _check_number(fields[name], name, *NUMBERS[name])
    for name in known.intersection(BOOLEANS) & fields.keys():
        if not isinstance(fields[name], bool):
            raise fault(name, "Input should be a valid boolean", "bool_type")
    for name in known & WORDS.keys() & fields.keys():
        _check_word(fields[name], name, WORDS[name])
    if "safety_tolerance" in known and "safety_tolerance" in fields:
        _check_word(fields["safety_tolerance"], "safety_tolerance", tuple(model.tolerances))
    if "num_inference_steps" in known and "num_inference_steps" in fields:
        _whole(fields["num_inference_steps"], "num_inference_steps", 1, 50)
    _check_size(model, fields)
    prompt = _given(fields, "prompt", "")
    if not isinstance(prompt, str):
        raise fault("prompt", "Input should be a valid string", "string_type")
    usual_seed = seed_from(model.id, prompt)
    return Order(
        model=model,
        fields=fields,
        prompt=prompt,
        n=_whole(fields.get("num_images", 1), "num_images", 1, 4) if model.max_images > 1 else 1,
        seed=_whole(_given(fields, "seed", usual_seed), "seed", 0, 2**63 - 1),
        output_format=_check_word(fields.get("output_format", model.formats[0]), "output_format", model.formats),
    )


def _given(fields: Mapping[str, Any], name: str, usual: Any) -> Any:
    return usual if fields.get(name) is None else fields[name]


def _check_required(fields: Mapping[str, Any], name: str) -> None:
    if name not in fields:
        raise fault(name, "Field required", "missing")
    value = fields[name]
    if name.endswith("_urls"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise fault(name, "Input should be a valid list", "list_type")
        if not value:
            raise fault(name, "List should have at least 1 item after validation, not 0", "too_short", min_length=1)
    elif name == "canvas_size":
        _check_canvas(fields)
    elif not isinstance(value, str):
        raise fault(name, "Input should be a valid string", "string_type")


def _check_canvas(fields: Mapping[str, Any]) -> None:
    """Check a canvas and where the picture lies on it: three pairs of whole numbers."""
    for name in ("canvas_size", "original_image_size", "original_image_location"):
        pair = fields.get(name)
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, int) for one in pair):
            raise fault(name, "Input should be a valid list", "list_type")
    width, height = fields["canvas_size"]
    if width * height >= MOST_CANVAS_PX:
        raise fault("canvas_size", "The canvas is too large.", "value_error")


def _check_number(value: Any, name: str, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise fault(name, "Input should be a valid number", "float_type")
    _check_range(value, name, low, high)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise fault(name, "Input should be a valid integer", "int_type")
    _check_range(value, name, low, high)
    return value


def _check_range(value: float, name: str, low: float, high: float) -> None:
    if value < low:
        raise fault(name, f"Input should be greater than or equal to {low}", "greater_than_equal", ge=low)
    if value > high:
        raise fault(name, f"Input should be less than or equal to {high}", "less_than_equal", le=high)


def _check_word(value: Any, name: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        expected = ", ".join(f"'{word}'" for word in allowed)
        raise fault(name, f"Input should be {expected}", "literal_error", expected=expected)
    return str(value)


def _check_size(model: FalModel, fields: Mapping[str, Any]) -> None:
    if model.sizing == "aspect_ratio" and "aspect_ratio" in fields:
        _check_word(fields["aspect_ratio"], "aspect_ratio", model.ratios)
    if model.sizing != "image_size" or "image_size" not in fields:
        return
    asked = fields["image_size"]
    if not isinstance(asked, Mapping):
        automatic = ("auto",) if model.usual_size == "auto" else ()
        _check_word(asked, "image_size", (*IMAGE_SIZES, *automatic))
        return
    for edge in ("width", "height"):
        _whole(asked.get(edge), "image_size", 1, MAX_EDGE_PX)
