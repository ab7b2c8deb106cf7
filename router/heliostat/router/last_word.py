"""How a request ends: with what was delivered, or with the reason that tells most. Pure but for the clock's reading."""

from collections.abc import Sequence

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.router import naming
from heliostat.router.attempt import Attempt
from heliostat.router.branches import Branch, joined
from heliostat.router.errand import Errand
from heliostat.router.limits import LEAST_S
from heliostat.router.tally import tell_count

# What says least about why a request failed: another attempt's reason is preferred.
_WEAK = frozenset(
    {
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        reasons.ERROR_REASON_INTERNAL,
        reasons.ERROR_REASON_UNSUPPORTED,
        reasons.ERROR_REASON_NOT_IMPLEMENTED,
    }
)
# When to ask again where a pause of unknown length is over already, in seconds.
_SOON_S = 1.0


def why(errand: Errand, branch: Branch, soonest_s: float | None) -> MeshError:
    """The last meaningful reason of a branch that failed, with what its caller needs to know.

    `soonest_s`: seconds until the first of its targets that are paused returns; None where none is.
    """
    failed = [(attempt, attempt.error) for attempt in branch.attempts if attempt.error is not None]
    telling = [(attempt, error) for attempt, error in failed if error.reason not in _WEAK]
    attempt, error = (telling or failed)[-1]
    reason, message = error.reason, error.message
    if attempt.timed_out and errand.allowance.time_left_s() <= LEAST_S:
        reason = reasons.ERROR_REASON_DEADLINE_EXCEEDED
        message = f'The request\'s time ran out while target "{attempt.record.target}" worked on it.'
    retry_after_s = error.retry_after_s
    if reason == reasons.ERROR_REASON_RATE_LIMITED:
        retry_after_s = soonest_s if soonest_s is not None else retry_after_s or _SOON_S
    told = MeshError(
        reason,
        message,
        retry_after_s=retry_after_s,
        field=error.field,
        failure=error.failure,
    )
    told.metadata = {**error.metadata, "target": attempt.record.target, "attempt_id": attempt.record.attempt_id}
    if attempt.record.provider_job_id:
        told.metadata["provider_job_id"] = attempt.record.provider_job_id
    return told


def last_word(errand: Errand) -> router_pb2.GenerateResponse:
    """The message with `completed`. Raises where nothing was delivered."""
    branches = errand.branches
    served = [attempt for branch in branches for attempt in branch.attempts if attempt.error is None]
    if not served and not any(branch.delivered for branch in branches):
        raise next(branch.error for branch in branches if branch.error is not None)
    result = joined(branches, max(0.0, errand.first_attempt - errand.began))
    if not all(errand.is_first(attempt.plan.target) for attempt in served):
        _report_dropped(errand.image, result)
    tell_count(errand.image, branches, result)
    if errand.image.strict != request_pb2.STRICT_OFF:
        result.adjustments.extend(naming.told([part.route for part in errand.choice.selections]))
    last = _last_of(branches)
    if last is not None and last.tail is not None:
        for event in last.tail.events:
            if event.HasField("completed"):
                event.completed.CopyFrom(result)
        return last.tail
    response = router_pb2.GenerateResponse()
    attempt_id = (served or branches[0].attempts)[0].record.attempt_id
    response.events.add(attempt_id=attempt_id, completed=result)
    return response


def _last_of(branches: Sequence[Branch]) -> Attempt | None:
    """The attempt whose own last message may end the answer: the last one of the only branch that succeeded."""
    if len(branches) > 1 or branches[0].missing:
        return None
    return next((attempt for attempt in reversed(branches[0].attempts) if attempt.error is None), None)


def _report_dropped(image: request_pb2.ImageRequest, result: event_pb2.ImageResult) -> None:
    """Lists the unknown fields that only the first target was offered."""
    if image.strict == request_pb2.STRICT_OFF:
        return
    for name in image.extra_fields.fields:
        result.adjustments.add(
            parameter=name,
            requested="given",
            reason="Fields that Heliostat does not know are offered to the first target only.",
            mode=event_pb2.ADJUSTMENT_MODE_DROPPED,
        )
