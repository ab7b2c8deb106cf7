"""GET /v1/media/{id}: kept pictures behind signed links, straight from the blobs, whole or in ranges.

Whatever does not open a picture (a wrong, foreign or expired link, a picture that is gone) gets the same 404. One that
was damaged where it is kept is not given out: 410, or, where it is too large to be looked at before its answer begins,
an answer that breaks off before its end.
"""

import re
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.blobs import BlobInfo, Blobs
from heliostat.chassis.errors import MeshError
from heliostat.edge.answer import Answer, Picture
from heliostat.edge.desk import Desk
from heliostat.edge.links import told_hash
from heliostat.edge.problems import Refusal
from heliostat.edge.visit import Answering, Reply, StreamedReply, Visit, visit_of

TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
}
# Up to this many bytes are read before the answer begins, so that a fault of the store can still be told.
_WHOLE_BYTES = 4 * 1024 * 1024
_MOST_SOUND = 1024
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


class MediaFiles:
    """Serves kept pictures to whoever has a link."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # Keys and tags of large pictures that were read whole and found sound.
        self._sound: dict[str, str] = {}

    async def media(self, request: Request) -> Answering:
        """The picture, a range of it, or 304. Raises RESOURCE_NOT_FOUND, a Refusal for a range outside of it."""
        media_id: str = request.path_params["id"]
        query = request.scope["query_string"].decode("latin-1")
        if not self._desk.signer.opens(media_id, query, self._desk.clock.time()):
            raise _not_here()
        key = blob_key(media_id)
        info = await self._desk.blobs.head(key)
        if info is None:
            raise _not_here()
        visit = visit_of(request)
        headers = _headers(media_id, query, self._desk.clock.time())
        if _matches(visit.header(b"if-none-match"), headers["etag"]):
            return Reply(304, [], _type(media_id), headers)
        start, end = _wanted(visit, headers["etag"], info.size)
        status = 200
        if (start, end) != (0, info.size):
            status = 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{info.size}"
        if request.method == "HEAD":
            return StreamedReply(status, _nothing(), end - start, _type(media_id), headers)
        sha256 = told_hash(query)
        if info.size <= _WHOLE_BYTES and sha256:
            data = (await self._desk.blobs.get(key, sha256))[start:end]
            return Reply(status, [data], _type(media_id), headers)
        if status == 200:
            pieces = self._desk.blobs.stream(key, start, end, sha256=sha256)
            return StreamedReply(status, pieces, end - start, _type(media_id), headers)
        await self._look_through(key, info, sha256)
        if end - start <= _WHOLE_BYTES:
            return Reply(status, [await self._desk.blobs.get_range(key, start, end)], _type(media_id), headers)
        return StreamedReply(status, self._desk.blobs.stream(key, start, end), end - start, _type(media_id), headers)

    async def _look_through(self, key: str, info: BlobInfo, sha256: bytes) -> None:
        """Reads a large picture whole, once, before a part of it is given out. Raises RESOURCE_GONE."""
        if not sha256 or self._sound.get(key) == info.etag:
            return
        async for _ in self._desk.blobs.stream(key, sha256=sha256):
            pass
        if len(self._sound) >= _MOST_SOUND:
            self._sound.clear()
        self._sound[key] = info.etag


async def fetch_pictures(blobs: Blobs, answer: Answer) -> None:
    """Reads the pictures of an answer where the ledger has kept them. Raises RESOURCE_NOT_FOUND, MESH_UNAVAILABLE."""
    for picture in answer.pictures:
        await fetch_picture(blobs, answer, picture)


async def fetch_picture(blobs: Blobs, answer: Answer, picture: Picture) -> None:
    """Reads one picture of an answer that came without its bytes; raises as `fetch_pictures` does."""
    if picture.media_id and not picture.pieces:
        answer.fill(picture, await blobs.get(blob_key(picture.media_id), picture.sha256))


def blob_key(media_id: str) -> str:
    """Where the ledger keeps the picture."""
    return f"media/{media_id[:2]}/{media_id}"


def _type(media_id: str) -> str:
    return TYPES[media_id.rpartition(".")[2]]


def _headers(media_id: str, query: str, now: float) -> dict[str, str]:
    expires = int(query.removeprefix("exp=").partition("&")[0])
    return {
        # An id is given once and its picture never changes, so the id is as strong a tag as a hash.
        "etag": f'"{media_id}"',
        "accept-ranges": "bytes",
        "cache-control": f"private, max-age={max(0, int(expires - now))}, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": f'inline; filename="{media_id}"',
    }


def _matches(header: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/") in ("*", etag) for tag in header.split(",") if tag.strip())


def _wanted(visit: Visit, etag: str, size: int) -> tuple[int, int]:
    """The bytes to send, the end exclusive. A range that makes no sense is not looked at, as HTTP has it."""
    header = visit.header(b"range")
    condition = visit.header(b"if-range")
    match = _RANGE.fullmatch(header)
    if match is None or match[0] == "bytes=-" or (condition and condition != etag):
        return 0, size
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return 0, size
    if start >= end:
        raise Refusal(
            416,
            "range_not_satisfiable",
            f"The picture has {size} bytes; ask for a range inside of it.",
            content_range=f"bytes */{size}",
        )
    return start, end


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _not_here() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
        "There is no picture behind this link, or the link is over; ask the job for a new one.",
    )
