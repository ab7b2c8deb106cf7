"""Options of an endpoint: which of those that were given it takes. Pure."""

from typing import Any

from heliostat.adapters.sdk.contract import Options
from heliostat.adapters.sdk.stable_image.endpoints import Endpoint
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


def option_fields(options: Options, provider: str, model: str, endpoint: Endpoint) -> dict[str, Any]:
    """The options as fields of an endpoint. Raises INVALID_FIELD for a foreign or a missing one."""
    given = options.model_dump(exclude_none=True)
    foreign = sorted(given.keys() - endpoint.options)
    if foreign:
        known = ", ".join(sorted(endpoint.options)) or "none"
        named = f"provider_options.{provider}.{foreign[0]}"
        raise _wrong(named, f"{model} does not take {named}; it takes: {known}.")
    if endpoint.needs and endpoint.needs not in given:
        named = f"provider_options.{provider}.{endpoint.needs}"
        raise _wrong(named, f"{model} needs {named}; send it.")
    return given


def _wrong(option: str, message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=option)
