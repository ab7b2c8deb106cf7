"""One file of a prediction's result as a picture: from its address, or out of a data URL."""

from heliostat.adapters.replicate.schemas import Schema
from heliostat.adapters.sdk import Call, Picture, image
from heliostat.adapters.sdk.links import Links
from heliostat.adapters.sdk.media import decode_base64
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons


async def picture_of(schema: Schema, call: Call, links: Links, url: str, index: int) -> Picture:
    """The picture behind `url`. Raises what a download raises, and MEDIA_INVALID for a broken data URL."""
    role = medias.MEDIA_ROLE_MASK if schema.masks else medias.MEDIA_ROLE_IMAGE
    # Replicate does not say which seed it took; the one that was asked for is kept where the model takes one.
    seed = call.request.seed if call.request.HasField("seed") and "seed" in schema.takes else None
    if not url.startswith("data:"):
        return await links.fetch(url, index, seed=seed, role=role)
    try:
        return image(decode_base64(url.encode()), index, seed=seed, role=role)
    except ValueError:
        message = "Replicate's result holds a picture that cannot be decoded; ask again later or elsewhere."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None
