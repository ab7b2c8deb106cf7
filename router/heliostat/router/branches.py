"""A request for more pictures than one call gives: split into branches, their events merged, their results joined."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import event_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError, to_duration
from heliostat.chassis.money import to_micros, to_money
from heliostat.router.attempt import Attempt


@dataclass(slots=True)
class Branch:
    """A share of a request's pictures, with attempts of its own."""

    index: int
    first_index: int  # image_index of its first picture
    image_count: int
    exact: bool = True  # False: any number of pictures is the whole answer
    resume: router_pb2.ResumeAttempt | None = None
    attempts: list[Attempt] = field(default_factory=list)
    delivered: int = 0  # whole final pictures so far
    answered: bool = False  # some attempt succeeded
    error: MeshError | None = None  # why it could not be completed
    hopeless: bool = False  # the request itself was refused: other branches need not begin

    def add(self, attempt: Attempt) -> None:
        """Takes an attempt that is over."""
        self.attempts.append(attempt)
        self.delivered += attempt.delivered
        self.answered = self.answered or attempt.error is None

    @property
    def missing(self) -> int:
        """Pictures still to be made."""
        if self.exact:
            return max(0, self.image_count - self.delivered)
        return 0 if self.answered else self.image_count


def split(image_count: int, most: int | None) -> list[Branch]:
    """Branches of at most `most` pictures each (None: no limit), as even as can be. Pure."""
    count = 1 if most is None else -(-image_count // most)
    share, larger = divmod(image_count, count)
    branches = []
    first = 0
    for index in range(count):
        size = share + (index < larger)
        branches.append(Branch(index, first, size))
        first += size
    return branches


Run = Callable[[Branch], AsyncGenerator[router_pb2.GenerateResponse, None]]


async def merged(
    branches: Sequence[Branch], run: Run, at_once: int
) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
    """The messages of all branches as they come, at most `at_once` branches under way.

    A branch goes on when the reader asks for the message after its own, so whoever journals an attempt before asking
    for more has written it down before anything is bought.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[tuple[router_pb2.GenerateResponse, asyncio.Future[None]] | None] = asyncio.Queue()
    room = asyncio.Semaphore(at_once)

    async def follow(branch: Branch) -> None:
        try:
            async with room:
                if any(other.hopeless for other in branches):
                    return
                async with aclosing(run(branch)) as responses:
                    async for response in responses:
                        passed = loop.create_future()
                        told.put_nowait((response, passed))
                        await passed
        finally:
            told.put_nowait(None)

    tasks = [asyncio.create_task(follow(branch)) for branch in branches]
    under_way = len(tasks)
    try:
        while under_way:
            item = await told.get()
            if item is None:
                under_way -= 1
                continue
            response, passed = item
            yield response
            passed.set_result(None)
        for task in tasks:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def joined(branches: Sequence[Branch], queue_s: float) -> event_pb2.ImageResult:
    """The result of the whole request: what was delivered and billed, over all attempts of all branches. Pure."""
    attempts = [attempt for branch in branches for attempt in branch.attempts]
    results = [attempt.result for attempt in attempts if attempt.error is None and attempt.result is not None]
    joint = event_pb2.ImageResult()
    if results:
        joint.CopyFrom(results[0])
    else:  # whole pictures came, and then the attempt failed
        first = next(attempt.record for attempt in attempts if attempt.delivered)
        joint.provider, joint.provider_model, joint.account = first.provider, first.provider_model, first.account
    if len(results) > 1:
        _add_up(joint, results)
    _join_timing(joint, branches, queue_s)
    _join_cost(joint, attempts, results)
    joint.image_count = sum(attempt.delivered for attempt in attempts)
    joint.missing_image_count = sum(branch.missing for branch in branches)
    del joint.attempts[:]
    joint.attempts.extend(attempt.record for attempt in attempts)
    return joint


_COUNTERS = tuple(field.name for field in event_pb2.Usage.DESCRIPTOR.fields)


def _add_up(joint: event_pb2.ImageResult, results: Sequence[event_pb2.ImageResult]) -> None:
    """Usage of all results, and each of their adjustments once."""
    if any(result.HasField("usage") for result in results):
        for counter in _COUNTERS:
            setattr(joint.usage, counter, sum(getattr(result.usage, counter) for result in results))
    del joint.adjustments[:]
    seen: set[bytes] = set()
    for adjustment in (adjustment for result in results for adjustment in result.adjustments):
        key = adjustment.SerializeToString(deterministic=True)
        if key not in seen:
            seen.add(key)
            joint.adjustments.append(adjustment)


def _join_cost(
    joint: event_pb2.ImageResult, attempts: Iterable[Attempt], results: Sequence[event_pb2.ImageResult]
) -> None:
    """The sum of what is known to be billed; attempts of which nobody knows are listed and not summed."""
    billed = [
        attempt.record.cost
        for attempt in attempts
        if attempt.record.billed == event_pb2.BILLED_YES and attempt.record.HasField("cost")
    ]
    if not billed:
        return
    joint.cost.amount.CopyFrom(to_money(sum(to_micros(cost) for cost in billed)))
    if len(billed) > 1:
        sources = {result.cost.source for result in results}
        joint.cost.source = sources.pop() if len(sources) == 1 else event_pb2.COST_SOURCE_COMPUTED
        for kind in ("computed", "reported", "estimated"):
            _join_kind(joint, kind, results, len(billed))
        del joint.cost.components[:]
        joint.cost.components.extend(part for result in results for part in result.cost.components)
        joint.cost.doubt = next((result.cost.doubt for result in results if result.cost.doubt), "")


def _join_kind(joint: event_pb2.ImageResult, kind: str, results: Sequence[event_pb2.ImageResult], count: int) -> None:
    """The sum of one kind of amount, where all that was billed has it."""
    amounts = [getattr(result.cost, kind) for result in results if result.cost.HasField(kind)]
    joint.cost.ClearField(kind)
    if amounts and len(amounts) == count:
        getattr(joint.cost, kind).CopyFrom(to_money(sum(map(to_micros, amounts))))


_LEGS = ("provider", "download", "convert")


def _join_timing(joint: event_pb2.ImageResult, branches: Sequence[Branch], queue_s: float) -> None:
    """Branches run beside each other, attempts of one branch after each other: the longest branch counts."""
    joint.timing.queue.CopyFrom(to_duration(queue_s))
    if sum(attempt.result is not None for branch in branches for attempt in branch.attempts) <= 1:
        return
    for leg in _LEGS:
        spans = [
            sum(
                _seconds(getattr(attempt.result.timing, leg))
                for attempt in branch.attempts
                if attempt.error is None and attempt.result is not None
            )
            for branch in branches
        ]
        if any(spans):
            getattr(joint.timing, leg).CopyFrom(to_duration(max(spans)))


def _seconds(duration: Duration) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
