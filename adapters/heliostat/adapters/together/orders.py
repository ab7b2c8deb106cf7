"""What the price of a request at Together AI depends on: size, number and steps. Pure."""

from collections.abc import Collection

from heliostat.adapters.sdk import Choice, Order, operation_of
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.api.image.v1 import request_pb2 as requests

_MOST_STEPS = 1000


def order_of(request: requests.ImageRequest, size: Choice, names: Collection[str]) -> Order:
    """The order of a request; `names` are those under which our options may stand. Sizes not in hand are (0, 0)."""
    sizes = input_sizes(request)
    width, height = size.width_px, size.height_px
    if operation_of(request) == "edit" and not request.HasField("size"):
        width, height = sizes[0]
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        prompt_chars=len(request.prompt),
        input_count=len(sizes),
        input_sizes=sizes,
        steps=_steps(request, names),
        operation=operation_of(request),
    )


def _steps(request: requests.ImageRequest, names: Collection[str]) -> int:
    """Steps that the request asks for; 0 where it asks for none, or for what is no number of steps."""
    for name in names:
        if name not in request.provider_options:
            continue
        fields = request.provider_options[name].fields
        steps = fields["steps"].number_value if "steps" in fields else 0.0
        return int(steps) if 1 <= steps <= _MOST_STEPS else 0
    return 0
