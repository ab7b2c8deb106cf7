"""What became of `n`: how a request for several pictures was met, as an adjustment of its answer. Pure."""

from collections.abc import Sequence

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.chassis.errors import reason_name
from heliostat.router.attempt import Attempt
from heliostat.router.branches import Branch

PARAMETER = "n"


def tell_count(image: request_pb2.ImageRequest, branches: Sequence[Branch], result: event_pb2.ImageResult) -> None:
    """Lists in `result` that the pictures took several calls, or that some are missing; else nothing.

    An adapter's own word about the number stands, and is told how many came. `result.image_count` is the true count.
    """
    if image.strict == request_pb2.STRICT_OFF or not all(branch.exact for branch in branches):
        return
    own = next((each for each in result.adjustments if each.parameter == PARAMETER), None)
    if own is not None:
        own.delivered = str(result.image_count)
        return
    wanted = sum(branch.image_count for branch in branches)
    calls = [attempt for branch in branches for attempt in branch.attempts if attempt.delivered]
    if not result.missing_image_count and len(calls) < 2:
        return
    told = result.adjustments.add(
        parameter=PARAMETER,
        requested=str(wanted),
        sent=" + ".join(str(attempt.plan.request.image.image_count) for attempt in calls),
        delivered=str(result.image_count),
    )
    if result.missing_image_count:
        told.reason = f"{result.missing_image_count} of {wanted} pictures could not be made: {_because(branches)}."
        told.mode = event_pb2.ADJUSTMENT_MODE_CONVERTED
    else:
        told.reason = f"The pictures took {len(calls)} calls."
        told.mode = event_pb2.ADJUSTMENT_MODE_EMULATED


def _because(branches: Sequence[Branch]) -> str:
    """Why pictures are missing, in a few words: the last reason of a branch that is not complete."""
    failed: list[Attempt] = [
        attempt for branch in branches if branch.missing for attempt in branch.attempts if attempt.error is not None
    ]
    error = failed[-1].error if failed else None
    return reason_name(error.reason) if error is not None else "the provider delivered fewer than it was asked for"
