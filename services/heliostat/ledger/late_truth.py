"""What a process still learns of a request that another one has taken over: it ends unknown attempts, and nothing else.

The request's record is the new owner's. Yet what was bought must not be forgotten: an attempt that the new owner closed
as unknown is settled by whoever knows how it ended, with its pictures, or at least gets its job id to be looked up by.
"""

from collections.abc import Iterable, Sequence

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import FAILED_UNBILLED, OPEN, Row
from heliostat.ledger.lookups import BILLED, UNBILLED, UNKNOWN
from heliostat.ledger.picture import media_key

log = get_logger(__name__)


def taken_over(request_id: str) -> MeshError:
    """The error of a request that goes on elsewhere."""
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        "This process stood still, and another one has taken the request over; ask for its job by the request's id.",
        request_id=request_id,
        retry_after_s=2,
    )


def reconciled(attempt: RunningAttempt, end_time_us: int) -> Row | None:
    """What a once unknown attempt ends as, now that it is known; None where it is not. Pure."""
    if attempt.state in (OPEN, UNKNOWN):
        return None
    is_free = attempt.state == FAILED_UNBILLED or attempt.billed == event_pb2.BILLED_NO
    return {**attempt.ending(end_time_us), "state": UNBILLED if is_free else BILLED}


async def tell_late(desk: Desk, attempts: Iterable[RunningAttempt], media: Sequence[Row]) -> None:
    """Settles those of the attempts that stand unknown in the journal, and drops the pictures of the others."""
    for attempt in attempts:
        mine = [row for row in media if row["attempt_id"] == attempt.attempt_id]
        ended = reconciled(attempt, desk.now_us())
        settled = ended is not None and await desk.lookups.settle(attempt.attempt_id, ended, mine)
        if settled:
            log.info("an attempt was settled by the process that had lost it", attempt_id=attempt.attempt_id)
        elif attempt.job_id and ended is None:
            await desk.lookups.remember_job(attempt.attempt_id, attempt.job_id, desk.now_us())
        if not settled:
            for row in mine:
                await desk.blobs.delete(media_key(row["media_id"]))
