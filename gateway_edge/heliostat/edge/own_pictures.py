"""A caller's picture that is named by a link of ours: it is read where it is kept, and never fetched over the network.

The link's signature is all that is asked for, as by whoever opens it; its host is not looked at.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from heliostat.edge.desk import Desk
from heliostat.edge.inputs import Input
from heliostat.edge.links import told_hash
from heliostat.edge.media_files import blob_key
from heliostat.edge.schemas import invalid

_PATH = "/v1/media/"


async def with_own_pictures(desk: Desk, inputs: Sequence[Input]) -> list[Input]:
    """The inputs, those with a link of ours that still opens by their bytes.

    Raises INVALID_FIELD where they are together larger than a body may be, RESOURCE_NOT_FOUND where one is gone.
    """
    left = desk.settings.max_body_bytes
    found: list[Input] = []
    for given in inputs:
        named = _named(desk, given.url)
        if named is None:
            found.append(given)
            continue
        media_id, query = named
        info = await desk.blobs.head(blob_key(media_id))
        left -= info.size if info is not None else 0
        if left < 0:
            raise invalid(given.name, f"{given.name} and the pictures before it are too large together; send fewer.")
        data = await desk.blobs.get(blob_key(media_id), told_hash(query))
        found.append(replace(given, data=data, url=""))
    return found


def _named(desk: Desk, url: str) -> tuple[str, str] | None:
    """The picture's id and the query of a link of ours that opens it now."""
    if _PATH not in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    before, _, media_id = parts.path.rpartition(_PATH)
    below = urlsplit(desk.settings.public_url).path.rstrip("/")
    if before != below or not desk.signer.opens(media_id, parts.query, desk.clock.time()):
        return None
    return media_id, parts.query
