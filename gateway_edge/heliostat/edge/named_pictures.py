"""Pictures as a JSON body names them, told as JSON Schema. Pure."""

from collections.abc import Iterable
from typing import Any

_ADDRESS = r"^(data:[^,]{0,200};base64,|https?://)"
_PLACE: dict[str, Any] = {
    "description": "A data URL, a public address, or the id of a file of POST /v1/files.",
    "anyOf": [
        {"type": "string", "pattern": _ADDRESS},
        {
            "type": "object",
            "properties": {"image_url": {"type": "string", "pattern": _ADDRESS}},
            "required": ["image_url"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"file_id": {"type": "string", "pattern": "^file-[A-Za-z0-9]{1,64}$"}},
            "required": ["file_id"],
            "additionalProperties": False,
        },
    ],
}


def named_pictures(most: int, beside: Iterable[str]) -> dict[str, Any]:
    """The properties that hold pictures: `images` with up to `most`, and those named in `beside` with one each."""
    return {
        "images": {"type": "array", "items": _PLACE, "minItems": 1, "maxItems": most},
        **dict.fromkeys(beside, _PLACE),
    }
