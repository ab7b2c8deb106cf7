"""What the price of a request at Recraft depends on. Pure."""

from dataclasses import replace

from heliostat.adapters.sdk import Choice, Order
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests


def order_of(request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. A style that is made of its references is charged once, beside the pictures."""
    return replace(usual_order(request, size), variant={"style": "made"} if request.references else {})
