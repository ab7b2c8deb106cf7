"""A request's body, checked against its operation. Fields that an operation does not know are ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.emulators.bodies import Body
from heliostat.emulators.pictures import PictureRefused, header_of, seed_from
from heliostat.emulators.recraft.catalogue import (
    EDITOR,
    MICROS_PER_UNIT,
    MODELS,
    STYLE_UNITS,
    USUAL_MODEL,
    Field,
    Operation,
    RecraftModel,
)
from heliostat.emulators.recraft.dialect import wrong
from heliostat.emulators.sources import SourceUnreadable, fetch

MOST_BYTES, MOST_PX, EDGES_PX = 10_000_000, 16_000_000, (32, 4096)
TARGET_PX = {"upscale4mp": 4_000_000, "upscale16mp": 16_000_000}
KINDS: Mapping[str, Any] = {
    "text": str,
    "whole": int,
    "number": (int, float),
    "flag": bool,
    "object": dict,
    "list": list,
}
ADDRESSES = {"image": "image_url", "mask": "mask_url", "style_references": "style_reference_urls"}
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Order:
    """A checked body. Sizes are (width, height) in px."""

    operation: Operation
    model: RecraftModel
    fields: Mapping[str, Any]
    image: bytes | None = None
    mask: bytes | None = None
    references: tuple[bytes, ...] = ()

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt", ""))

    @property
    def count(self) -> int:
        """Give how many pictures are made."""
        return int(self.fields.get("n", 1))

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        return int(self.fields.get("random_seed", seed_from(self.operation.path, self.prompt)))

    @property
    def media_type(self) -> str:
        """Give the type of the pictures put out."""
        return f"image/{self.fields.get('image_format', 'webp')}"

    @property
    def sides(self) -> dict[str, int]:
        """Give what is added on each side in px."""
        return {side: int(self.fields.get(f"expand_{side}", 0)) for side in SIDES}

    @property
    def size(self) -> tuple[int, int]:
        """Give the size of each picture."""
        if self.operation.task == "upscale" and self.image is not None:
            return _enlarged(header_of(self.image).size, TARGET_PX[self.fields.get("upscale", "upscale4mp")])
        if self.image is not None and "size" not in self.fields:
            return header_of(self.image).size
        text = str(self.fields.get("size", "1:1"))
        width, _, height = self.model.sizes.get(text, text).partition("x")
        return int(width), int(height)

    @property
    def units(self) -> int:
        """Price the order in API units."""
        each = self.model.units if self.operation.units is None else self.operation.units
        return each * self.count + (STYLE_UNITS if self.references else 0)

    @property
    def cost_micros(self) -> int:
        """Price the order in micro-USD."""
        return self.units * MICROS_PER_UNIT


def _enlarged(size: tuple[int, int], area: int) -> tuple[int, int]:
    scale = math.sqrt(area / (size[0] * size[1]))
    return round(size[0] * scale), round(size[1] * scale)


async def read_order(operation: Operation, body: Body) -> Order:
    """Check a body. Raises `Refusal`."""
    fields = {
        name: _value(name, field, body.fields[name], form=body.is_form)
        for name, field in operation.fields.items()
        if body.fields.get(name) is not None
    }
    missing = next((name for name, field in operation.fields.items() if field.required and name not in fields), None)
    if missing is not None:
        raise wrong(f"{missing} is required")
    name = str(fields.get("model", EDITOR if operation.takes_image else USUAL_MODEL))
    model = MODELS.get(name)
    if model is None or (operation.takes_image and name != EDITOR):
        raise wrong(f"model {name} is not supported")
    _check(operation, model, fields)
    images, masks, references = [await _files(body, kind) for kind in ADDRESSES]
    if operation.takes_image and not images:
        raise wrong("image is required")
    if operation.mask:
        if not masks:
            raise wrong("mask is required")
        if header_of(images[0]).size != header_of(masks[0]).size:
            raise wrong("mask must have the size of the image")
    if references and operation.takes_image:
        raise wrong("style references are not supported here")
    image = images[0] if operation.takes_image else None
    return Order(operation, model, fields, image, masks[0] if operation.mask else None, tuple(references))


def _check(operation: Operation, model: RecraftModel, fields: Mapping[str, Any]) -> None:
    prompt = fields.get("prompt")
    if prompt is not None and not 0 < len(prompt) <= model.prompt_chars:
        raise wrong(f"prompt must have 1 to {model.prompt_chars} characters")
    if "style" in fields and not model.styled:
        raise wrong("style is not supported by this model")
    size = fields.get("size")
    if size is not None and operation.task != "expand" and size not in (*model.sizes, *model.sizes.values()):
        raise wrong(f"size {size} is not supported by this model")


async def _files(body: Body, name: str) -> list[bytes]:
    """The pictures of one kind, as files of a form or behind addresses."""
    found = list(body.files.get(name, []))
    if name == "image":
        found += body.files.get("file", [])
    given = body.fields.get(ADDRESSES[name]) or []
    for address in [given] if isinstance(given, str) else given:
        try:
            found.append(await fetch(str(address)))
        except SourceUnreadable as error:
            raise wrong(f"{ADDRESSES[name]}: {error}") from error
    for data in found:
        _check_picture(name, data)
    return found


def _check_picture(name: str, data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise wrong(f"{name} is too large", "too_large", 413)
    try:
        header = header_of(data)
    except PictureRefused as error:
        raise wrong(f"{name}: {error}") from error
    width, height = header.size
    if header.media_type == "image/gif" or width * height > MOST_PX:
        raise wrong(f"{name} must be PNG, JPG or WEBP of at most {MOST_PX} pixels")
    if not EDGES_PX[0] <= min(width, height) <= max(width, height) <= EDGES_PX[1]:
        raise wrong(f"{name} must have sides of {EDGES_PX[0]} to {EDGES_PX[1]} pixels")


def _value(name: str, field: Field, value: Any, *, form: bool) -> Any:
    """Read one value; in a form everything but text came as JSON."""
    if form and field.kind != "text":
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise wrong(f"{name} cannot be read") from None
    if not isinstance(value, KINDS[field.kind]) or (field.kind in ("whole", "number") and isinstance(value, bool)):
        raise wrong(f"{name} has the wrong type")
    if field.words and value not in field.words:
        raise wrong(f"{name} must be one of {', '.join(field.words)}")
    if field.low is not None and field.high is not None and not field.low <= value <= field.high:
        raise wrong(f"{name} must be between {field.low:g} and {field.high:g}")
    return value
