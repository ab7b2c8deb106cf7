"""grpc.health.v1 for one server: SERVING only between ready and drain, and not while its part has reason to decline.

`Watch` is written as an async generator: clients with health checking (ours) and tracing wrappers rely on it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

_Status = health_pb2.HealthCheckResponse


class Readiness(health_pb2_grpc.HealthServicer):
    """Answers for every service of one server, and for "" which stands for all of them."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._known = {"", *services}
        self._ready = False
        self._held = False
        self._changed = asyncio.Event()

    def set(self, serving: bool) -> None:
        """Tells all who watch whether the server takes calls."""
        self._ready = serving
        self._tell()

    def hold(self, held: bool) -> None:
        """Tells all who watch that the part cannot do its work now, or that it can again."""
        self._held = held
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def serving(self) -> bool:
        """True between ready and drain, unless the part is held."""
        return self._ready and not self._held

    def _status(self, service: str) -> Any:
        if service not in self._known:
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if self.serving else _Status.NOT_SERVING

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> health_pb2.HealthCheckResponse:
        """Tells the status now. An unknown service is NOT_FOUND, as the health protocol asks."""
        status = self._status(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            import grpc

            await context.abort(grpc.StatusCode.NOT_FOUND, f"No service {request.service} here.")
        return _Status(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tells the status now and whenever it changes."""
        del context
        while True:
            changed = self._changed
            yield _Status(status=self._status(request.service))
            await changed.wait()
