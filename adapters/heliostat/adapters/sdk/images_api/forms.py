"""Pictures that go with a request, as parts of a form."""

import json
from collections.abc import Sequence

from heliostat.adapters.sdk.images_api.fields import Fields
from heliostat.adapters.sdk.inputs import Input
from heliostat.adapters.sdk.multipart import Part, text_part


def make_parts(fields: Fields, inputs: Sequence[Input], mask: bytes | None) -> list[Part]:
    """A form in the order that old servers insist on: words first, then pictures, then the mask. Pure."""
    parts = [text_part(name, _text(value)) for name, value in fields.items()]
    name = "image" if len(inputs) == 1 else "image[]"
    for index, one in enumerate(inputs):
        ending = one.media_type.removeprefix("image/")
        parts.append(Part(name, one.data, f"image{index}.{ending}", one.media_type))
    if mask is not None:
        parts.append(Part("mask", mask, "mask.png", "image/png"))
    return parts


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
