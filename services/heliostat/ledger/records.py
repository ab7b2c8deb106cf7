"""Rows of the journal as messages of the contract. Pure."""

import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import to_duration
from heliostat.chassis.money import to_money
from heliostat.ledger.journal import OPEN, Row, Stored

_KINDS_OF_COST = ("estimated", "computed", "reported")


def request_record(stored: Stored) -> ledger_pb2.Request:
    """One request as callers and operators see it."""
    row = stored.request
    record = ledger_pb2.Request(
        request_id=row["request_id"],
        state=row["state"],
        model=row["model"],
        operation=row["operation"],
        create_time=timestamp(row["create_time_us"]),
        cost=to_money(row["cost_micros"]),
        reserved=to_money(row["reserved_micros"]),
        key_id=row["key_id"],
        session_id=row["session_id"] or "",
        end_user_id=row["end_user_id"] or "",
        tags=orjson.loads(row["tags"]) if row["tags"] else {},
        trace_id=row["trace_id"],
        provider=row["provider"] or "",
        provider_model=row["provider_model"] or "",
        client_gone=bool(row["client_gone"]),
        idempotency_key=row["idempotency_key"] or "",
        purged=bool(row["purged"]),
        image_count=row["image_count"],
        answer_form=row["answer_form"] or "",
        attempts=[attempt_record(each) for each in stored.attempts],
        media=[media_record(each, late=is_late(each, row)) for each in stored.media],
    )
    if row["end_time_us"] is not None:
        record.end_time.CopyFrom(timestamp(row["end_time_us"]))
        record.duration.CopyFrom(to_duration((row["end_time_us"] - row["create_time_us"]) / 1e6))
    if row["error"] is not None:
        record.error.MergeFromString(row["error"])
    if row["result"] is not None:
        record.result.MergeFromString(row["result"])
    return record


def attempt_record(row: Row) -> event_pb2.Attempt:
    """One attempt. Where nobody knows whether it was bought, or for how much, its cost is what stays reserved."""
    cost = row["cost_micros"] if row["state"] == OPEN else row["cost_micros"] or row["reserved_micros"]
    record = event_pb2.Attempt(
        attempt_id=row["attempt_id"],
        target=row["target"],
        provider=row["provider"],
        provider_model=row["provider_model"],
        account=row["account"],
        outcome=row["outcome"],
        billed=row["billed"],
        cost=to_money(cost),
        provider_job_id=row["provider_job_id"],
        start_time=timestamp(row["start_time_us"]),
        image_count=row["image_count"],
        price_version=row["price_version"] or "",
        cost_doubt=row["cost_doubt"] or "",
    )
    for kind in _KINDS_OF_COST:
        if row[f"{kind}_micros"] is not None:
            getattr(record, f"{kind}_cost").CopyFrom(to_money(row[f"{kind}_micros"]))
    if row["status"] is not None:
        record.status.CopyFrom(status_pb2.Status.FromString(row["status"]))
    if row["end_time_us"] is not None:
        record.duration.CopyFrom(to_duration((row["end_time_us"] - row["start_time_us"]) / 1e6))
    if row["accept_time_us"] is not None:
        record.accept_time.CopyFrom(timestamp(row["accept_time_us"]))
    return record


def is_late(row: Row, request: Row) -> bool:
    """True for a picture that came after its request had ended: it is kept, and no part of the answer."""
    end_time_us: int | None = request["end_time_us"]
    return end_time_us is not None and row["create_time_us"] > end_time_us


def media_record(row: Row, *, late: bool) -> ledger_pb2.KeptMedia:
    """One picture that is, or was, kept."""
    started = media_pb2.MediaInfo.FromString(row["started"])
    return ledger_pb2.KeptMedia(
        media_id=row["media_id"],
        image_index=row["image_index"],
        media_type=started.media_type,
        width_px=started.width_px,
        height_px=started.height_px,
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        expire_time=timestamp(row["expire_time_us"]),
        role=started.role,
        purged=bool(row["purged"]),
        late=late,
        warnings=started.warnings,
    )


def timestamp(time_us: int) -> Timestamp:
    """Micro-seconds since the epoch as a Timestamp."""
    return Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1_000)
