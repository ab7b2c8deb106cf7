"""ImageRequest -> the form of one endpoint of Stability AI.

Source: the v2beta OpenAPI document (2026), read 2026-11-22. Pictures travel as files, JPEG, PNG or WebP.
"""

import json

from heliostat.adapters.sdk import Call, Part, text_part
from heliostat.adapters.sdk.stable_image import JPEG, PNG, WEBP, Endpoint, Pictures, make_fields
from heliostat.adapters.stability.options import StabilityOptions

_ENDINGS = {JPEG: "jpg", PNG: "png", WEBP: "webp"}


def make_parts(endpoint: Endpoint, call: Call, options: StabilityOptions, pictures: Pictures) -> list[Part]:
    """The form of one request. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    fields = make_fields(endpoint, call, options.fields(call.model.name, endpoint))
    parts = [text_part(name, _text(value)) for name, value in fields.items()]
    for name, one in pictures.files.items():
        parts.append(Part(name, one.data, f"{name}.{_ENDINGS[one.media_type]}", one.media_type))
    if pictures.mask is not None:
        parts.append(Part("mask", pictures.mask, "mask.png", PNG))
    return parts


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
