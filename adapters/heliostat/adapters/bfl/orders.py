"""What the price of a request at Black Forest Labs depends on. Pure."""

from collections.abc import Mapping

from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.api.image.v1 import request_pb2 as requests

_RESOLUTIONS = {"1K": "1k", "2K": "2k", "4K": "4k"}


def order_of(model: Model, request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    operation = operation_of(request)
    sizes = input_sizes(request)
    width, height = size.width_px, size.height_px
    if operation == "edit" and not request.HasField("size"):
        width, height = sizes[0]
    return Order(
        width_px=width,
        height_px=height,
        prompt_chars=len(request.prompt),
        variant=variant_of(model, request),
        input_count=len(sizes),
        input_sizes=sizes,
        operation=operation,
    )


def variant_of(model: Model, request: requests.ImageRequest) -> Mapping[str, str]:
    """The word that FLUX.3 is priced by."""
    if model.name != "flux-3-image":
        return {}
    return {"resolution": _RESOLUTIONS.get(model.sizes.choose(request.size).tier, "1k")}
