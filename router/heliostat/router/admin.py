"""RouterAdminService: thin. What changes targets comes with version 0.2 and says so."""

from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.errors import MeshError
from heliostat.router.explain import Explainer
from heliostat.router.listing import Listing


class RouterAdminServicer(admin_pb2_grpc.RouterAdminServiceServicer):
    """Shows operators the targets and why a request would go where."""

    def __init__(self, explainer: Explainer, listing: Listing) -> None:
        self._explainer = explainer
        self._listing = listing

    async def ListTargets(self, request: admin_pb2.ListTargetsRequest, context: Any) -> admin_pb2.ListTargetsResponse:
        """Every target with its state."""
        return admin_pb2.ListTargetsResponse(targets=self._listing.targets(request.route))

    async def ExplainRequest(
        self, request: admin_pb2.ExplainRequestRequest, context: Any
    ) -> admin_pb2.ExplainRequestResponse:
        """Why each target would be eligible or not. Raises NOT_IMPLEMENTED for a request of the past."""
        if request.request_id:
            raise _later("Explaining a request of the past")
        explained = await self._explainer.explain(request.image)
        return admin_pb2.ExplainRequestResponse(targets=explained.targets, decision=explained.decision)

    async def UpdateTarget(
        self, request: admin_pb2.UpdateTargetRequest, context: Any
    ) -> admin_pb2.UpdateTargetResponse:
        """Raises NOT_IMPLEMENTED."""
        raise _later("Changing a target while the router runs")

    async def ResetTarget(self, request: admin_pb2.ResetTargetRequest, context: Any) -> admin_pb2.ResetTargetResponse:
        """Raises NOT_IMPLEMENTED."""
        raise _later("Resetting a target")

    async def WatchTargets(
        self, request: admin_pb2.WatchTargetsRequest, context: Any
    ) -> AsyncIterator[admin_pb2.WatchTargetsResponse]:
        """Raises NOT_IMPLEMENTED."""
        raise _later("Watching targets")
        yield admin_pb2.WatchTargetsResponse()


def _later(what: str) -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_NOT_IMPLEMENTED, f"{what} comes with version 0.2; until then change the configuration."
    )
