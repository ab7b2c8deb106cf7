"""A task's body, checked as pydantic would."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.bfl.catalogue import BflModel, Field
from heliostat.emulators.bfl.dialect import fault
from heliostat.emulators.pictures import seed_from
from heliostat.emulators.sources import SourceUnreadable, fetch

MOST_PX = 4_194_304
RESOLUTION_PX = {"768sq": 768**2, "1k": 1024**2, "1.5k": 1536**2, "2k": 2048**2, "4k": 4096**2}

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: BflModel
    fields: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt") or "")

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        given = self.fields.get("seed")
        return int(given) if given is not None else seed_from(self.model.name, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the picture put out."""
        return f"image/{self.fields.get('output_format') or self.model.usual_format}"

    @property
    def resolution(self) -> str:
        """Give the word for the resolution, empty where the endpoint has none."""
        field = self.model.fields.get("resolution")
        return str(self.fields.get("resolution") or field.usual) if field else ""

    @property
    def sources(self) -> list[str]:
        """Give the input pictures as they were sent, the one to work on first; the mask is none of them."""
        found: list[str] = []
        for name, field in self.model.fields.items():
            value = self.fields.get(name)
            if name != "mask" and value:
                found += value if field.kind == "pictures" else [value] if field.kind == "picture" else []
        return found

    def size(self, inputs: Sequence[Size]) -> Size:
        """Give the size in px of the picture, before anything is added on its sides."""
        own = inputs[0] if inputs else None
        if self.model.task != "paint":
            return own or (1024, 1024)
        if "width" in self.model.fields:
            usual = _scaled_down(own) if own and "input_image" in self.model.fields else _usual(self.model)
            return self.fields.get("width") or usual[0], self.fields.get("height") or usual[1]
        asked = str(self.fields.get("aspect_ratio") or self.model.fields["aspect_ratio"].usual or "auto")
        ratio = (own[0] / own[1] if own else 1.0) if asked == "auto" else _shape(asked)
        return _of_area(ratio, RESOLUTION_PX.get(self.resolution, self.model.area_px))


def _usual(model: BflModel) -> Size:
    return (1024, 768) if model.fields["width"].step == 32 else (1024, 1024)


def _scaled_down(size: Size) -> Size:
    """An input's size as an output may have it: four megapixels at most."""
    return size if size[0] * size[1] <= MOST_PX else _of_area(size[0] / size[1], MOST_PX, math.floor)


def _shape(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def _of_area(ratio: float, area_px: int, whole: Callable[[float], int] = round) -> Size:
    return 16 * whole(math.sqrt(area_px * ratio) / 16), 16 * whole(math.sqrt(area_px / ratio) / 16)


def read_order(model: BflModel, given: Mapping[str, Any]) -> Order:
    """Check a body. Raises `Refusal` with status 422."""
    unknown = sorted(given.keys() - model.fields.keys())
    if unknown and model.strict:
        raise fault(unknown[0], "Extra inputs are not permitted", "extra_forbidden")
    for name, field in model.fields.items():
        value = given.get(name)
        if value is None:
            if field.required:
                raise fault(name, "Field required", "missing")
            continue
        _check(name, field, value)
    if "width" in given and "height" in given and given["width"] * given["height"] > MOST_PX:
        raise fault("width", "Width times height must be at most 4 megapixels", "value_error")
    ratio = given.get("aspect_ratio")
    if ratio and not model.fields["aspect_ratio"].words:
        _check_ratio(str(ratio))
    return Order(model, given)


KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "text": (str, "string"),
    "picture": (str, "string"),
    "whole": (int, "int"),
    "number": ((int, float), "float"),
    "boolean": (bool, "bool"),
    "pictures": (list, "list"),
}


def _check(name: str, field: Field, value: Any) -> None:
    type_, word = KINDS[field.kind]
    known = isinstance(value, type_) and (field.kind == "boolean" or not isinstance(value, bool))
    if not known:
        raise fault(name, f"Input should be a valid {word}", f"{word}_type")
    if field.words and value not in field.words:
        raise fault(name, f"Input should be {', '.join(map(repr, field.words))}", "literal_error")
    if field.kind not in ("whole", "number") or (value == 0 and field.low == 64):  # 0 leaves the edge to the endpoint
        return
    if field.low is not None and value < field.low:
        raise fault(name, f"Input should be greater than or equal to {field.low:g}", "greater_than_equal")
    if field.high is not None and value > field.high:
        raise fault(name, f"Input should be less than or equal to {field.high:g}", "less_than_equal")
    if value % field.step and field.kind == "whole":
        raise fault(name, f"Input should be a multiple of {field.step}", "multiple_of")


def _check_ratio(text: str) -> None:
    width, _, height = text.partition(":")
    if not (width.isdigit() and height.isdigit() and 3 / 7 <= int(width) / max(1, int(height)) <= 7 / 3):
        raise fault("aspect_ratio", "Aspect ratio must be between 3:7 and 7:3", "value_error")


async def picture_of(source: str) -> bytes:
    """Give the bytes behind a bare base64 text or a loopback address. Raises `SourceUnreadable`."""
    if source.startswith(("http:", "https:")):
        return await fetch(source)
    if source.startswith("data:"):
        raise SourceUnreadable("a data URL is no base64 text")
    try:
        return pybase64.b64decode(source, validate=True)
    except binascii.Error as error:
        raise SourceUnreadable("broken base64") from error
