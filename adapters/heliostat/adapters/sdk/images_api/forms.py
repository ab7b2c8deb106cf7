"""Pictures that go with a request, as parts of a form."""

import json
from collections.abc import Sequence

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.images_api.fields import Fields
from heliostat.adapters.sdk.inputs import Input
from heliostat.adapters.sdk.models import operation_of
from heliostat.adapters.sdk.multipart import Part, text_part


async def read_inputs(call: Call) -> list[Input]:
    """The picture to work on first, then the references; empty for a request of words alone."""
    request = call.request
    operation = operation_of(request)
    inputs = [await call.input(getattr(request, operation).image)] if operation in {"edit", "variation"} else []
    for reference in request.references:
        inputs.append(await call.input(reference.image, "references"))
    return inputs


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
