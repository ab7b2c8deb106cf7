"""What the price of a request at Together AI depends on: size, number and steps. Pure."""

from collections.abc import Collection
from dataclasses import replace

from heliostat.adapters.sdk import Choice, Order
from heliostat.adapters.sdk.given_options import whole_option
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests


def order_of(request: requests.ImageRequest, size: Choice, names: Collection[str]) -> Order:
    """The order of a request; `names` are those under which our options may stand. Sizes not in hand are (0, 0)."""
    order = replace(usual_order(request, size), steps=whole_option(request, names, "steps"))
    if order.operation != "edit" or request.HasField("size"):
        return order
    width, height = order.input_sizes[0]
    return replace(order, width_px=width, height_px=height)
