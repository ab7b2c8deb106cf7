"""/media/{id}: kept pictures, handed through from the ledger, so that no page loads anything from elsewhere.

What a provider delivered is hostile: it is served as one of five kinds of picture or not at all, and what a browser
might still find in it can run nothing. Lists show small copies. They are made anew for each browser, which keeps them:
a picture that is purged is nowhere in this process.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk
from heliostat.console.streams import Stream
from heliostat.console.thumbnails import MEDIA_TYPE, Thumbnails

# The end of a kept picture's id tells what it is.
MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, max-age=3600, immutable",
}
# So many pictures at a time, each of at most so many bytes, are held whole in order to be made small.
_AT_ONCE = 2
_MOST_BYTES = 32 * 1024 * 1024


class Pictures:
    """Streams pictures to pages, and makes small ones for lists."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._thumbnails = Thumbnails()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route("/media/{media_id}", self.picture), Route("/media/{media_id}/small", self.small)]

    async def close(self) -> None:
        """Ends the worker that makes pictures small. May be called again."""
        await self._thumbnails.close()

    async def picture(self, request: Request) -> Response:
        """A kept picture. Raises RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        media_id = request.path_params["media_id"]
        media_type = _media_type(media_id)
        pieces = self._pieces(media_id)
        # What is wrong is known with the first piece, before the answer has begun.
        first = await anext(pieces, b"")
        return Stream(_chain(first, pieces), media_type=media_type, headers=_HEADERS)

    async def small(self, request: Request) -> Response:
        """A kept picture as a small one; leads to the whole one where none is made.

        Raises RESOURCE_NOT_FOUND, RESOURCE_GONE.
        """
        media_id = request.path_params["media_id"]
        _media_type(media_id)
        async with self._turns:
            try:
                small = await self._thumbnails.of(await self._whole(media_id))
            except ValueError:
                return RedirectResponse(f"/media/{media_id}")
        return Response(small, media_type=MEDIA_TYPE, headers=_HEADERS)

    async def _whole(self, media_id: str) -> bytes:
        """All of a picture. Raises ValueError where it is long."""
        whole = bytearray()
        async with aclosing(self._pieces(media_id)) as pieces:
            async for piece in pieces:
                whole += piece
                if len(whole) > _MOST_BYTES:
                    raise ValueError("longer than is made small")
        return bytes(whole)

    async def _pieces(self, media_id: str) -> AsyncGenerator[bytes, None]:
        request = admin_pb2.ReadAnyMediaRequest(media_id=media_id)
        async with self._desk.watch(self._desk.ledger_admin.ReadAnyMedia, request) as messages:
            async for message in messages:
                yield message.chunk.data


def _media_type(media_id: str) -> str:
    """What a picture is, by its id. Raises RESOURCE_NOT_FOUND where it is none."""
    media_type = MEDIA_TYPES.get(media_id.rpartition(".")[2])
    if media_type is None:
        raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no picture of this id.")
    return media_type


async def _chain(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()
