"""/healthz, /readyz and /metrics: for probes and for Prometheus."""

import orjson
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.edge.desk import Desk
from heliostat.edge.visit import Reply

_PROBE_S = 2.0
_AWAY = (reasons.ERROR_REASON_MESH_UNAVAILABLE, reasons.ERROR_REASON_DEADLINE_EXCEEDED)


class Health:
    """Tells whether this process lives, and whether it can be sent requests."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._peer = health_pb2_grpc.HealthStub(desk.channel)

    async def healthz(self, request: Request) -> Reply:
        """200 as long as the process answers at all."""
        del request
        return Reply(200, [b'{"status":"ok"}'])

    async def readyz(self, request: Request) -> Reply:
        """200 where requests may come; 503 while draining and while the peer behind cannot be reached."""
        del request
        why = "draining" if self._desk.draining() else await self._peer_fault()
        if why:
            return Reply(503, [orjson.dumps({"status": "unready", "because": why})], headers={"retry-after": "2"})
        return Reply(200, [b'{"status":"ready"}'])

    async def metrics(self, request: Request) -> Reply:
        """All metrics of this process in Prometheus' text form."""
        del request
        return Reply(200, [telemetry.render_metrics()], "text/plain; version=0.0.4; charset=utf-8")

    async def _peer_fault(self) -> str:
        try:
            answer = await call(self._peer.Check, health_pb2.HealthCheckRequest(), timeout_s=_PROBE_S)
        except MeshError as error:
            # A peer that answers at all is there; in one process nobody serves the health protocol.
            return "the ledger cannot be reached" if error.reason in _AWAY else ""
        return "" if answer.status == health_pb2.HealthCheckResponse.SERVING else "the ledger does not serve yet"
