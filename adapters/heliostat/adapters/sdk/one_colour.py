"""Pictures of one colour all over: what some providers deliver in the place of what they held back. Pure.

Such a file is tiny in every format: 1024 x 1024 px take 0.1 KB (lossless WebP) to 29 KB (JPEG of the best quality),
measured with Pillow 12. Only what is as small has to be decoded to tell; photographs are three to ten times larger.
"""

from typing import TYPE_CHECKING, cast

from heliostat.adapters.sdk.picture_metadata import metadata_bytes
from heliostat.adapters.sdk.structure import Shape

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 20_000_000
"""Larger pictures are not looked at: decoding one takes half a second and more."""
_PIXELS_PER_BYTE = 32
_HEAD_BYTES = 4096
_MOST_METADATA_BYTES = 512 * 1024
_NOISE = 6  # levels of 256: lossy WebP of quality 80 adds as many to some colours, JPEG and AVIF none


def may_have_one_colour(data: bytes, shape: Shape) -> bool:
    """Whether the file is small enough for that, without its metadata."""
    pixels = shape.width_px * shape.height_px
    most = pixels // _PIXELS_PER_BYTE + _HEAD_BYTES
    if pixels > MOST_PIXELS or len(data) > most + _MOST_METADATA_BYTES:
        return False
    return len(data) - metadata_bytes(data) <= most


def has_one_colour(picture: "Image.Image") -> bool:
    """Whether a decoded picture shows one colour only, give or take what encoders add, or nothing that can be seen."""
    if picture.mode not in {"RGB", "RGBA", "L", "LA"}:
        picture = picture.convert("RGBA")
    bands = [cast(tuple[int, int], band.getextrema()) for band in picture.split()]
    if picture.mode in {"RGBA", "LA"} and bands[-1][1] == 0:
        return True
    return all(high - low <= _NOISE for low, high in bands)
