"""The body of a call, JSON or form, checked as the API would."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.fireworks.catalogue import BUCKETS, Field, FireworksModel
from heliostat.emulators.fireworks.dialect import refused
from heliostat.emulators.pictures import seed_from

AREA_PX = 1_048_576

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: FireworksModel
    fields: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields["prompt"])

    @property
    def steps(self) -> int:
        """Give the steps; 0 where none were asked for."""
        return int(self.fields.get("num_inference_steps") or self.fields.get("steps") or 0)

    @property
    def seed(self) -> int:
        """Give the seed; one of the order's own for 0."""
        return int(self.fields.get("seed") or 0) or 1 + seed_from(self.model.name, self.prompt)

    def size(self) -> Size:
        """Give the size in px of the picture."""
        if self.model.dialect == "legacy":
            return int(self.fields.get("width") or 1024), int(self.fields.get("height") or 1024)
        width, _, height = str(self.fields.get("aspect_ratio") or "1:1").partition(":")
        ratio = int(width) / int(height)
        return 16 * round(math.sqrt(AREA_PX * ratio) / 16), 16 * round(math.sqrt(AREA_PX / ratio) / 16)


def read_order(model: FireworksModel, body: Body) -> Order:
    """Check a body. Raises `Refusal`."""
    if body.fault:
        raise refused(400, body.fault)
    fields: dict[str, Any] = {}
    for name, value in body.fields.items():
        if name not in model.fields:
            raise refused(422, f"Extra inputs are not permitted: {name}", name)
        if value is not None:
            fields[name] = _read(name, model.fields[name], value, text=body.is_form or model.dialect == "legacy")
    if not fields.get("prompt"):
        raise refused(422, "prompt is required", "prompt")
    order = Order(model, fields)
    _check_shape(order)
    return order


def _read(name: str, field: Field, value: Any, *, text: bool) -> Any:
    """Read one value; forms and the older API take numbers as text as well."""
    if field.kind == "text":
        if not isinstance(value, str) or (field.words and value not in field.words):
            raise refused(422, f"{name} is not one of {', '.join(field.words) or 'texts'}", name)
        return value
    if field.kind == "boolean":
        read = {"true": True, "false": False}.get(value) if text and isinstance(value, str) else value
        if not isinstance(read, bool):
            raise refused(422, f"{name} must be true or false", name)
        return read
    if text and isinstance(value, str):
        try:
            value = int(value) if field.kind == "whole" else float(value)
        except ValueError:
            raise refused(422, f"{name} must be a number", name) from None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not (field.kind == "number" and isinstance(value, float)):
        raise refused(422, f"{name} must be a number", name)
    if not (field.low is None or value >= field.low) or not (field.high is None or value <= field.high):
        raise refused(422, f"{name} must be between {field.low:g} and {field.high:g}", name)
    return value


def _check_shape(order: Order) -> None:
    if order.model.dialect == "legacy" and order.size() not in BUCKETS:
        raise refused(422, "width and height must be one of the supported sizes", "width")
    if order.model.dialect != "job" or "aspect_ratio" not in order.fields:
        return
    width, _, height = str(order.fields["aspect_ratio"]).partition(":")
    if not (width.isdigit() and height.isdigit() and 3 / 7 <= int(width) / max(1, int(height)) <= 7 / 3):
        raise refused(422, "aspect_ratio must be between 3:7 and 7:3", "aspect_ratio")
