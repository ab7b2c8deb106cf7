"""Requests as CSV (RFC 4180): a row each, no cell of which a spreadsheet takes for a formula. Pure."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.chassis.money import to_micros, usd
from heliostat.console.wording import iso, seconds_of, state

COLUMNS = (
    *("request_id", "created", "seconds", "state", "reason", "model", "operation", "provider", "provider_model"),
    *("attempts", "images", "cost_usd", "reserved_usd", "key", "session", "user", "trace_id", "caller_left"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def head() -> bytes:
    """The first line: names."""
    return _lines([COLUMNS])


def rows(requests: Iterable[ledger_pb2.Request]) -> bytes:
    """Requests, a line each."""
    return _lines([_cell(value) for value in _row(request)] for request in requests)


def _row(request: ledger_pb2.Request) -> tuple[Any, ...]:
    return (
        request.request_id,
        iso(request.create_time),
        round(seconds_of(request.duration), 3) if request.HasField("duration") else "",
        state(request),
        reason_name(from_status(request.error).reason) if request.error.code else "",
        request.model,
        request.operation,
        request.provider,
        request.provider_model,
        len(request.attempts),
        request.image_count,
        usd(to_micros(request.cost)),
        usd(to_micros(request.reserved)),
        request.key_id,
        request.session_id,
        request.end_user_id,
        request.trace_id,
        "yes" if request.client_gone else "no",
    )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    return str(value)


def _lines(table: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(table)
    return out.getvalue().encode()
