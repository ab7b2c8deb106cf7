"""What the price of a request at Black Forest Labs depends on. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from heliostat.adapters.sdk import Choice, Model, Order
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests

_RESOLUTIONS = {"1K": "1k", "2K": "2k", "4K": "4k"}


def order_of(model: Model, request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes of pictures that are not in hand (addresses, blobs) are (0, 0): unknown."""
    order = replace(usual_order(request, size), variant=variant_of(model, request))
    if order.operation != "edit" or request.HasField("size"):
        return order
    width, height = order.input_sizes[0]
    return replace(order, width_px=width, height_px=height)


def variant_of(model: Model, request: requests.ImageRequest) -> Mapping[str, str]:
    """The word that FLUX.3 is priced by."""
    if model.name != "flux-3-image":
        return {}
    return {"resolution": _RESOLUTIONS.get(model.sizes.choose(request.size).tier, "1k")}
