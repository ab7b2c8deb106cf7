"""What is still to be written of a request that is over: its rows, and the pictures that the store did not take.

As bytes it is a file of the spool, which a later version of the program may have to read:

    "heliostat spool 1\\n" | length of the head, 8 bytes, big-endian | head: JSON | pictures, one after the other |
    SHA-256 of everything before, 32 bytes

In the head `{"base64": …}` stands for bytes.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, BinaryIO

import orjson

from heliostat.ledger.journal import Ending, Row

MAGIC = b"heliostat spool 1\n"
_LENGTH_BYTES, _HASH_BYTES = 8, 32
_MOST_HEAD_BYTES = 64 * 1024 * 1024
_READ_BYTES = 1024 * 1024


class Unreadable(Exception):
    """The bytes are no file of the spool, or not what was written. The text says how, and holds nothing of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture's bytes lie in a file."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Late:
    """One request's end. `opening` is its row as it was first written, `intents` are those of its attempts."""

    opening: Row
    intents: Sequence[Row]
    ending: Ending

    @property
    def request_id(self) -> str:
        """Whose end it is."""
        return self.ending.request_id


@dataclass(frozen=True, slots=True)
class Contents:
    """A file of the spool as it was found sound: what it tells, and where its pictures are, by media id."""

    late: Late
    pictures: Mapping[str, Place]


def pieces(late: Late, pictures: Mapping[str, Sequence[bytes]]) -> Iterator[bytes]:
    """The file, piece by piece; `pictures` are their slices by media id. Pure."""
    sizes = {media_id: sum(map(len, slices)) for media_id, slices in pictures.items()}
    head = orjson.dumps(
        {
            "opening": dict(late.opening),
            "intents": [dict(row) for row in late.intents],
            "ending": {field.name: _plain(getattr(late.ending, field.name)) for field in fields(late.ending)},
            "pictures": [[media_id, size] for media_id, size in sizes.items()],
        },
        default=_plain,
    )
    hashed = hashlib.sha256()
    for piece in _body(head, pictures):
        hashed.update(piece)
        yield piece
    yield hashed.digest()


def _body(head: bytes, pictures: Mapping[str, Sequence[bytes]]) -> Iterator[bytes]:
    yield MAGIC + len(head).to_bytes(_LENGTH_BYTES, "big") + head
    for slices in pictures.values():
        yield from slices


def read(file: BinaryIO) -> Contents:
    """Checks a file from its start and tells what is in it; its pictures stay where they are. Raises Unreadable."""
    hashed = hashlib.sha256()
    start = file.read(len(MAGIC) + _LENGTH_BYTES)
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + _LENGTH_BYTES:
        raise Unreadable("it does not begin as files of this version do")
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if length > _MOST_HEAD_BYTES:
        raise Unreadable("its head would be larger than any is")
    head = file.read(length)
    hashed.update(start)
    hashed.update(head)
    offset = len(start) + len(head)
    tail, body_bytes = b"", 0
    while piece := file.read(_READ_BYTES):
        piece = tail + piece
        hashed.update(piece[:-_HASH_BYTES])
        body_bytes += max(0, len(piece) - _HASH_BYTES)
        tail = piece[-_HASH_BYTES:]
    if hashed.digest() != tail:
        raise Unreadable("its checksum is wrong: it was cut off or changed")
    return _contents(head, offset, body_bytes)


def _contents(head: bytes, offset: int, body_bytes: int) -> Contents:
    try:
        told = _restored(orjson.loads(head))
        late = Late(told["opening"], told["intents"], Ending(**told["ending"]))
        places: dict[str, Place] = {}
        for media_id, size in told["pictures"]:
            places[str(media_id)] = Place(offset, int(size))
            offset, body_bytes = offset + int(size), body_bytes - int(size)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"its head cannot be understood ({type(error).__name__})") from None
    if body_bytes:
        raise Unreadable("its pictures are not as long as it says")
    return Contents(late, places)


def _plain(value: Any) -> Any:
    """What JSON has no word for: bytes, and mappings and sequences of other kinds than its own."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return list(value)


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(each) for each in value]
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"], validate=True)
        return {key: _restored(each) for key, each in value.items()}
    return value
