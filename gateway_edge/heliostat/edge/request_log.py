"""GET /v1/requests, /v1/requests/{id}, /v1/usage, /v1/balance and DELETE /v1/requests/{id}/payloads.

What the caller's key asked for, as the ledger remembers it. A long list goes out as CSV or as lines of JSON while it is
read, page by page: its length costs no memory.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import call
from heliostat.edge.desk import Desk
from heliostat.edge.from_proto import usd
from heliostat.edge.job_form import JOB_STATES
from heliostat.edge.log_form import (
    COLUMNS,
    csv_row,
    csv_text,
    iso,
    ndjson_text,
    rate,
    record_of,
    usage_of_row,
)
from heliostat.edge.reports import time_of
from heliostat.edge.schemas import invalid
from heliostat.edge.visit import Answering, Reply, StreamedReply, Visit, visit_of

JSON, CSV, NDJSON = "json", "csv", "ndjson"
_MEDIA_TYPES: Mapping[str, str] = {CSV: "text/csv; charset=utf-8", NDJSON: "application/x-ndjson"}
_ACCEPTED: Mapping[str, str] = {
    "text/csv": CSV,
    "application/x-ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
}
_STATES: Mapping[str, Any] = {word: state for state, word in JOB_STATES.items()}
_EXPORT_PAGE = 100
_REPORT_S = 30.0
_USAGE_COLUMNS = ("requests", "succeeded", "success_rate", "images", "cost", "reserved")


class RequestLog:
    """Tells callers what they asked for, what came of it and what it cost."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def requests(self, request: Request) -> Answering:
        """A page of the caller's requests, or all that match as CSV or lines of JSON. Raises INVALID_FIELD."""
        visit = visit_of(request)
        form = form_of(request, visit)
        cursor = request.query_params.get("cursor", "")
        ask = ledger_pb2.ListRequestsRequest(filter=filter_of(request), page_token=cursor)
        if form != JSON:
            ask.page_size, ask.rows_only = _EXPORT_PAGE, True
            first = await self._page(ask, visit)
            return StreamedReply(200, self._export(ask, first, form, visit), None, _MEDIA_TYPES[form], _named(form))
        ask.page_size = _whole(request, "limit")
        page = await self._page(ask, visit)
        body = {
            "object": "list",
            "data": [record_of(each) for each in page.requests],
            "has_more": bool(page.next_page_token),
            "next_cursor": page.next_page_token or None,
            "summary": {
                "requests": page.total_count,
                "succeeded": page.success_count,
                "success_rate": rate(page.success_count, page.ended_count),
                "cost": usd(page.total_cost),
                "reserved": usd(page.total_reserved),
                "currency": "USD",
            },
        }
        return Reply(200, [orjson.dumps(body)])

    async def _page(self, ask: ledger_pb2.ListRequestsRequest, visit: Visit) -> ledger_pb2.ListRequestsResponse:
        answer: ledger_pb2.ListRequestsResponse = await call(
            self._desk.ledger.ListRequests, ask, timeout_s=_REPORT_S, metadata=visit.credentials()
        )
        return answer

    async def _export(
        self, ask: ledger_pb2.ListRequestsRequest, page: ledger_pb2.ListRequestsResponse, form: str, visit: Visit
    ) -> AsyncIterator[bytes]:
        """All pages from `page` on, each read when the one before was sent."""
        head = True
        while True:
            yield _rows_as(form, [record_of(each) for each in page.requests], head=head)
            head = False
            if not page.next_page_token:
                return
            ask.page_token = page.next_page_token
            page = await self._page(ask, visit)

    async def request(self, request: Request) -> Reply:
        """One request with its attempts. Raises RESOURCE_NOT_FOUND."""
        ask = ledger_pb2.GetRequestRequest(request_id=request.path_params["id"])
        answer = await self._call(self._desk.ledger.GetRequest, ask, request)
        return Reply(200, [orjson.dumps(record_of(answer.request))])

    async def purge(self, request: Request) -> Reply:
        """Removes prompt, inputs and pictures; again, it changes nothing. Raises RESOURCE_NOT_FOUND."""
        ask = ledger_pb2.PurgeRequestRequest(request_id=request.path_params["id"])
        answer = await self._call(self._desk.ledger.PurgeRequest, ask, request)
        body = {
            "id": ask.request_id,
            "object": "request.purged",
            "purged": True,
            "before": answer.already_purged,
            "media": answer.media_count,
        }
        return Reply(200, [orjson.dumps(body)])

    async def usage(self, request: Request) -> Reply:
        """Sums by group. Raises INVALID_FIELD."""
        group_by = [name for name in request.query_params.get("group_by", "").split(",") if name]
        ask = ledger_pb2.GetUsageRequest(filter=filter_of(request), group_by=group_by)
        answer = await self._call(self._desk.ledger.GetUsage, ask, request)
        rows = [usage_of_row(row, group_by) for row in answer.rows]
        form = form_of(request, visit_of(request))
        if form == CSV:
            table = csv_text((*group_by, *_USAGE_COLUMNS), rows, head=True)
            return Reply(200, [table], _MEDIA_TYPES[form], _named(form, "usage"))
        if form == NDJSON:
            return Reply(200, [ndjson_text(rows)], _MEDIA_TYPES[form], _named(form, "usage"))
        body = {
            "object": "list",
            "group_by": group_by,
            "start_time": iso(answer.start_time),
            "end_time": iso(answer.end_time),
            "currency": "USD",
            "data": rows,
        }
        return Reply(200, [orjson.dumps(body)])

    async def balance(self, request: Request) -> Reply:
        """What is left of the budgets that bind the caller; an empty list where nothing does."""
        answer = await self._call(self._desk.ledger.GetBalance, ledger_pb2.GetBalanceRequest(), request)
        body = {"object": "list", "currency": "USD", "data": [_balance(each) for each in answer.balances]}
        return Reply(200, [orjson.dumps(body)])

    async def _call(self, method: Callable[..., Any], ask: Any, request: Request) -> Any:
        return await call(method, ask, timeout_s=_REPORT_S, metadata=visit_of(request).credentials())


def form_of(request: Request, visit: Visit) -> str:
    """json, csv or ndjson: as `format` says, else as Accept does. Raises INVALID_FIELD."""
    asked = request.query_params.get("format", "")
    if asked:
        if asked not in (JSON, *_MEDIA_TYPES):
            raise invalid("format", "format is json, csv or ndjson; send one of them, or leave it out.")
        return asked
    for part in visit.header(b"accept").lower().split(","):
        form = _ACCEPTED.get(part.partition(";")[0].strip())
        if form is not None:
            return form
    return JSON


def filter_of(request: Request) -> ledger_pb2.RequestFilter:
    """What the query asks for. Raises INVALID_FIELD."""
    query = request.query_params
    asked = ledger_pb2.RequestFilter(
        model=query.get("model", ""),
        provider=query.get("provider", ""),
        key_id=query.get("key", ""),
        session_id=query.get("session_id", ""),
    )
    if query.get("start_time"):
        asked.created_after_time.CopyFrom(time_of(query["start_time"], "start_time"))
    if query.get("end_time"):
        asked.created_before_time.CopyFrom(time_of(query["end_time"], "end_time"))
    status = query.get("status", "")
    if status:
        if status not in _STATES:
            raise invalid("status", f"status is one of {', '.join(_STATES)}; send one of them, or leave it out.")
        asked.state = _STATES[status]
    for tag in query.getlist("tag"):
        name, colon, value = tag.partition(":")
        if not colon:
            raise invalid("tag", "tag is a name and a value with a colon between them, such as team:art.")
        asked.tags[name] = value
    return asked


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= _EXPORT_PAGE):
        raise invalid(name, f"{name} is a whole number from 1 to {_EXPORT_PAGE}.")
    return int(text)


def _rows_as(form: str, records: Sequence[Mapping[str, Any]], *, head: bool) -> bytes:
    if form == CSV:
        return csv_text(COLUMNS, map(csv_row, records), head=head)
    return ndjson_text(records)


def _named(form: str, what: str = "requests") -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{what}.{form}"', "x-content-type-options": "nosniff"}


def _balance(balance: ledger_pb2.Balance) -> dict[str, Any]:
    limit, spent, reserved = usd(balance.limit), usd(balance.spent), usd(balance.reserved)
    return {
        "window": balance.window,
        "limit": limit,
        "spent": spent,
        "reserved": reserved,
        "left": max(0.0, round(limit - spent - reserved, 6)),
        "resets_at": iso(balance.reset_time) if balance.HasField("reset_time") else None,
    }
