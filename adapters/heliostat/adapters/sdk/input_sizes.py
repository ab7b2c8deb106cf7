"""Sizes of a request's pictures, as far as they are in hand. Pure."""

from collections.abc import Iterator

from heliostat.adapters.sdk.models import operation_of
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import media_pb2, request_pb2

Size = tuple[int, int]
_UNKNOWN: Size = (0, 0)


def input_sizes(request: request_pb2.ImageRequest) -> list[Size]:
    """(width, height) in px of the pictures, the one to work on first; (0, 0) for addresses and blobs.

    Masks are not counted.
    """
    return [_size_of(media) for media in _media(request)]


def _media(request: request_pb2.ImageRequest) -> Iterator[media_pb2.Media]:
    operation = operation_of(request)
    if operation != "text_to_image":
        yield getattr(request, operation).image
    for reference in request.references:
        yield reference.image


def _size_of(media: media_pb2.Media) -> Size:
    if not media.data:
        return _UNKNOWN
    try:
        shape = read_shape(media.data)
    except ValueError:
        return _UNKNOWN
    return shape.width_px, shape.height_px
