"""What targets would charge for a request, as their adapters estimate it. No provider is called."""

import asyncio
from collections.abc import Sequence

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.router.peers import Peers
from heliostat.router.table import Target

log = get_logger("heliostat.router.appraisal")

_TIMEOUT_S = 5.0


class Appraiser:
    """Asks adapters for estimates."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def appraise(
        self, targets: Sequence[Target], image: request_pb2.ImageRequest
    ) -> list[tuple[Target, adapter_pb2.EstimateResponse]]:
        """An estimate for each target, asked for at once; empty for one whose adapter does not give it."""
        estimates = await asyncio.gather(*(self._ask(target, image) for target in targets))
        return list(zip(targets, estimates, strict=True))

    async def _ask(self, target: Target, image: request_pb2.ImageRequest) -> adapter_pb2.EstimateResponse:
        request = adapter_pb2.EstimateRequest(provider_model=target.provider_model, image=image)
        try:
            return await call(self._peers.adapter(target.adapter).Estimate, request, timeout_s=_TIMEOUT_S)
        except MeshError as error:
            log.debug("no estimate", target=target.name, reason=reason_name(error.reason))
            return adapter_pb2.EstimateResponse()
