"""What the price of a request at Replicate depends on. Pure."""

from dataclasses import replace

from heliostat.adapters.sdk import Choice, Model, Order
from heliostat.adapters.sdk.orders import usual_order
from heliostat.adapters.sdk.pricing import Tariff
from heliostat.api.image.v1 import request_pb2 as requests

# An edit without a wish for a size has about one megapixel.
_MATCHING = (1024, 1024)


def order_of(request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    order = usual_order(request, size)
    if order.operation != "edit" or request.HasField("size"):
        return order
    width, height = _MATCHING
    return replace(order, width_px=width, height_px=height)


def is_by_second(model: Model) -> bool:
    """True where Replicate charges for the time that a run took, whatever it came to."""
    return isinstance(model.price, Tariff) and any(line.per == "second" for line in model.price.price_lines)
