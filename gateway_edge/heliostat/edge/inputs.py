"""Pictures that callers send: recognised by their first bytes, carried inside the request or put into the blobs.

A file's name and declared type are never believed, and never used.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError
from heliostat.chassis.signatures import media_type_of
from heliostat.edge.schemas import invalid

FILE_PREFIX = "file-"
_FILE_ID = re.compile(r"file-[A-Za-z0-9]{1,64}", re.ASCII)
_MAX_URL_CHARS = 8192
# Decoding more than this many characters holds the loop for more than a moment; a thread does it.
_LARGE_TEXT_CHARS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Input:
    """A picture of the caller: its bytes, the address where it is, or the id of a file that was uploaded before.

    `name` is the field that it came in.
    """

    name: str
    data: bytes = b""
    url: str = ""
    file_id: str = ""


async def input_of(name: str, value: Any) -> Input:
    """A picture as a JSON body names it: a data URL, an http(s) address, a file's id, or an object that holds one.

    Raises INVALID_FIELD, INPUT_UNREADABLE.
    """
    if isinstance(value, dict):
        file_id = value.get("file_id")
        if file_id is not None:
            return Input(name, file_id=_checked_id(name, file_id))
        value = value.get("image_url", value.get("url"))
        if isinstance(value, dict):
            value = value.get("url")
    if not isinstance(value, str):
        raise invalid(name, f"{name} must be a data URL, an http(s) address, or an object with image_url or file_id.")
    if value[:5].lower() == "data:":
        return Input(name, data=await _decoded(name, value))
    if value.startswith(FILE_PREFIX):
        return Input(name, file_id=_checked_id(name, value))
    if value[:8].lower().startswith(("http://", "https://")) and len(value) <= _MAX_URL_CHARS and value.isascii():
        return Input(name, url=value)
    raise invalid(name, f"{name} must begin with data:, http:// or https:// and hold ASCII characters only.")


def _checked_id(name: str, file_id: Any) -> str:
    if isinstance(file_id, str) and _FILE_ID.fullmatch(file_id):
        return file_id
    raise invalid(name, f"{name} names no file; send the id that POST /v1/files answered.")


async def _decoded(name: str, url: str) -> bytes:
    head, comma, _ = url[:256].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise invalid(name, f"{name} must be a base64 data URL such as data:image/png;base64,...")
    start = len(head) + 1
    try:
        if len(url) > _LARGE_TEXT_CHARS:
            return await asyncio.to_thread(_decode, url, start)
        return _decode(url, start)
    except ValueError:
        raise _unreadable(name, "holds no sound base64") from None


def _decode(url: str, start: int) -> bytes:
    return pybase64.b64decode(url[start:], validate=True)


async def media_of(inputs: Sequence[Input], blobs: Blobs, inline_bytes: int) -> list[media_pb2.Media]:
    """The pictures as the contract carries them: inside the request up to `inline_bytes` together, else as blobs.

    Raises INPUT_UNREADABLE where one is no picture.
    """
    types = [_checked_type(each) for each in inputs]
    inline = sum(len(each.data) for each in inputs) <= inline_bytes
    return [await _media(each, kind, blobs, inline) for each, kind in zip(inputs, types, strict=True)]


def needs_blobs(inputs: Sequence[Input], inline_bytes: int) -> bool:
    """Whether `media_of` will put pictures into the blobs."""
    return sum(len(each.data) for each in inputs) > inline_bytes


def _checked_type(given: Input) -> str:
    if given.url or given.file_id:
        return ""
    kind = media_type_of(given.data)
    if not kind:
        raise _unreadable(given.name, "is not a PNG, JPEG, WebP, GIF or AVIF file")
    return kind


async def _media(given: Input, kind: str, blobs: Blobs, inline: bool) -> media_pb2.Media:
    if given.url:
        return media_pb2.Media(uri=given.url)
    if given.file_id:
        return media_pb2.Media(file_id=given.file_id)
    if inline:
        return media_pb2.Media(data=given.data, media_type=kind)
    digest = await asyncio.to_thread(hashlib.sha256, given.data)
    blob_id = f"inputs/{digest.hexdigest()}"
    await blobs.put(blob_id, given.data)
    return media_pb2.Media(blob_id=blob_id, media_type=kind, sha256=digest.digest())


def _unreadable(name: str, what: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INPUT_UNREADABLE, f"{name} {what}; send a whole picture file.", field=name)
