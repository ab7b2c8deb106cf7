"""A form of Stability AI's API, checked as the API would."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.pictures import PictureRefused, header_of, seed_from
from heliostat.emulators.stability.catalogue import Bounds, Endpoint, Field
from heliostat.emulators.stability.dialect import refused

LIMIT_BYTES = 10 * 1024 * 1024
SHAPES = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "5:4": (1152, 896),
    "4:5": (896, 1152),
    "2:3": (832, 1216),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
MAIN = ("image", "subject_image", "init_image")

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked form: words as numbers where they are such, and files by name."""

    endpoint: Endpoint
    fields: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt") or self.fields.get("background_prompt") or "")

    @property
    def model(self) -> str:
        """Give the word of `model`; empty where there is no such field."""
        return str(self.fields.get("model") or "sd3.5-large") if "model" in self.endpoint.fields else ""

    @property
    def seed(self) -> int:
        """Give the seed; one of the order's own for 0."""
        return int(self.fields.get("seed") or 0) or 1 + seed_from(self.endpoint.path, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the picture put out."""
        return f"image/{self.fields.get('output_format') or 'png'}"

    @property
    def main(self) -> bytes | None:
        """Give the picture to work on."""
        return next((self.files[name] for name in MAIN if name in self.files), None)

    def size(self) -> Size:
        """Give the size in px of a drawing."""
        shape = SHAPES[str(self.fields.get("aspect_ratio") or "1:1")]
        return shape if self.endpoint.area_px == 1_048_576 else of_area(shape, self.endpoint.area_px)


def of_area(size: Size, area_px: int) -> Size:
    """Give a size of the same shape and about this area, in steps of 16 px."""
    root = math.sqrt(area_px / (size[0] * size[1]))
    return max(16, 16 * round(size[0] * root / 16)), max(16, 16 * round(size[1] * root / 16))


def read_order(endpoint: Endpoint, body: Body) -> Order:
    """Check a form. Raises `Refusal`."""
    if not body.is_form:
        raise refused(400, "bad_request", "content-type: must be multipart/form-data")
    files = {name: given[0] for name, given in body.files.items()}
    if sum(map(len, files.values())) > LIMIT_BYTES:
        raise refused(413)
    unknown = sorted((body.fields.keys() | files.keys()) - endpoint.fields.keys() - {"none"})
    if unknown:
        raise refused(400, "bad_request", f"{unknown[0]}: is not allowed")
    fields = {name: _read(name, endpoint.fields[name], text) for name, text in body.fields.items() if name != "none"}
    for name, field in endpoint.fields.items():
        if field.required and not (files.get(name) if field.kind == "file" else fields.get(name)):
            raise refused(400, "bad_request", f"{name}: is required")
    if endpoint.one_of and not any(fields.get(name) or files.get(name) for name in endpoint.one_of):
        raise refused(400, "bad_request", f"{endpoint.one_of[0]}: one of {', '.join(endpoint.one_of)} is required")
    for name, data in files.items():
        if name != "mask":
            _check_picture(name, data, endpoint.bounds)
    order = Order(endpoint, fields, files)
    _check_mode(order)
    return order


def _read(name: str, field: Field, text: Any) -> Any:
    if field.kind == "file":
        raise refused(400, "bad_request", f"{name}: must be a file")
    if field.words and text not in field.words:
        raise refused(400, "bad_request", f"{name}: must be one of {', '.join(field.words)}")
    if field.kind == "text":
        if len(text) > 10_000:
            raise refused(400, "bad_request", f"{name}: cannot exceed 10000 characters")
        return text
    if field.kind == "boolean":
        if text not in ("true", "false"):
            raise refused(400, "bad_request", f"{name}: must be true or false")
        return text == "true"
    try:
        value = int(text) if field.kind == "whole" else float(text)
    except ValueError:
        raise refused(400, "bad_request", f"{name}: must be a number") from None
    within = (field.low is None or value >= field.low) and (field.high is None or value <= field.high)
    if not within:
        raise refused(400, "bad_request", f"{name}: must be between {field.low:g} and {field.high:g}")
    return value


def _check_picture(name: str, data: bytes, bounds: Bounds) -> None:
    try:
        header = header_of(data)
    except PictureRefused:
        raise refused(400, "bad_request", f"{name}: must be a valid image file") from None
    if header.media_type not in ("image/png", "image/jpeg", "image/webp"):
        raise refused(400, "bad_request", f"{name}: must be a jpeg, png or webp file")
    short, long = sorted(header.size)
    if short < bounds.least_edge or (bounds.most_edge and long > bounds.most_edge):
        raise refused(400, "bad_request", f"{name}: sides must be at least {bounds.least_edge} px")
    if not bounds.least <= short * long <= bounds.most:
        raise refused(400, "bad_request", f"{name}: pixel count must be between {bounds.least} and {bounds.most}")
    if bounds.ratio and long > bounds.ratio * short:
        raise refused(400, "bad_request", f"{name}: aspect ratio must be between 1:2.5 and 2.5:1")


def _check_mode(order: Order) -> None:
    """What only goes together."""
    fields, drawn_from = order.fields, "image" in order.files
    if "strength" not in order.endpoint.fields:
        return
    if drawn_from and "strength" not in fields:
        raise refused(400, "bad_request", "strength: is required when image is provided")
    if "mode" not in order.endpoint.fields:
        return
    changes = fields.get("mode") == "image-to-image"
    if changes != drawn_from:
        raise refused(400, "bad_request", "image: is required when mode is image-to-image, and only then")
    if changes and "aspect_ratio" in fields:
        raise refused(400, "bad_request", "aspect_ratio: is not allowed when mode is image-to-image")
