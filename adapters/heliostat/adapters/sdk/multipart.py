"""multipart/form-data bodies, built whole: parts are pictures that rest in memory anyway. Pure but for the boundary."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Part:
    """One part: a text field, or a file where `filename` is set. `name` and `filename` are ours, never a caller's."""

    name: str
    data: bytes
    filename: str = ""
    media_type: str = ""


def text_part(name: str, value: str | int | float) -> Part:
    """A text field."""
    return Part(name, str(value).encode())


def field_part(name: str, value: Any) -> Part:
    """A field: a text or a number as it is, anything else as JSON."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return Part(name, orjson.dumps(value))
    return text_part(name, value)


def encode_multipart(parts: Sequence[Part]) -> tuple[str, bytes]:
    """(content type, body) per RFC 7578."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for part in parts:
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="{part.name}"'
        if part.filename:
            head += f'; filename="{part.filename}"'
        if part.media_type:
            head += f"\r\ncontent-type: {part.media_type}"
        pieces += [head.encode(), b"\r\n\r\n", part.data, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)
