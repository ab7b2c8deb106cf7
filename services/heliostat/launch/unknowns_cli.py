"""`heliostat admin unknowns`: attempts of which nobody knows yet whether they were bought."""

import argparse
from datetime import UTC, datetime

import grpc

from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.money import to_micros, usd
from heliostat.launch.ranges import whole
from heliostat.launch.tables import table

_TIMEOUT_S = 10.0
_HEAD = ("ATTEMPT", "TARGET", "JOB AT THE PROVIDER", "ENDED (UTC)", "LOOKS", "NEXT LOOK", "RESERVED USD", "FOUND")


def unknowns(channel: grpc.Channel, most: int) -> str:
    """The newest `most` of them as a table, and what all of them reserve."""
    stub = admin_pb2_grpc.LedgerAdminServiceStub(channel)
    answer = stub.ListUnknownAttempts(admin_pb2.ListUnknownAttemptsRequest(page_size=most), timeout=_TIMEOUT_S)
    if not answer.total_count:
        return "Every attempt is known: bought, or free."
    rows = [_row(each) for each in answer.attempts]
    reserved = usd(to_micros(answer.total_reserved))
    return f"{table(_HEAD, rows)}\n\n{answer.total_count} in all; {reserved:.4f} US dollars stay reserved for them."


def _row(unknown: admin_pb2.UnknownAttempt) -> tuple[str, ...]:
    attempt = unknown.attempt
    return (
        attempt.attempt_id,
        attempt.target,
        attempt.provider_job_id or "none",
        _moment(unknown.end_time.seconds),
        str(unknown.look_count),
        _moment(unknown.look_time.seconds) if unknown.HasField("look_time") else "never",
        f"{usd(to_micros(attempt.cost)):.4f}",
        unknown.note,
    )


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def add_commands(admin: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `unknowns` to `heliostat admin`."""
    listed = admin.add_parser("unknowns", help="list attempts that may have been bought, and nobody knows yet")
    listed.add_argument("--most", type=whole(1, 100), default=20, help="at most so many, 1 to 100 (20)")
    listed.set_defaults(admin=lambda channel, given: unknowns(channel, given.most))
