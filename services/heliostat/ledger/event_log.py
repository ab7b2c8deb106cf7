"""The events of one run, in order, and its readers.

A kept picture's chunks are let go of once it is stored and no reader needs them from here: the picture itself then
stands in the place of its first chunk, None in the places of the others. A reader that is far behind reads it from the
store. Previews are let go of once every reader has passed them, and the oldest, passed or not, where more wait than a
slow reader may hold: who comes late does not see them.
"""

from collections.abc import Sequence
from typing import Protocol

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError
from heliostat.ledger.picture import Chunk, Picture

# What may wait here for a slow reader, in bytes: beyond it previews are left out and pictures are read from the store.
MAX_WAITING_BYTES = 4 * 1024 * 1024

Entry = event_pb2.ImageEvent | Chunk


class Reader(Protocol):
    """Somebody who reads a log from its start."""

    position: int
    """Index of the entry that is read next."""

    def news(self) -> None:
        """Entries came, or the log has ended."""


class EventLog:
    """What a run has said so far. `bytes_seen` counts the bytes of all chunks; `sizes` has those of each entry."""

    __slots__ = (
        "blobs",
        "bytes_seen",
        "detached",
        "ended",
        "entries",
        "error",
        "previews",
        "readers",
        "request_id",
        "sizes",
        "stored",
    )

    def __init__(self, request_id: str, blobs: Blobs) -> None:
        self.request_id = request_id
        self.blobs = blobs
        self.entries: list[Entry | Picture | None] = []
        self.sizes: list[int] = []
        self.bytes_seen = 0
        self.ended = False
        self.error: MeshError | None = None
        self.detached = False
        self.readers: list[Reader] = []
        self.stored: list[Picture] = []
        self.previews: list[Sequence[int]] = []
        """Positions of all entries of each whole preview, oldest first."""

    def append(self, entry: Entry, size: int = 0) -> None:
        """Adds an event, or a chunk of `size` bytes."""
        self.entries.append(entry)
        self.sizes.append(size)
        self.bytes_seen += size

    def tell(self) -> None:
        """Lets the readers know that entries came."""
        for reader in self.readers:
            reader.news()
        self.let_go()

    def end(self) -> None:
        """Lets the readers know that nothing more will come."""
        self.ended = True
        self.tell()

    def let_go(self) -> None:
        """Lets go of what no reader needs from here any more."""
        if self.stored:
            self.stored = [picture for picture in self.stored if not self._put_away(picture)]
        if self.previews:
            self._drop_previews()

    def _put_away(self, picture: Picture) -> bool:
        """Puts a stored picture in the place of its chunks, unless a reader is about to read them."""
        first, *others = picture.positions
        for reader in self.readers:
            inside = first < reader.position <= picture.positions[-1]
            if inside or (reader.position <= first and self.waiting_bytes(reader) <= MAX_WAITING_BYTES):
                return False
        self.entries[first], self.sizes[first] = picture, 0
        for position in others:
            self.entries[position], self.sizes[position] = None, 0
        picture.chunks.clear()
        return True

    def waiting_bytes(self, reader: Reader) -> int:
        """Bytes that a reader has still before it."""
        return sum(self.sizes[reader.position :])

    def _drop_previews(self) -> None:
        """Drops previews that all have passed, and the oldest that wait for a slow reader, but none half read."""
        waiting = sum(self.sizes[position] for preview in self.previews for position in preview)
        left = []
        for preview in self.previews:
            size = sum(self.sizes[position] for position in preview)
            begun = any(preview[0] < reader.position <= preview[-1] for reader in self.readers)
            passed = all(reader.position > preview[-1] for reader in self.readers)
            if begun or not (passed or waiting > MAX_WAITING_BYTES):
                left.append(preview)
                continue
            waiting -= size
            for position in preview:
                self.entries[position], self.sizes[position] = None, 0
        self.previews = left
