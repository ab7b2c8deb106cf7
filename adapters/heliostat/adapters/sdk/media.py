"""Pictures as bytes: base64 out of JSON without parsing it, and pictures as events of the contract."""

import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
import pybase64

from heliostat.adapters.sdk.finishing import Finished
from heliostat.adapters.sdk.outbox import Outbox
from heliostat.api.image.v1 import media_pb2

CHUNK_BYTES = 786_432
"""A multiple of 3, so that base64 texts of chunks concatenate."""

_LONG_TEXT_BYTES = 1024
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class JsonPictures:
    """A JSON body whose long base64 texts were cut out: `rest` has the index into `encoded` in their place, as text.

    `encoded` are views of the body: a copy of 2 MB for each picture would be memory that the body has already taken.
    """

    rest: dict[str, Any]
    encoded: tuple[memoryview, ...]

    def picture(self, place: object) -> bytes:
        """The decoded picture behind what stands in `rest`: a placeholder, or a short base64 text.

        Raises ValueError for what is not base64.
        """
        if isinstance(place, str) and place.startswith("\x00"):
            return decode_base64(self._cut_out(place[1:]))
        if isinstance(place, str) and place:
            return decode_base64(place.encode())
        raise ValueError("no base64 text")

    def _cut_out(self, index: str) -> memoryview:
        """The text of a placeholder; a provider may write what looks like one."""
        if not index.isdecimal() or int(index) >= len(self.encoded):
            raise ValueError("no base64 text")
        return self.encoded[int(index)]


def read_json_pictures(body: bytes, key: str = "b64_json") -> JsonPictures:
    """Splits a JSON object into its small part and the base64 texts under `key`, by scanning for the key: a text, or a
    list of texts.

    2 MB are scanned in a fraction of a millisecond; only the small part is parsed. Raises ValueError for a body that
    is no JSON object.
    """
    marker = b'"' + key.encode() + b'"'
    pieces: list[bytes] = []
    encoded: list[memoryview] = []
    view = memoryview(body)
    copied = position = 0
    while True:
        position = body.find(marker, position)
        if position < 0:
            break
        position += len(marker)
        start, listed = _text_start(body, position)
        while start >= 0:
            stop = body.find(b'"', start)
            if stop - start >= _LONG_TEXT_BYTES:
                pieces += [body[copied:start], f"\\u0000{len(encoded)}".encode()]
                encoded.append(view[start:stop])
                copied = position = stop
            start = _next_start(body, stop + 1) if listed and stop >= 0 else -1
    pieces.append(body[copied:])
    small = b"".join(pieces)
    try:
        rest = orjson.loads(small)
    except orjson.JSONDecodeError:
        raise ValueError("no JSON") from None
    if not isinstance(rest, dict):
        raise ValueError("no JSON object")
    return JsonPictures(rest, tuple(encoded))


def _text_start(body: bytes, position: int) -> tuple[int, bool]:
    """Where the text after `key` begins, past colon, blanks and opening quote, -1 where no text follows; and whether it
    is the first one of a list."""
    position = _past_blanks(body, position)
    if body[position : position + 1] != b":":
        return -1, False
    position = _past_blanks(body, position + 1)
    listed = body[position : position + 1] == b"["
    position = _past_blanks(body, position + 1) if listed else position
    return (position + 1 if body[position : position + 1] == b'"' else -1), listed


def _next_start(body: bytes, position: int) -> int:
    """Where the next text of a list begins, behind the end of one; -1 where none follows."""
    position = _past_blanks(body, position)
    if body[position : position + 1] != b",":
        return -1
    position = _past_blanks(body, position + 1)
    return position + 1 if body[position : position + 1] == b'"' else -1


def _past_blanks(body: bytes, position: int) -> int:
    while position < len(body) and body[position] in _BLANKS:
        position += 1
    return position


def decode_base64(text: bytes | memoryview) -> bytes:
    """The bytes behind a base64 text, as providers write it: also with newlines, url-safe, as a data URI, unpadded.

    Raises ValueError for anything else, a cut text included.
    """
    try:
        data = pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = _decode_odd(bytes(text))
    if not data:
        raise ValueError("not base64")
    return data


def _decode_odd(text: bytes) -> bytes:
    if text[:5].lower() == b"data:":
        text = text.partition(b",")[2]
    # JSON writes a newline as \n and may write a slash as \/.
    text = text.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\/", b"/").replace(b"\\u002b", b"+")
    text = text.translate(_URL_SAFE, b" \t\r\n").rstrip(b"=")
    if len(text) % 4 == 1:
        raise ValueError("not base64")
    try:
        return pybase64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


def write_picture(outbox: Outbox, made: Finished) -> None:
    """media_started, media_chunk*, media_ended of one picture; without bytes, started (with its uri) and ended only."""
    picture, shape = made.picture, made.shape
    data, index = picture.data, picture.index
    info = outbox.add().media_started
    info.image_index = index
    info.media_type = shape.media_type if shape else picture.media_type
    info.width_px = shape.width_px if shape else picture.width_px
    info.height_px = shape.height_px if shape else picture.height_px
    info.size_bytes = len(data)
    info.role = picture.role
    info.uri = picture.uri
    info.label = picture.label
    info.provenance = made.provenance
    if made.one_colour:
        info.warnings.append(media_pb2.MEDIA_WARNING_ONE_COLOUR)
    if picture.partial_index is not None:
        info.partial = True
        info.partial_index = picture.partial_index
    for offset in range(0, len(data), CHUNK_BYTES):
        piece = data if len(data) <= CHUNK_BYTES else data[offset : offset + CHUNK_BYTES]
        chunk = outbox.add(len(piece)).media_chunk
        chunk.image_index = index
        chunk.offset_bytes = offset
        chunk.data = piece
    ended = outbox.add().media_ended
    ended.image_index = index
    ended.size_bytes = len(data)
    ended.revised_prompt = picture.revised_prompt
    if data:
        ended.sha256 = hashlib.sha256(data).digest()
    if picture.seed is not None:
        ended.seed = picture.seed
