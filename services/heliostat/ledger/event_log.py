"""The events of one run, in order, and its readers.

A kept picture's chunks are let go of once it is stored and every reader has passed them: the picture itself then stands
in the place of its first chunk, None in the places of the others.
"""

from typing import Protocol

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError
from heliostat.ledger.picture import Chunk, Picture

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

    def append(self, entry: Entry, size: int = 0) -> None:
        """Adds an event, or a chunk of `size` bytes."""
        self.entries.append(entry)
        self.sizes.append(size)
        self.bytes_seen += size

    def tell(self) -> None:
        """Lets the readers know that entries came."""
        for reader in self.readers:
            reader.news()

    def end(self) -> None:
        """Lets the readers know that nothing more will come."""
        self.ended = True
        self.tell()
        self.let_go()

    def let_go(self) -> None:
        """Lets go of the chunks of stored pictures that every reader has passed."""
        if not self.stored:
            return
        passed = min((each.position for each in self.readers), default=len(self.entries))
        left = []
        for picture in self.stored:
            if picture.positions[-1] >= passed:
                left.append(picture)
                continue
            first, *others = picture.positions
            self.entries[first], self.sizes[first] = picture, 0
            for position in others:
                self.entries[position], self.sizes[position] = None, 0
            picture.chunks.clear()
        self.stored = left
