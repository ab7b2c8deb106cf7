"""/requests: everybody's requests, newest first, narrowed by a form whose address can be passed on; and as CSV."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.console import request_csv
from heliostat.console.desk import Desk
from heliostat.console.feed import REQUESTS, Feed
from heliostat.console.request_filter import PERIODS, STATES, Wanted
from heliostat.console.streams import Stream
from heliostat.console.views import Views

_ROWS = 25
_EXPORT_ROWS = 100
_MOST_KEYS = 100


class RequestList:
    """The list, and the same as a file."""

    def __init__(self, desk: Desk, views: Views, feed: Feed) -> None:
        self._desk = desk
        self._views = views
        self._feed = feed

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [Route("/requests", self.requests), Route("/requests.csv", self.export)]

    async def requests(self, request: Request) -> Response:
        """A page of the list. Raises INVALID_FIELD."""
        wanted, token = Wanted.of(request.query_params), request.query_params.get("page", "")
        ask = admin_pb2.ListAllRequestsRequest(
            filter=wanted.filter(self._desk.clock.time()), page_size=_ROWS, page_token=token
        )
        begun = self._feed.state.traffic.begun_count
        page, keys = await asyncio.gather(self._desk.ask(self._desk.ledger_admin.ListAllRequests, ask), self._keys())
        values = {
            "page": page,
            "wanted": wanted,
            "token": token,
            "states": list(STATES),
            "periods": PERIODS,
            "keys": keys,
            "providers": [station.name for station in self._feed.state.stations()],
            "begun": begun,
            "now": self._desk.clock.time(),
        }
        return self._views.page(request, "requests.html", title="Requests", topics=REQUESTS, **values)

    async def _keys(self) -> list[admin_pb2.Key]:
        """Keys to choose from; none where the ledger has no answer: the list says so itself."""
        try:
            ask = admin_pb2.ListKeysRequest(page_size=_MOST_KEYS, show_revoked=True)
            return list((await self._desk.ask(self._desk.ledger_admin.ListKeys, ask)).keys)
        except MeshError:
            return []

    async def export(self, request: Request) -> Response:
        """All that match as CSV, read page by page while it is sent. Raises INVALID_FIELD."""
        wanted = Wanted.of(request.query_params)
        ask = admin_pb2.ListAllRequestsRequest(
            filter=wanted.filter(self._desk.clock.time()), page_size=_EXPORT_ROWS, rows_only=True
        )
        first = await self._desk.ask(self._desk.ledger_admin.ListAllRequests, ask)
        headers = {"content-disposition": 'attachment; filename="requests.csv"'}
        return Stream(self._lines(ask, first), media_type="text/csv; charset=utf-8", headers=headers)

    async def _lines(self, ask: admin_pb2.ListAllRequestsRequest, page: Any) -> AsyncGenerator[bytes, None]:
        yield request_csv.head()
        while True:
            yield request_csv.rows(page.requests)
            if not page.next_page_token:
                return
            ask.page_token = page.next_page_token
            page = await self._desk.ask(self._desk.ledger_admin.ListAllRequests, ask)
