"""/requests/{id}: one request, its attempts in time, what was decided and why, its pictures; and their removal."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.console import waterfall
from heliostat.console.desk import Desk
from heliostat.console.views import Views


class RequestPage:
    """One request."""

    def __init__(self, desk: Desk, views: Views) -> None:
        self._desk = desk
        self._views = views

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/requests/{request_id}", self.show),
            Route("/requests/{request_id}/body", self.body),
            Route("/requests/{request_id}/purge", self.purge, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page. Raises RESOURCE_NOT_FOUND."""
        request_id = request.path_params["request_id"]
        return self._views.page(request, "request.html", title=request_id[:40], **await self._told(request_id))

    async def body(self, request: Request) -> Response:
        """What changes while the request runs. Raises RESOURCE_NOT_FOUND."""
        told = await self._told(request.path_params["request_id"])
        return self._views.piece(request, "requests/body.html", **told)

    async def purge(self, request: Request) -> Response:
        """Removes prompt, inputs and pictures; the row stays. Raises RESOURCE_NOT_FOUND, INVALID_FIELD."""
        request_id, who = request.path_params["request_id"], request.scope["session"].user
        ask = admin_pb2.PurgeAnyRequestRequest(request_id=request_id)
        await self._desk.ask(self._desk.ledger_admin.PurgeAnyRequest, ask, who=who)
        return self._views.piece(request, "requests/body.html", **await self._told(request_id))

    async def _told(self, request_id: str) -> dict[str, Any]:
        record, decisions = await self._looked_up(request_id)
        now = self._desk.clock.time()
        trace_url = self._desk.settings.trace_url
        return {
            "record": record,
            "bars": waterfall.bars(record, now),
            "span": waterfall.span_of(record, now),
            "phases": waterfall.phases(record.result.timing),
            "decisions": decisions,
            "running": record.state == ledger_pb2.REQUEST_STATE_RUNNING,
            "trace_link": trace_url.replace("{trace_id}", record.trace_id) if record.trace_id.isalnum() else "",
            "now": now,
        }

    async def _looked_up(self, request_id: str) -> tuple[ledger_pb2.Request, dict[str, Any]]:
        """The request, and what was decided before its attempts where that is kept."""
        service = self._desk.ledger_admin
        try:
            told = await self._desk.ask(service.GetDecisions, admin_pb2.GetDecisionsRequest(request_id=request_id))
        except MeshError as error:
            if error.reason != reasons.ERROR_REASON_RESOURCE_GONE:
                raise
            ask = admin_pb2.GetAnyRequestRequest(request_id=request_id)
            return (await self._desk.ask(service.GetAnyRequest, ask)).request, {}
        decisions = {each.attempt_id: each.decision for each in told.decisions if each.HasField("decision")}
        return told.request, decisions
