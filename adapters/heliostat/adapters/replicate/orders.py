"""What the price of a request at Replicate depends on. Pure."""

from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.pricing import Tariff
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests

Size = tuple[int, int]
# An edit without a wish for a size has about one megapixel.
_MATCHING = (1024, 1024)


def order_of(request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    operation = operation_of(request)
    width, height = size.width_px, size.height_px
    if operation == "edit" and not request.HasField("size"):
        width, height = _MATCHING
    given = [one.image for one in request.references]
    if operation != "text_to_image":
        given.insert(0, getattr(request, operation).image)
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        prompt_chars=len(request.prompt),
        input_count=len(given),
        input_sizes=[_size_of(one) for one in given],
        operation=operation,
    )


def is_by_second(model: Model) -> bool:
    """True where Replicate charges for the time that a run took, whatever it came to."""
    return isinstance(model.price, Tariff) and any(line.per == "second" for line in model.price.price_lines)


def _size_of(media: medias.Media) -> Size:
    try:
        shape = read_shape(media.data)
    except ValueError:
        return 0, 0
    return shape.width_px, shape.height_px
