"""The list of unknown attempts, as operators look at it."""

from typing import Any

from sqlalchemy import Connection, func, select

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.ledger.journal import Journal
from heliostat.ledger.lookups import UNKNOWN
from heliostat.ledger.records import attempt_record, timestamp
from heliostat.ledger.schema import ATTEMPTS, LOOKUPS, REQUESTS

_NO_JOB = "the provider told no job id: there is nothing to look it up by"
_ALL = LOOKUPS.join(ATTEMPTS, ATTEMPTS.c.attempt_id == LOOKUPS.c.attempt_id).join(
    REQUESTS, REQUESTS.c.request_id == ATTEMPTS.c.request_id
)
_COLUMNS = [each for each in ATTEMPTS.columns if each.name != "decision"]
_LOOK = (LOOKUPS.c.look_time_us, LOOKUPS.c.look_count, LOOKUPS.c.note)


class Unknowns:
    """Looks into the list."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def page(self, size: int, token: str) -> admin_pb2.ListUnknownAttemptsResponse:
        """At most `size` of them, newest first. Raises INVALID_FIELD for a foreign token."""
        if token and not (token.isascii() and token.isdigit() and len(token) <= 12):
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "The page token is not one of ours; send next_page_token as it came, or nothing for the newest.",
                field="page_token",
            )
        return await self._journal.read(lambda connection: _page(connection, size, int(token or 0)))


def _page(connection: Connection, size: int, skipped: int) -> admin_pb2.ListUnknownAttemptsResponse:
    is_unknown = ATTEMPTS.c.state == UNKNOWN
    totals = select(func.count(), func.sum(ATTEMPTS.c.reserved_micros)).select_from(_ALL).where(is_unknown)
    count, reserved = connection.execute(totals).one()
    query = (
        select(*_COLUMNS, *_LOOK, REQUESTS.c.key_id)
        .select_from(_ALL)
        .where(is_unknown)
        .order_by(ATTEMPTS.c.end_time_us.desc(), ATTEMPTS.c.attempt_id)
        .offset(skipped)
        .limit(size)
    )
    rows = connection.execute(query).mappings().all()
    more = skipped + len(rows) < count
    return admin_pb2.ListUnknownAttemptsResponse(
        attempts=[_record(row) for row in rows],
        next_page_token=str(skipped + len(rows)) if more and rows else "",
        total_count=count,
        total_reserved=to_money(int(reserved or 0)),
    )


def _record(row: Any) -> admin_pb2.UnknownAttempt:
    record = admin_pb2.UnknownAttempt(
        request_id=row["request_id"],
        key_id=row["key_id"],
        attempt=attempt_record(row),
        end_time=timestamp(row["end_time_us"]),
        look_count=row["look_count"],
        note=row["note"] if row["provider_job_id"] else _NO_JOB,
    )
    if row["look_time_us"] is not None:
        record.look_time.CopyFrom(timestamp(row["look_time_us"]))
    return record
