"""Addresses that belong to the API and are not served yet: 501, so that nobody takes them for a wrong address."""

from collections.abc import Mapping

from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.edge.visit import Reply

# Path below the base -> methods.
NOT_BUILT: Mapping[str, tuple[str, ...]] = {
    "/files": ("GET", "POST"),
    "/files/{id}": ("GET", "DELETE"),
}


async def not_built(request: Request) -> Reply:
    """Raises NOT_IMPLEMENTED."""
    raise MeshError(
        reasons.ERROR_REASON_NOT_IMPLEMENTED,
        "This operation comes with a later version; images/generations and images/edits are served now.",
    )
