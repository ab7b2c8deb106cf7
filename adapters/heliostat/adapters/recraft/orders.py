"""What the price of a request at Recraft depends on. Pure."""

from heliostat.adapters.sdk import Choice, Order, operation_of
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.api.image.v1 import request_pb2 as requests


def order_of(request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. A style that is made of its references is charged once, beside the pictures."""
    sizes = input_sizes(request)
    return Order(
        width_px=size.width_px,
        height_px=size.height_px,
        image_count=max(1, request.image_count),
        variant={"style": "made"} if request.references else {},
        prompt_chars=len(request.prompt),
        input_count=len(sizes),
        input_sizes=sizes,
        operation=operation_of(request),
    )
