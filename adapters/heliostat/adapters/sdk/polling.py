"""Waiting for a provider's job: adaptive polls within the call's deadline, woken by webhooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.refusals import Answer
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

FIRST_S = 0.1
GROWTH = 1.3
LONGEST_S = 2.0
PATIENCE_S = 30.0
_TRANSIENT = frozenset(
    {
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
        reasons.ERROR_REASON_PROVIDER_TIMEOUT,
        reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID,
        reasons.ERROR_REASON_RATE_LIMITED,
        reasons.ERROR_REASON_PROVIDER_AUTH_FAILED,
        reasons.ERROR_REASON_PROVIDER_MODEL_GONE,
    }
)


async def poll(
    call: Call,
    ask: Callable[[], Awaitable[Answer]],
    *,
    first_s: float = FIRST_S,
    longest_s: float = LONGEST_S,
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[Answer]:
    """Yields answer after answer until the caller stops asking (break when the job is done).

    Waits `first_s` before the first poll, then 1.3 times longer each time up to `longest_s`, with jitter; a webhook
    for the attempt ends a wait at once. Errors that a job outlives (5xx, time-out, 429, 401, 404) are borne for
    `patience_s` in a row, with the same waits. At the call's deadline raises PROVIDER_TIMEOUT with the job id.

    Where the call only looks, one answer or error comes at once, and PROVIDER_TIMEOUT where the caller asks for more.
    """
    if call.look_only:
        yield await ask()
        raise _goes_on(call, "The provider's job is still under way.")
    wait_s = first_s
    sour_since: float | None = None
    while True:
        await _rest(call, wait_s * (0.9 + 0.2 * call.dice.random()))
        wait_s = min(wait_s * GROWTH, longest_s)
        try:
            answer = await ask()
        except MeshError as error:
            now = call.clock.monotonic()
            sour_since = now if sour_since is None else sour_since
            if error.reason not in _TRANSIENT or now - sour_since > patience_s:
                raise
            if error.retry_after_s is not None:
                wait_s = max(wait_s, min(error.retry_after_s, longest_s * 5))
            continue
        sour_since = None
        yield answer


async def _rest(call: Call, wait_s: float) -> None:
    remaining = call.time_remaining_s()
    if remaining <= 0:
        message = "The provider's job did not end in time; it may go on and be charged. Ask for it by its job id later."
        raise _goes_on(call, message)
    try:
        await asyncio.wait_for(call.wake.wait(), min(wait_s, remaining))
    except TimeoutError:
        return
    call.wake.clear()


def _goes_on(call: Call, message: str) -> MeshError:
    """The error of a job that is not over: nobody knows yet what it costs."""
    return call.error(
        reasons.ERROR_REASON_PROVIDER_TIMEOUT,
        message,
        outcome=event_pb2.OUTCOME_ACCEPTED,
        billed=event_pb2.BILLED_UNKNOWN,
        phase="poll",
    )
