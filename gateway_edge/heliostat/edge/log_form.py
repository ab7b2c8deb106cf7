"""Rows of the request log and of usage as JSON and as CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.edge.from_proto import attempt_of, format_name, milliseconds, usd, warning_words
from heliostat.edge.job_form import JOB_STATES
from heliostat.edge.problems import KINDS, param_of

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

COLUMNS = (
    "id",
    "status",
    "model",
    "operation",
    "created_at",
    "completed_at",
    "duration_ms",
    "images",
    "cost",
    "reserved",
    "provider",
    "executed_model",
    "attempts",
    "reason",
    "key",
    "session_id",
    "user",
    "tags",
    "client_gone",
    "purged",
    "trace_id",
)


def record_of(request: ledger_pb2.Request) -> dict[str, Any]:
    """One request as JSON tells it; money in US dollars, times as RFC 3339."""
    told: dict[str, Any] = {
        "id": request.request_id,
        "object": "request",
        "status": JOB_STATES.get(request.state, "in_progress"),
        "model": request.model,
        "operation": request.operation,
        "created_at": iso(request.create_time),
        "completed_at": iso(request.end_time) if request.HasField("end_time") else None,
        "duration_ms": milliseconds(request.duration) if request.HasField("duration") else None,
        "images": request.image_count,
        "cost": usd(request.cost),
        "reserved": usd(request.reserved),
        "currency": "USD",
        "provider": request.provider or None,
        "executed_model": f"{request.provider}/{request.provider_model}" if request.provider else None,
        "attempts": [attempt_of(attempt) for attempt in request.attempts],
        "key": request.key_id,
        "session_id": request.session_id or None,
        "user": request.end_user_id or None,
        "tags": dict(request.tags),
        "idempotency_key": request.idempotency_key or None,
        "client_gone": request.client_gone,
        "purged": request.purged,
        "trace_id": request.trace_id,
        "media": [_kept(media) for media in request.media],
    }
    if request.HasField("error") and request.error.code:
        error = from_status(request.error)
        kind = KINDS.get(error.reason, KINDS[reasons.ERROR_REASON_INTERNAL])
        told["error"] = {
            "message": error.message,
            "type": kind.type,
            "param": param_of(error),
            "code": kind.code,
            "reason": reason_name(error.reason),
        }
    return told


def _kept(media: ledger_pb2.KeptMedia) -> dict[str, Any]:
    return {
        "id": media.media_id,
        "format": format_name(media.media_type),
        "width": media.width_px,
        "height": media.height_px,
        "bytes": media.size_bytes,
        "sha256": media.sha256.hex(),
        "expires_at": iso(media.expire_time),
        "purged": media.purged,
        "late": media.late,
        "warnings": warning_words(media.warnings),
    }


def usage_of_row(row: ledger_pb2.UsageRow, group_by: Sequence[str]) -> dict[str, Any]:
    """One group of usage as JSON tells it."""
    return {
        **dict(zip(group_by, row.group, strict=False)),
        "requests": row.request_count,
        "succeeded": row.success_count,
        "success_rate": rate(row.success_count, row.request_count),
        "images": row.image_count,
        "cost": usd(row.cost),
        "reserved": usd(row.reserved),
    }


def rate(part: int, whole: int) -> float | None:
    """A share to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, head: bool) -> bytes:
    """Rows as CSV (RFC 4180), with a first line of names where `head` is set. No cell begins like a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if head:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue().encode()


def csv_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A request's record as flat as a table wants it: the number of its attempts, its labels as JSON."""
    return {
        **record,
        "attempts": len(record["attempts"]),
        "tags": orjson.dumps(record["tags"]).decode() if record["tags"] else "",
        "reason": record.get("error", {}).get("reason", ""),
    }


def ndjson_text(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    return "'" + value if value.startswith(_FORMULA) else value


def iso(time: Timestamp) -> str:
    """A time as RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{time.nanos // 1_000_000:03d}Z"
