"""What the price of a request at Ideogram depends on, and the word for its quality. Pure."""

from dataclasses import replace

from heliostat.adapters.ideogram.endpoints import Endpoint, Family
from heliostat.adapters.sdk import Choice, Model, Order
from heliostat.adapters.sdk.asked import QUALITY_NAMES
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests

# Without a wish: the quotes of 2026-10-10 for a picture of 1024x1024 are for twice its edges.
_USUAL_FACTOR = 2.0


def factor_of(endpoint: Endpoint, request: requests.ImageRequest, size: tuple[int, int]) -> int:
    """By how much each edge of a picture of `size` px is enlarged: the factor nearest to the wish."""
    upscale, wanted = request.upscale, _USUAL_FACTOR
    if upscale.HasField("size") and size[0]:
        wanted = max(upscale.size.width_px / size[0], upscale.size.height_px / size[1])
    elif upscale.HasField("factor"):
        wanted = upscale.factor
    return min(endpoint.factors, key=lambda one: abs(one - wanted))


def effort_word(family: Family, endpoint: Endpoint, request: requests.ImageRequest) -> str:
    """The word that is sent for the quality; the best that the endpoint knows stands for what is above it."""
    effort = endpoint.effort
    if effort is None:
        return ""
    wanted = QUALITY_NAMES.get(request.output.quality, "")
    if family.speed or not wanted:
        return family.speed or effort.usual
    return effort.words.get(wanted, effort.words["high"])


def order_of(model: Model, request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    family: Family = model.facts
    order = usual_order(request, size)
    if order.operation not in model.operations:
        return order
    endpoint = family.choose(request)
    if order.operation == "upscale":
        (width, height), factor = order.input_sizes[0], factor_of(endpoint, request, order.input_sizes[0])
        return replace(order, width_px=factor * width, height_px=factor * height)
    word = effort_word(family, endpoint, request)
    return replace(order, variant={endpoint.effort.field: word}) if endpoint.effort else order
