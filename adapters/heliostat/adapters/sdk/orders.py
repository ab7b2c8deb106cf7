"""What every price of a request may depend on. Pure."""

from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.models import operation_of
from heliostat.adapters.sdk.price_lines import Order
from heliostat.adapters.sdk.sizing import Choice
from heliostat.api.image.v1 import request_pb2


def usual_order(request: request_pb2.ImageRequest, size: Choice) -> Order:
    """The order of a request without the words, steps and sizes that only its provider knows.

    Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown.
    """
    given = input_sizes(request)
    return Order(
        width_px=size.width_px,
        height_px=size.height_px,
        image_count=max(1, request.image_count),
        prompt_chars=len(request.prompt),
        input_count=len(given),
        input_sizes=given,
        partial_count=request.output.partial_image_count,
        operation=operation_of(request),
    )
