"""Waiting for a provider's job: looks when pace.py expects something, within the call's deadline, woken by webhooks."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.pace import LONGEST_S, STEP_S, wait_s
from heliostat.adapters.sdk.refusals import Answer
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

PATIENCE_S = 30.0
_GROWTH = 1.3
_BREATH_S = 0.02  # after an answer that took longer than the wait was to be
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
    first_s: float | None = None,
    longest_s: float | None = None,
    patience_s: float = PATIENCE_S,
) -> AsyncGenerator[Answer]:
    """Yields answer after answer until the caller stops asking (break when the job is done).

    When to look is learned from earlier jobs of the kind, see pace.py; a webhook for the attempt ends a wait at once.
    An adapter whose provider has a rule of its own gives `first_s`, the wait before the first look in seconds, or
    `longest_s`: then waits grow 1.3 times each from the one to the other, and nothing is learned.

    Errors that a job outlives (5xx, time-out, 429, 401, 404) are borne for `patience_s` in a row. Raises
    PROVIDER_TIMEOUT with the job id at the call's deadline.

    Where the call only looks, one answer or error comes at once, and PROVIDER_TIMEOUT where the caller asks for more.
    """
    if call.look_only:
        yield await ask()
        raise _goes_on(call, "The provider's job is still under way.")
    given = first_s is not None or longest_s is not None
    waits: _Given | _Learned = _Given(first_s, longest_s) if given else _Learned(call)
    most_s = 5 * (LONGEST_S if longest_s is None else longest_s)
    sour_since: float | None = None
    while True:
        woken = await _rest(call, waits.next_s(call))
        waits.looks(call, woken=woken)
        try:
            answer = await ask()
        except MeshError as error:
            now = call.clock.monotonic()
            sour_since = now if sour_since is None else sour_since
            if error.reason not in _TRANSIENT or now - sour_since > patience_s:
                raise
            retry_s = None if error.retry_after_s is None else min(error.retry_after_s, most_s)
            waits.refused(call, retry_s, limited=error.reason == reasons.ERROR_REASON_RATE_LIMITED)
            continue
        sour_since = None
        waits.answered()
        yield answer


class _Given:
    """Waits as the adapter has them."""

    def __init__(self, first_s: float | None, longest_s: float | None) -> None:
        self._wait_s = STEP_S if first_s is None else first_s
        self._longest_s = LONGEST_S if longest_s is None else longest_s

    def next_s(self, call: Call) -> float:
        """The wait before the next look."""
        now_s = self._wait_s * (0.9 + 0.2 * call.dice.random())
        self._wait_s = min(self._wait_s * _GROWTH or STEP_S, self._longest_s)
        return now_s

    def looks(self, call: Call, *, woken: bool) -> None:
        """A look begins."""

    def refused(self, call: Call, retry_s: float | None, *, limited: bool) -> None:
        """The provider gave no answer to a look."""
        self._wait_s = max(self._wait_s, retry_s or 0.0)

    def answered(self) -> None:
        """The provider gave an answer to a look."""


class _Learned:
    """Waits by what earlier jobs took. Looks are counted from beginning to beginning, however long an answer takes."""

    def __init__(self, call: Call) -> None:
        self._began = self._looked = self._known = call.clock.monotonic()
        # How long a job that is gone on with has run already is not known.
        self._is_new = not call.resume_provider_job_id
        self._window = call.durations.window(call.kind) if self._is_new else None
        self._least_s = 0.0
        self._sour_s = 0.0

    def next_s(self, call: Call) -> float:
        """The wait before the next look."""
        chance = call.dice.random()
        if self._sour_s:
            return max(self._sour_s * (0.9 + 0.2 * chance), self._least_s, call.durations.floor_s)
        end = call.progress.end()
        foretold = None if end is None else end - self._began
        planned_s = wait_s(self._window, self._looked - self._began, chance, foretold)
        answering_s = call.clock.monotonic() - self._looked
        return max(planned_s - answering_s, call.durations.floor_s, _BREATH_S)

    def looks(self, call: Call, *, woken: bool) -> None:
        """A look begins: if the job is over now, it ended since the last one, or just now where a webhook says so."""
        now = self._looked = call.clock.monotonic()
        if self._is_new:
            call.looked_s = now - self._began, (now if woken else self._known) - self._began

    def refused(self, call: Call, retry_s: float | None, *, limited: bool) -> None:
        """The provider gave no answer to a look."""
        if limited:
            call.durations.slow_down(retry_s)
        self._least_s = retry_s or 0.0
        self._sour_s = min(max(STEP_S, _GROWTH * self._sour_s), LONGEST_S)

    def answered(self) -> None:
        """The provider gave an answer to a look."""
        self._known, self._sour_s, self._least_s = self._looked, 0.0, 0.0


async def _rest(call: Call, seconds: float) -> bool:
    """True where a webhook ended the wait."""
    remaining = call.time_remaining_s()
    if remaining <= 0:
        message = "The provider's job did not end in time; it may go on and be charged. Ask for it by its job id later."
        raise _goes_on(call, message)
    try:
        await asyncio.wait_for(call.wake.wait(), min(seconds, remaining))
    except TimeoutError:
        return False
    call.wake.clear()
    return True


def _goes_on(call: Call, message: str) -> MeshError:
    """The error of a job that is not over: nobody knows yet what it costs."""
    return call.error(
        reasons.ERROR_REASON_PROVIDER_TIMEOUT,
        message,
        outcome=event_pb2.OUTCOME_ACCEPTED,
        billed=event_pb2.BILLED_UNKNOWN,
        phase="poll",
    )
