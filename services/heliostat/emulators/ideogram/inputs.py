"""A request's body, checked against its operation. Fields that an operation does not know are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.emulators.bodies import Body
from heliostat.emulators.ideogram.catalogue import ByWord, Field, Operation
from heliostat.emulators.ideogram.dialect import wrong
from heliostat.emulators.pictures import PictureRefused, header_of, seed_from

MOST_PX = 4_194_304
SIDES = (256, 6)
"""The least edge in px and the greatest ratio of a picture of 4.5."""
KINDS: Mapping[str, Any] = {"text": str, "whole": int, "flag": bool, "texts": list, "object": dict}


@dataclass(frozen=True)
class Order:
    """A checked body. Sizes are (width, height) in px."""

    operation: Operation
    fields: Mapping[str, Any]
    files: Mapping[str, list[bytes]]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt", ""))

    @property
    def count(self) -> int:
        """Give how many pictures are made."""
        return int(self.fields.get("num_images", 1))

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        return int(self.fields.get("seed", seed_from(self.operation.path, self.prompt)))

    @property
    def image(self) -> bytes | None:
        """Give the picture to work on."""
        return next(iter(self.files.get("image", [])), None)

    @property
    def mask(self) -> bytes | None:
        """Give the mask: black is painted anew."""
        return next(iter(self.files.get("mask", [])), None)

    @property
    def size(self) -> tuple[int, int]:
        """Give the size of each picture."""
        own = header_of(self.image).size if self.image is not None else None
        if own and self.operation.task == "upscale":
            factor = int(str(self.fields.get("upscale_factor", "x2")).removeprefix("x"))
            return own[0] * factor, own[1] * factor
        if own and self.operation.task in ("fill", "erase", "cut_out"):
            return own
        if "custom_width" in self.fields:
            return self.fields["custom_width"], self.fields["custom_height"]
        text = self.fields.get("size") or self.fields.get("resolution", "")
        if "x" in text:
            width, _, height = text.partition("x")
            return int(width), int(height)
        side = 2048 if self.operation.path.endswith("ideogram-4") or text == "2k" else 1024
        shape = self.fields.get("aspect_ratio", "1x1")
        return _of_shape("1x1" if shape == "auto" else shape, side) if own is None else own

    @property
    def cost_micros(self) -> int:
        """Price the order in micro-USD."""
        price = self.operation.price
        if isinstance(price, ByWord):
            return self.count * price.each[self.fields.get(price.field, price.usual)]
        if self.operation.per_megapixel:
            return round(price * self.size[0] * self.size[1] / 1_000_000)
        return self.count * price


def _of_shape(shape: str, side: int) -> tuple[int, int]:
    width, _, height = shape.partition("x")
    ratio = int(width) / int(height)
    return round(side * ratio**0.5 / 16) * 16, round(side / ratio**0.5 / 16) * 16


def read_order(operation: Operation, body: Body) -> Order:
    """Check a body. Raises `Refusal`: 400, or 413 for a file that is too large."""
    if body.is_form and not operation.takes_files:
        raise wrong("This operation takes application/json.", 415)
    if "webhook_url" in body.fields:
        raise wrong("webhook_url: must be an https URL of a public host.")
    fields: dict[str, Any] = {}
    files: dict[str, list[bytes]] = {}
    for name, field in operation.fields.items():
        if field.kind in ("file", "files"):
            if name in body.files:
                files[name] = _files(name, field, body.files[name])
            elif field.required:
                raise wrong(f"{name}: is required.")
        elif body.fields.get(name) is not None:
            fields[name] = _value(name, field, body.fields[name], form=body.is_form)
        elif field.required:
            raise wrong(f"{name}: is required.")
    order = Order(operation, fields, files)
    _check_together(order)
    return order


def _check_together(order: Order) -> None:
    fields, files = order.fields, order.files
    if "resolution" in fields and "aspect_ratio" in fields:
        raise wrong("resolution and aspect_ratio are mutually exclusive.")
    if "style_preset" in fields and ("style_codes" in fields or "style_reference_images" in files):
        raise wrong("style_preset cannot be used with style codes or style reference images.")
    if ("custom_width" in fields) != ("custom_height" in fields):
        raise wrong("custom_width and custom_height must be given together.")
    if order.image is not None and order.mask is not None and header_of(order.image).size != header_of(order.mask).size:
        raise wrong("mask: must have the same size as the image.")
    if order.mask is not None and len(files.get("reference_images", [])) > 3:
        raise wrong("reference_images: at most 3 with a mask.")
    if "size" in fields:
        _check_free_size(str(fields["size"]))
    width, height = order.size
    if "custom_width" in fields and width * height > MOST_PX:
        raise wrong("custom_width: too many pixels.")


def _check_free_size(text: str) -> None:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise wrong("size: must be WxH.")
    sides = sorted((int(width), int(height)))
    if sides[0] < SIDES[0] or sides[1] > SIDES[1] * sides[0] or sides[0] * sides[1] > MOST_PX:
        raise wrong("size: out of bounds.")


def _files(name: str, field: Field, given: list[bytes]) -> list[bytes]:
    if len(given) > field.most:
        raise wrong(f"{name}: at most {field.most} files.")
    for data in given:
        if len(data) > field.file_bytes:
            raise wrong(f"{name}: the file is too large.", 413)
        try:
            kind = header_of(data).media_type
        except PictureRefused as error:
            raise wrong(f"{name}: {error}.") from error
        if kind == "image/gif":
            raise wrong(f"{name}: must be JPEG, PNG or WebP.")
    return given


def _value(name: str, field: Field, value: Any, *, form: bool) -> Any:
    """Read one value; in a form everything but text came as JSON."""
    if form and field.kind in ("whole", "flag", "object"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise wrong(f"{name}: cannot be read.") from None
    if form and field.kind == "texts":
        value = [value]
    if not isinstance(value, KINDS[field.kind]) or (field.kind == "whole" and isinstance(value, bool)):
        raise wrong(f"{name}: has the wrong type.")
    if field.words and value not in field.words:
        raise wrong(f"{name}: must be one of {', '.join(sorted(field.words))}.")
    measured: int = len(value) if field.kind == "text" else value
    if field.high is not None and measured > field.high:
        raise wrong(f"{name}: is too large.")
    if field.low is not None and (value < field.low or value % field.step):
        raise wrong(f"{name}: must be at least {field.low}, in steps of {field.step}.")
    return value
