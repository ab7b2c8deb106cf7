"""What the price of a request at a mapped provider depends on. Pure."""

from collections.abc import Collection, Mapping

from heliostat.adapters.mapped.offers import Offer, Option
from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.extra_fields import plain
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.option_numbers import whole_option
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
    operation, sizes = operation_of(request), input_sizes(request)
    width, height = size.width_px, size.height_px
    if operation != "text_to_image" and not request.HasField("size") and sizes:
        width, height = sizes[0]
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        variant=_variant(request, names, options),
        prompt_chars=len(request.prompt),
        input_count=len(sizes),
        input_sizes=sizes,
        steps=whole_option(request, names, STEPS) or offer.steps,
        operation=operation,
    )


def _variant(request: requests.ImageRequest, names: Collection[str], options: Mapping[str, Option]) -> dict[str, str]:
    """The options that price lines name, as they are given."""
    given = next((plain(request.provider_options[name]) for name in names if name in request.provider_options), {})
    return {name: str(given[name]) for name, option in options.items() if option.prices and name in given}
