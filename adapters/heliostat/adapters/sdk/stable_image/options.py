"""Options of an endpoint: which of those that were given it takes. Pure."""

from typing import Any

from heliostat.adapters.sdk.contract import Options
from heliostat.adapters.sdk.stable_image.endpoints import Endpoint
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


def option_fields(options: Options, provider: str, model: str, endpoint: Endpoint) -> dict[str, Any]:
    """The options as fields of an endpoint. Raises INVALID_FIELD for a foreign or a missing one."""
    given = options.given(provider, model, endpoint.options)
    if endpoint.needs and endpoint.needs not in given:
        where = f"provider_options.{provider}.{endpoint.needs}"
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{model} needs {where}; send it.", field=where)
    return given
