"""A request that is over, told again from the journal and the store: the same events, nothing bought."""

from collections.abc import AsyncIterator, Sequence

from google.rpc import status_pb2

from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError, from_status
from heliostat.ledger.journal import SUCCEEDED, Row, Stored
from heliostat.ledger.records import attempt_record, is_late
from heliostat.ledger.subscription import MAX_MESSAGE_BYTES, Batch, read_chunks


def check_replayable(stored: Stored, now_us: int) -> None:
    """Raises what the request failed with, or RESOURCE_GONE where its pictures are not there any more."""
    row = stored.request
    if row["state"] != SUCCEEDED:
        if row["error"] is None:
            raise MeshError(reasons.ERROR_REASON_INTERNAL, "The request ended without pictures and without a reason.")
        raise from_status(status_pb2.Status.FromString(row["error"]))
    over = any(each["purged"] or each["expire_time_us"] <= now_us for each in _answered(stored))
    if row["purged"] or row["result"] is None or over:
        raise MeshError(
            reasons.ERROR_REASON_RESOURCE_GONE,
            "The request was served before, and its pictures are not kept any more; ask again under another "
            "idempotency key to have it made, and paid for, anew.",
            request_id=row["request_id"],
        )


async def replay(
    stored: Stored, blobs: Blobs, delivery: int, admitted: event_pb2.ImageEvent, now_us: int
) -> AsyncIterator[Batch]:
    """Messages' worth of the events of a request that is over. Raises as `check_replayable` does."""
    yield [admitted]
    batch: Batch = []
    size = 0
    check_replayable(stored, now_us)
    by_attempt: dict[str, list[Row]] = {}
    for row in _answered(stored):
        by_attempt.setdefault(row["attempt_id"], []).append(row)
    for position, attempt in enumerate(stored.attempts):
        batch.extend(_attempt_events(attempt, more=position + 1 < len(stored.attempts)))
        for row in by_attempt.get(attempt["attempt_id"], ()):
            batch.append(_started(row))
            if delivery != request_pb2.DELIVERY_STORED:
                async for chunk in read_chunks(
                    blobs, attempt["attempt_id"], row["image_index"], row["media_id"], row["sha256"]
                ):
                    if size + len(chunk.data) > MAX_MESSAGE_BYTES:
                        yield batch
                        batch, size = [], 0
                    batch.append(chunk)
                    size += len(chunk.data)
                    del chunk
            batch.append(_ended(row))
    last = stored.attempts[-1]["attempt_id"] if stored.attempts else ""
    completed = event_pb2.ImageEvent(attempt_id=last)
    completed.completed.MergeFromString(stored.request["result"])
    batch.append(completed)
    yield batch


def _answered(stored: Stored) -> Sequence[Row]:
    """The pictures of the answer: not those that came after it."""
    return [row for row in stored.media if not is_late(row, stored.request)]


def _attempt_events(row: Row, *, more: bool) -> Sequence[event_pb2.ImageEvent]:
    """The attempt's beginning, that it was accepted, and its failure where it failed."""
    record = attempt_record(row)
    started = event_pb2.ImageEvent(attempt_id=record.attempt_id)
    started.attempt_started.target = record.target
    started.attempt_started.provider = record.provider
    started.attempt_started.provider_model = record.provider_model
    started.attempt_started.account = record.account
    started.attempt_started.start_time.CopyFrom(record.start_time)
    events = [started]
    if row["accept_time_us"] is not None:
        accepted = event_pb2.ImageEvent(attempt_id=record.attempt_id)
        accepted.provider_accepted.provider_job_id = record.provider_job_id
        events.append(accepted)
    if row["state"] != ledger_pb2.ATTEMPT_STATE_SUCCEEDED:
        failed = event_pb2.ImageEvent(attempt_id=record.attempt_id)
        failed.attempt_failed.attempt.CopyFrom(record)
        failed.attempt_failed.failing_over = more
        events.append(failed)
    return events


def _started(row: Row) -> event_pb2.ImageEvent:
    info = media_pb2.MediaInfo.FromString(row["started"])
    return event_pb2.ImageEvent(attempt_id=row["attempt_id"], media_started=info)


def _ended(row: Row) -> event_pb2.ImageEvent:
    ended = media_pb2.MediaEnded.FromString(row["ended"])
    return event_pb2.ImageEvent(attempt_id=row["attempt_id"], media_ended=ended)
