"""/media/{id}: kept pictures, handed through from the ledger, so that no page loads anything from elsewhere.

What a provider delivered is hostile: it is served as one of five kinds of picture or not at all, and what a browser
might still find in it can run nothing.
"""

from collections.abc import AsyncGenerator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk
from heliostat.console.streams import Stream

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


class Pictures:
    """Streams pictures to pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route("/media/{media_id}", self.picture)]

    async def picture(self, request: Request) -> Response:
        """A kept picture. Raises RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        media_id = request.path_params["media_id"]
        media_type = MEDIA_TYPES.get(media_id.rpartition(".")[2])
        if media_type is None:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no picture of this id.")
        pieces = self._pieces(media_id)
        # What is wrong is known with the first piece, before the answer has begun.
        first = await anext(pieces, b"")
        return Stream(_chain(first, pieces), media_type=media_type, headers=_HEADERS)

    async def _pieces(self, media_id: str) -> AsyncGenerator[bytes, None]:
        request = admin_pb2.ReadAnyMediaRequest(media_id=media_id)
        async with self._desk.watch(self._desk.ledger_admin.ReadAnyMedia, request) as messages:
            async for message in messages:
                yield message.chunk.data


async def _chain(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()
