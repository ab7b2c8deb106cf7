"""The answer that is a picture: for callers who accept pictures and no JSON."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from heliostat.edge.answer import Picture
from heliostat.edge.visit import StreamedReply

_EXTENSIONS: Mapping[str, str] = {"image/jpeg": "jpg"}


def picture_reply(picture: Picture, request_id: str) -> StreamedReply:
    """The picture itself, piece by piece, under a name that tells nothing of what was asked for."""
    pieces, picture.pieces = picture.pieces, []
    media_type = picture.info.media_type
    headers = {
        "x-content-type-options": "nosniff",
        "content-disposition": f'inline; filename="{file_name(request_id, media_type)}"',
    }
    return StreamedReply(200, _drip(pieces[::-1]), sum(map(len, pieces)), media_type, headers)


def file_name(request_id: str, media_type: str) -> str:
    """A name for the picture of a request, such as "req_0a1b.png"; ids of other callers' making lose odd characters."""
    stem = "".join(char for char in request_id[:64] if char.isascii() and (char.isalnum() or char in "_-"))
    kind = media_type.partition("/")[2].partition(";")[0].removesuffix("+xml")
    return f"{stem or 'picture'}.{_EXTENSIONS.get(media_type, kind) or 'bin'}"


async def _drip(pieces: list[bytes]) -> AsyncIterator[bytes]:
    """The pieces from the last one of the list to the first; what was given out is not held here any more."""
    while pieces:
        yield pieces.pop()
        # What is written reaches the connection when the loop turns; only then does it say that it is full.
        await asyncio.sleep(0)
