"""What the price of a request through the router depends on: size, number and steps. Pure."""

from collections.abc import Collection

from heliostat.adapters.sdk import Choice, Order, operation_of
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.option_numbers import whole_option
from heliostat.api.image.v1 import request_pb2 as requests


def order_of(request: requests.ImageRequest, size: Choice, names: Collection[str]) -> Order:
    """The order of a request; `names` are those under which our options may stand. Sizes not in hand are (0, 0)."""
    sizes = input_sizes(request)
    width, height = size.width_px, size.height_px
    if sizes and (not width or not request.HasField("size")):
        width, height = sizes[0]
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        prompt_chars=len(request.prompt),
        input_count=len(sizes),
        input_sizes=sizes,
        steps=whole_option(request, names, "steps"),
        operation=operation_of(request),
    )
