"""Options that a price depends on, read where nobody has checked them yet: an estimate comes before the call. Pure."""

from collections.abc import Collection
from typing import Any

from pydantic import TypeAdapter, ValidationError

from heliostat.adapters.sdk.extra_fields import plain
from heliostat.api.image.v1 import request_pb2

_MOST = 1_000_000
# As the options themselves are read: a form's "8" and "true" are a number and a yes.
_WHOLE, _YES = TypeAdapter(int), TypeAdapter(bool)


def given_options(request: request_pb2.ImageRequest, names: Collection[str]) -> dict[str, Any]:
    """The options of a request as its call will read them: those under the first of `names` (of an adapter's section,
    of its provider) that has any, then fields of the body that nobody else knows."""
    own = next((request.provider_options[name] for name in names if name in request.provider_options), None)
    return plain(request.extra_fields) | (plain(own) if own is not None else {})


def whole_option(request: request_pb2.ImageRequest, names: Collection[str], option: str) -> int:
    """One of `given_options`, 0 where it is absent or no whole number of 1 to a million: the call itself refuses it."""
    number: int | None = _read(_WHOLE, given_options(request, names).get(option))
    return number if number is not None and 1 <= number <= _MOST else 0


def yes_option(request: request_pb2.ImageRequest, names: Collection[str], option: str) -> bool:
    """Whether one of `given_options` says yes."""
    return bool(_read(_YES, given_options(request, names).get(option)))


def _read(kind: TypeAdapter[Any], value: Any) -> Any:
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None
