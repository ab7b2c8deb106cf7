"""The body of a call, checked as the API would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.pictures import seed_from
from heliostat.emulators.together.catalogue import BY_NAME, TogetherModel
from heliostat.emulators.together.dialect import refused

MOST_IMAGES = 4
WORDS: Mapping[str, tuple[str, ...]] = {"output_format": ("jpeg", "png"), "response_format": ("base64", "url")}
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "prompt": str,
    "negative_prompt": str,
    "image_url": str,
    "reference_images": list,
    "image_loras": list,
    "n": int,
    "steps": int,
    "seed": int,
    "width": int,
    "height": int,
    "guidance_scale": (int, float),
    "guidance": (int, float),
    "disable_safety_checker": bool,
    "output_format": str,
    "response_format": str,
}

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: TogetherModel
    fields: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields["prompt"])

    @property
    def count(self) -> int:
        """Give the number of pictures."""
        return int(self.fields.get("n") or 1)

    @property
    def steps(self) -> int:
        """Give the steps; 0 where none were asked for."""
        return int(self.fields.get("steps") or 0)

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        given = self.fields.get("seed")
        return int(given) if given is not None else seed_from(self.model.name, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the pictures."""
        return f"image/{self.fields.get('output_format') or 'jpeg'}"

    @property
    def sources(self) -> list[str]:
        """Give the input pictures as they were sent."""
        single = self.fields.get("image_url")
        return ([str(single)] if single else []) + [str(one) for one in self.fields.get("reference_images") or []]

    def size(self, inputs: list[Size]) -> Size:
        """Give the size in px; what is made of a picture has that one's where none is asked for."""
        usual = inputs[0] if inputs else (1024, 1024)
        return int(self.fields.get("width") or usual[0]), int(self.fields.get("height") or usual[1])


def read_order(body: Body) -> Order:
    """Check a body. Raises `Refusal`."""
    fields = body.fields
    if body.is_form or body.fault:
        raise refused(400, f"Invalid request: {body.fault or 'the body must be JSON'}")
    model = BY_NAME.get(body.text("model"))
    if model is None:
        raise refused(404)
    if not body.text("prompt"):
        raise refused(400, "prompt is required", "prompt")
    for name, kind in KINDS.items():
        value = fields.get(name)
        wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        if value is not None and wrong:
            raise refused(400, f"{name} has the wrong type", name)
        if value is not None and name in WORDS and value not in WORDS[name]:
            raise refused(400, f"{name} must be one of {', '.join(WORDS[name])}", name)
    _check_numbers(model, fields)
    order = Order(model, fields)
    _check_pictures(order)
    return order


def _check_numbers(model: TogetherModel, fields: Mapping[str, Any]) -> None:
    count = fields.get("n")
    if count is not None and not 1 <= count <= MOST_IMAGES:
        raise refused(400, f"n must be between 1 and {MOST_IMAGES}", "n")
    if fields.get("steps") is not None and not 1 <= fields["steps"] <= 100:
        raise refused(400, "steps must be between 1 and 100", "steps")
    for name in ("width", "height"):
        edge = fields.get(name)
        if edge is not None and (edge % model.step_px or not model.low_px <= edge <= model.high_px):
            said = f"{name} must be a multiple of {model.step_px} between {model.low_px} and {model.high_px}"
            raise refused(422, said, name)


def _check_pictures(order: Order) -> None:
    field = order.model.image_field
    for name in ("image_url", "reference_images"):
        if order.fields.get(name) and name != field:
            raise refused(400, f"{name} is not supported by {order.model.name}", name)
    if order.model.needs_image and not order.sources:
        raise refused(400, f"{field} is required", field)
