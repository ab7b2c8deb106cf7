"""What the price of a request at fal depends on. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from heliostat.adapters.fal.body import QUALITIES, SPEEDS
from heliostat.adapters.fal.endpoints import Endpoint, SizeField
from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.enlarging import factor_of
from heliostat.adapters.sdk.input_sizes import Size
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests

# Of every upscaler, without a wish.
_USUAL_FACTOR = 2.0


def order_of(model: Model, request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes that hang on pictures not in hand (addresses, blobs) are 0: unknown."""
    order = usual_order(request, size)
    width, height = _expected(model, request, size, order.input_sizes)
    return replace(order, width_px=width, height_px=height, variant=variant_of(model, request))


def variant_of(model: Model, request: requests.ImageRequest) -> Mapping[str, str]:
    """The words of the order: tier, speed, quality."""
    quality = request.output.quality
    variant = {
        "resolution": model.sizes_of(operation_of(request)).choose(request.size).tier,
        "rendering_speed": SPEEDS.get(quality, "QUALITY") if quality else "",
        "quality": QUALITIES.get(quality, "high"),
    }
    return {name: word for name, word in variant.items() if word}


def _expected(model: Model, request: requests.ImageRequest, size: Choice, given: Sequence[Size]) -> Size:
    """Size of the result in px."""
    operation = operation_of(request)
    endpoint: Endpoint = model.facts.choose(request)
    if operation == "text_to_image":
        return size.width_px, size.height_px
    if endpoint.size is not SizeField.NONE and request.HasField("size"):
        return size.width_px, size.height_px
    width, height = given[0]
    if operation == "upscale" and width:
        factor = factor_of(request.upscale, (width, height), endpoint.factors) or _USUAL_FACTOR
        return round(width * factor), round(height * factor)
    return width, height
