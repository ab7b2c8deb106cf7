"""One final picture on its way into the store.

Its bytes are read once, out of the message that they came in, and never gathered: store and readers share the slices,
which are let go of once the picture is stored and every reader has passed them.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Self

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.random_bits import RANDOM_BITS

_EXTENSION: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
}

log = get_logger(__name__)


def media_key(media_id: str) -> str:
    """The blob key of a kept picture. Pure."""
    return f"media/{media_id[:2]}/{media_id}"


async def kept_bytes(blobs: Blobs, media_id: str, sha256: bytes) -> AsyncIterator[bytes]:
    """A kept picture, piece by piece, checked against its hash. Raises RESOURCE_GONE where it is lost or damaged."""
    try:
        async for piece in blobs.stream(media_key(media_id), sha256=sha256):
            yield piece
    except MeshError as error:
        if error.reason not in (reasons.ERROR_REASON_RESOURCE_NOT_FOUND, reasons.ERROR_REASON_RESOURCE_GONE):
            raise
        log.error("a kept picture is lost or damaged", media_id=media_id)
        telemetry.OPERATOR_EVENTS.labels("picture_lost").inc()
        raise MeshError(
            reasons.ERROR_REASON_RESOURCE_GONE,
            "The picture was kept, and is lost or damaged where it was; make it anew.",
            media_id=media_id,
        ) from error


def new_media_id(media_type: str) -> str:
    """128 random bits and the extension that tells the type. Raises MEDIA_INVALID for a type that is not kept."""
    extension = _EXTENSION.get(media_type)
    if extension is None:
        raise MeshError(
            reasons.ERROR_REASON_MEDIA_INVALID,
            "The provider delivered a file of a type that is not a picture; ask for png, jpeg, webp, gif or avif.",
        )
    return f"{RANDOM_BITS.hexadecimal(16)}.{extension}"


class Chunk:
    """A slice of a picture, as an event of the contract tells it."""

    __slots__ = ("attempt_id", "data", "image_index", "offset_bytes")

    def __init__(self, attempt_id: str, image_index: int, offset_bytes: int, data: bytes) -> None:
        self.attempt_id = attempt_id
        self.image_index = image_index
        self.offset_bytes = offset_bytes
        self.data = data

    @classmethod
    def of_event(cls, event: event_pb2.ImageEvent) -> Self:
        """The slice that an event carries; its bytes do not keep the event's message alive."""
        chunk = event.media_chunk
        return cls(event.attempt_id, chunk.image_index, chunk.offset_bytes, chunk.data)

    def write(self, event: event_pb2.ImageEvent) -> None:
        """Fills an empty event in place: a message put into another one is copied, bytes and all."""
        event.attempt_id = self.attempt_id
        chunk = event.media_chunk
        chunk.image_index = self.image_index
        chunk.offset_bytes = self.offset_bytes
        chunk.data = self.data


class Picture:
    """One final picture on its way into the store."""

    __slots__ = ("attempt_id", "chunks", "ended", "info", "media_id", "positions", "stored")

    def __init__(self, attempt_id: str, info: media_pb2.MediaInfo) -> None:
        self.attempt_id = attempt_id
        self.info = info
        self.media_id = info.media_id
        self.chunks: list[Chunk] = []
        self.positions: list[int] = []
        self.ended: media_pb2.MediaEnded | None = None
        self.stored = False

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        for chunk in self.chunks:
            yield chunk.data

    @property
    def sha256(self) -> bytes:
        """Its hash; empty before it has ended."""
        return self.ended.sha256 if self.ended is not None else b""

    def end(self, ended: media_pb2.MediaEnded, expire_time_us: int) -> None:
        """Completes what is known of the picture; a missing hash or size is made from the bytes."""
        ended.media_id = self.media_id
        ended.expire_time_seconds = expire_time_us // 1_000_000
        if not ended.sha256:
            hashed = hashlib.sha256()
            for piece in self:
                hashed.update(piece)
            ended.sha256 = hashed.digest()
        if not ended.size_bytes:
            ended.size_bytes = sum(map(len, self))
        self.ended = ended

    def row(self, request_id: str, now_us: int, expire_time_us: int) -> Mapping[str, Any]:
        """The picture's row in the journal, once it has ended."""
        ended = self.ended or media_pb2.MediaEnded()
        return {
            "media_id": self.media_id,
            "request_id": request_id,
            "attempt_id": self.attempt_id,
            "image_index": self.info.image_index,
            "size_bytes": ended.size_bytes,
            "sha256": ended.sha256,
            "create_time_us": now_us,
            "expire_time_us": expire_time_us,
            "purged": 0,
            "started": self.info.SerializeToString(),
            "ended": ended.SerializeToString(),
        }


async def store(blobs: Blobs, picture: Picture) -> None:
    """Stores the picture's bytes; a store that fails is asked twice, one that is known to be down not at all.

    What it did not take is not `stored` afterwards: it has been bought, so it goes to the spool.
    """
    for last in (False, True):
        if not blobs.standing.up:
            return
        try:
            data = picture.chunks[0].data if len(picture.chunks) == 1 else picture
            await blobs.put(media_key(picture.media_id), data)
        except MeshError as error:
            log.warning("a picture could not be stored", last_try=last, **error.metadata)
        else:
            picture.stored = True
            return
