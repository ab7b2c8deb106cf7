"""What the price of a request at Replicate depends on. Pure."""

from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.pricing import Tariff
from heliostat.api.image.v1 import request_pb2 as requests

# An edit without a wish for a size has about one megapixel.
_MATCHING = (1024, 1024)


def order_of(request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    operation = operation_of(request)
    width, height = size.width_px, size.height_px
    if operation == "edit" and not request.HasField("size"):
        width, height = _MATCHING
    given = input_sizes(request)
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        prompt_chars=len(request.prompt),
        input_count=len(given),
        input_sizes=given,
        operation=operation,
    )


def is_by_second(model: Model) -> bool:
    """True where Replicate charges for the time that a run took, whatever it came to."""
    return isinstance(model.price, Tariff) and any(line.per == "second" for line in model.price.price_lines)
