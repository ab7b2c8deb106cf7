"""What the price of a request at a mapped provider depends on. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from heliostat.adapters.mapped.offers import Offer, Option
from heliostat.adapters.sdk import Choice, Model, Order
from heliostat.adapters.sdk.given_options import given_options, whole_option
from heliostat.adapters.sdk.orders import usual_order
from heliostat.api.image.v1 import request_pb2 as requests

STEPS = "steps"


def order_of(
    model: Model,
    request: requests.ImageRequest,
    size: Choice,
    names: Collection[str],
    options: Mapping[str, Option],
) -> Order:
    """The order of a request; `names` are those under which our options may stand. Sizes not in hand are (0, 0)."""
    offer: Offer = model.facts
    steps = whole_option(request, names, STEPS) or offer.steps
    order = replace(usual_order(request, size), variant=_variant(request, names, options), steps=steps)
    if order.operation == "text_to_image" or request.HasField("size"):
        return order
    width, height = order.input_sizes[0]
    return replace(order, width_px=width, height_px=height)


def _variant(request: requests.ImageRequest, names: Collection[str], options: Mapping[str, Option]) -> dict[str, str]:
    """The options that price lines name, as they are given."""
    given = given_options(request, names)
    return {name: str(given[name]) for name, option in options.items() if option.prices and name in given}
