"""`heliostat admin usage` and `heliostat admin requests`: what everybody used, and what was asked for."""

import argparse
import csv
import io
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc, ledger_pb2
from heliostat.chassis.money import to_micros, usd
from heliostat.launch.ranges import above_zero, whole
from heliostat.launch.tables import table

_TIMEOUT_S = 30.0
_PAGE = 100
_STATES = {
    "running": ledger_pb2.REQUEST_STATE_RUNNING,
    "succeeded": ledger_pb2.REQUEST_STATE_SUCCEEDED,
    "failed": ledger_pb2.REQUEST_STATE_FAILED,
    "cancelled": ledger_pb2.REQUEST_STATE_CANCELLED,
    "expired": ledger_pb2.REQUEST_STATE_EXPIRED,
}
_WORDS = {state: word for word, state in _STATES.items()}
_FORMULA = "=+-@\t\r"
HEAD = ("ID", "CAME (UTC)", "STATE", "KEY", "MODEL", "PROVIDER", "ATTEMPTS", "COST USD", "RESERVED")


def usage(channel: grpc.Channel, asked: ledger_pb2.RequestFilter, group_by: Sequence[str]) -> str:
    """Requests, pictures and money by group, as a table."""
    request = admin_pb2.GetTotalUsageRequest(filter=asked, group_by=group_by)
    answer = _stub(channel).GetTotalUsage(request, timeout=_TIMEOUT_S)
    rows = [
        (
            *row.group,
            str(row.request_count),
            f"{row.success_count / row.request_count:.1%}" if row.request_count else "",
            str(row.image_count),
            _usd(row.cost),
            _usd(row.reserved),
        )
        for row in answer.rows
    ]
    head = (*(name.upper() for name in group_by), "REQUESTS", "OK", "IMAGES", "COST USD", "RESERVED")
    if not rows:
        return "Nothing was used in this time."
    return table(head, rows)


def requests(channel: grpc.Channel, asked: ledger_pb2.RequestFilter, count: int, *, as_csv: bool) -> str:
    """The newest `count` requests that match, with what all that match come to; or as CSV, without that."""
    rows: list[tuple[str, ...]] = []
    totals = ""
    for answer in _pages(channel, asked, count):
        totals = totals or _totals(answer)
        rows += [_row(request) for request in answer.requests]
    rows = rows[:count]
    if not as_csv:
        return f"{table(HEAD, rows)}\n\n{totals}"
    out = io.StringIO(newline="")
    # What a spreadsheet would take for a formula is text.
    plain = [[f"'{cell}" if cell[:1] in _FORMULA and cell[:1] else cell for cell in row] for row in rows]
    csv.writer(out).writerows((HEAD, *plain))
    return out.getvalue().rstrip("\r\n")


def _pages(
    channel: grpc.Channel, asked: ledger_pb2.RequestFilter, count: int
) -> Iterator[admin_pb2.ListAllRequestsResponse]:
    token, left = "", count
    while left > 0:
        request = admin_pb2.ListAllRequestsRequest(
            filter=asked, page_size=min(left, _PAGE), page_token=token, rows_only=bool(token)
        )
        answer = _stub(channel).ListAllRequests(request, timeout=_TIMEOUT_S)
        yield answer
        token, left = answer.next_page_token, left - len(answer.requests)
        if not token:
            return


def _totals(answer: admin_pb2.ListAllRequestsResponse) -> str:
    share = f", {answer.success_count / answer.ended_count:.1%} succeeded" if answer.ended_count else ""
    return (
        f"{answer.total_count} match{share}; they cost {_usd(answer.total_cost)} USD, "
        f"{_usd(answer.total_reserved)} USD are reserved."
    )


def _row(request: ledger_pb2.Request) -> tuple[str, ...]:
    came = datetime.fromtimestamp(request.create_time.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        request.request_id,
        came,
        _WORDS.get(request.state, "running"),
        request.key_id,
        request.model,
        request.provider,
        str(len(request.attempts)),
        _usd(request.cost),
        _usd(request.reserved),
    )


def _usd(amount: object) -> str:
    return f"{usd(to_micros(amount)):.6f}"


def filter_of(given: argparse.Namespace) -> ledger_pb2.RequestFilter:
    """What the arguments ask for."""
    asked = ledger_pb2.RequestFilter(
        key_id=given.key, model=given.model, provider=given.provider, session_id=given.session
    )
    if given.state:
        asked.state = _STATES[given.state]
    for label in given.tag:
        name, _, value = label.partition(":")
        asked.tags[name] = value
    begin = Timestamp()
    begin.FromMilliseconds(int((time.time() - given.days * 86_400) * 1000))
    asked.created_after_time.CopyFrom(begin)
    return asked


def _add_filter(parser: argparse.ArgumentParser, days: float) -> None:
    parser.add_argument(
        "--days", type=above_zero(366), default=days, help=f"how far back; {days:g} where it is left out"
    )
    parser.add_argument("--key", default="", help="only of this key")
    parser.add_argument("--model", default="", help="only for this model")
    parser.add_argument("--provider", default="", help="only of this provider")
    parser.add_argument("--session", default="", help="only of this session")
    parser.add_argument("--state", default="", choices=["", *_STATES], metavar="STATE", help=", ".join(_STATES))
    parser.add_argument("--tag", action="append", default=[], metavar="NAME:VALUE", help="only with this label")


def add_commands(admin: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `usage` and `requests` to `heliostat admin`."""
    told = admin.add_parser("usage", help="what was used: requests, pictures and money by group")
    told.add_argument("--group-by", default="key,model", help="key, model, provider, day; with commas between them")
    _add_filter(told, 31)
    told.set_defaults(
        admin=lambda channel, given: usage(
            channel, filter_of(given), [name for name in given.group_by.split(",") if name]
        )
    )
    listed = admin.add_parser("requests", help="everybody's requests, newest first")
    listed.add_argument("--count", type=whole(1, 1_000_000), default=20, help="most rows")
    listed.add_argument("--csv", action="store_true", help="as CSV")
    _add_filter(listed, 31)
    listed.set_defaults(admin=lambda channel, given: requests(channel, filter_of(given), given.count, as_csv=given.csv))


def _stub(channel: grpc.Channel) -> admin_pb2_grpc.LedgerAdminServiceStub:
    return admin_pb2_grpc.LedgerAdminServiceStub(channel)
