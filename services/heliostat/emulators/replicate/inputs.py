"""A model's input, checked against its schema. Fields that a model does not know are ignored, as its runner does."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.pictures import seed_from
from heliostat.emulators.replicate.catalogue import MATCH, Field, ReplicateModel
from heliostat.emulators.replicate.dialect import invalid

FLUX_SIZES = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
TIERS = {"1K": 1024**2, "2K": 2048**2, "4K": 4096**2}
RESOLUTION = re.compile(r"(\d+(?:\.\d+)?) MP")
MEDIA_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
PICTURE_FIELDS = ("image", "input_image", "image_prompt", "input_images", "image_input", "style_reference_images")

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked input."""

    model: ReplicateModel
    fields: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Give the prompt, empty where the model has none."""
        return str(self.fields.get("prompt") or "")

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        given = self.fields.get("seed")
        return int(given) if given is not None else seed_from(self.model.id, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the pictures put out."""
        return MEDIA_TYPES[str(self.fields.get("output_format", self.model.usual_format))]

    @property
    def picture_urls(self) -> list[str]:
        """Give the addresses of the input pictures, the one to work on first; the mask is none of them."""
        found: list[str] = []
        for name in PICTURE_FIELDS:
            value = self.fields.get(name) if name in self.model.fields else None
            found += value if isinstance(value, list) else [value] if value else []
        return found

    @property
    def factor(self) -> float:
        """Give how many times an upscaler enlarges; 2 where a model has a factor of its own."""
        named = next((name for name in ("scale", "scale_factor") if name in self.model.fields), None)
        if named is None:
            return 2.0
        return float(self.fields.get(named) or self.model.fields[named].usual)

    def size(self, inputs: Sequence[Size]) -> Size:
        """Give the size in px of each picture; what matches its input has that one's shape."""
        fields, own = self.fields, inputs[0] if inputs else None
        if self.model.task == "fill" or (own and "prompt_strength" in self.model.fields):
            return own or (1024, 1024)
        ratio, listed = str(fields.get("aspect_ratio", "")), str(fields.get("size", ""))
        if "custom" in (ratio, listed):
            return fields["width"], fields["height"]
        if re.fullmatch(r"\d+x\d+", listed):
            width, height = map(int, listed.split("x"))
            return width, height
        if "num_outputs" in self.model.fields:
            size = FLUX_SIZES[ratio or "1:1"]
            return (size[0] // 2, size[1] // 2) if fields.get("megapixels") == "0.25" else size
        shape = own[0] / own[1] if own and ratio in ("", MATCH) else _shape(ratio)
        return _of_area(shape, self._area(listed))

    def _area(self, tier: str) -> float:
        found = RESOLUTION.fullmatch(str(self.fields.get("resolution", "")))
        if found:
            return float(found[1]) * 1024**2
        return TIERS.get(tier, self.model.area_px)


def _shape(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height) if height.isdigit() else 1.0


def _of_area(ratio: float, area_px: float) -> Size:
    return 16 * round(math.sqrt(area_px * ratio) / 16), 16 * round(math.sqrt(area_px / ratio) / 16)


def read_order(model: ReplicateModel, given: Any) -> Order:
    """Check an input. Raises `Refusal` with status 422."""
    if not isinstance(given, Mapping):
        raise invalid(("input", "invalid_type", "Invalid type. Expected: object"))
    missing = [name for name in model.required if given.get(name) is None]
    if missing:
        raise invalid(*((f"input.{name}", "required", f"{name} is required") for name in missing))
    faults = [
        (f"input.{name}", *fault)
        for name, field in model.fields.items()
        if given.get(name) is not None and (fault := _fault(field, given[name])) is not None
    ]
    if "custom" in (given.get("aspect_ratio"), given.get("size")):
        faults += [
            (f"input.{edge}", "required", f"{edge} is required") for edge in ("width", "height") if not given.get(edge)
        ]
    if faults:
        raise invalid(*faults)
    return Order(model, given)


KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "uri": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "uris": list,
    "pair": list,
}


def _fault(field: Field, value: Any) -> tuple[str, str] | None:
    """Tell (type, words) of what is wrong with a value; None where nothing is."""
    known = isinstance(value, KINDS[field.kind]) and (field.kind == "boolean" or not isinstance(value, bool))
    if field.kind == "pair":
        known = known and len(value) == 2 and all(isinstance(one, int) for one in value)
    if field.kind == "uris":
        known = known and all(isinstance(one, str) for one in value)
    if not known:
        return "invalid_type", f"Invalid type. Expected: {field.kind}"
    if field.words and value not in field.words:
        return "enum", "must be one of the following: " + ", ".join(f'"{word}"' for word in field.words)
    if field.low is not None and value < field.low:
        return "number_gte", f"Must be greater than or equal to {field.low:g}"
    if field.high is not None and value > field.high:
        return "number_lte", f"Must be less than or equal to {field.high:g}"
    return None
