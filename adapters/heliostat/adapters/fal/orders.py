"""What the price of a request at fal depends on. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from heliostat.adapters.fal.billing import INPUT_MEGAPIXELS, megapixels
from heliostat.adapters.fal.body import QUALITIES, SPEEDS, scale_of
from heliostat.adapters.fal.endpoints import Endpoint, SizeField
from heliostat.adapters.sdk import Choice, Model, Order, operation_of
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests

Size = tuple[int, int]
_UNKNOWN: Size = (0, 0)


def order_of(model: Model, request: requests.ImageRequest, size: Choice) -> Order:
    """The order of a request. Sizes that hang on pictures not in hand (addresses, blobs) are 0: unknown."""
    given = given_sizes(request)
    width, height = _expected(model, request, size, given)
    return Order(
        width_px=width,
        height_px=height,
        image_count=max(1, request.image_count),
        variant=variant_of(model, request, given),
        prompt_chars=len(request.prompt),
        input_count=len(given),
    )


def variant_of(model: Model, request: requests.ImageRequest, given: Sequence[Size]) -> Mapping[str, str]:
    """The words of the order: tier, speed, quality, and the megapixels of the `given` pictures (unknown: one each)."""
    quality = request.output.quality
    variant = {
        "resolution": model.sizes_of(operation_of(request)).choose(request.size).tier,
        "rendering_speed": SPEEDS.get(quality, "QUALITY") if quality else "",
        "quality": QUALITIES.get(quality, "high"),
        INPUT_MEGAPIXELS: str(sum(megapixels(*size) for size in given)),
    }
    return {name: word for name, word in variant.items() if word}


def given_sizes(request: requests.ImageRequest) -> list[Size]:
    """Sizes in px of the request's pictures, the one to work on first; (0, 0) for those that are not in hand."""
    return [_size_of(media) for media in _media(request)]


def _media(request: requests.ImageRequest) -> Iterator[medias.Media]:
    operation = operation_of(request)
    if operation != "text_to_image":
        yield getattr(request, operation).image
    for reference in request.references:
        yield reference.image


def _size_of(media: medias.Media) -> Size:
    try:
        shape = read_shape(media.data)
    except ValueError:
        return _UNKNOWN
    return shape.width_px, shape.height_px


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
        scale = scale_of(endpoint, request, (width, height)) or 2.0
        return round(width * scale), round(height * scale)
    return width, height
