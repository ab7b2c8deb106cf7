"""Numbers among a request's provider options that prices depend on, read where no options were checked yet. Pure."""

from collections.abc import Collection

from heliostat.api.image.v1 import request_pb2

_MOST = 1_000_000


def whole_option(request: request_pb2.ImageRequest, names: Collection[str], option: str) -> int:
    """The option under the first of `names` (of an adapter's section, of its provider) that has options at all.

    0 where it is absent or no whole number of 1 to a million: for estimates only, the call itself refuses it.
    """
    for name in names:
        if name not in request.provider_options:
            continue
        fields = request.provider_options[name].fields
        value = fields[option].number_value if option in fields else 0.0
        return int(value) if 1 <= value <= _MOST and value.is_integer() else 0
    return 0
