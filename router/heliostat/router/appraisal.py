"""What targets would charge for a request, as their adapters estimate it. No provider is called."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import to_micros, to_money
from heliostat.router.branches import split
from heliostat.router.peers import Peers
from heliostat.router.table import Target

log = get_logger("heliostat.router.appraisal")

_TIMEOUT_S = 5.0
# A request that waits to be sent does not wait long for prices.
_BRIEF_S = 1.0
_FRESH_S = 10.0
_REMEMBERED = 4096
_PROMPT_STEP = 256
# What says nothing about the price.
_WHOSE = ("prompt", "model", "end_user_id", "session_id", "tags", "routing")

_Known = tuple[float, int | None]


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What one target would charge and change. `problem` is why its adapter would refuse the request; empty mostly."""

    estimate: adapter_pb2.EstimateResponse
    call_count: int
    problem: str = ""


class Appraiser:
    """Asks adapters for estimates."""

    def __init__(self, peers: Peers, clock: Clock) -> None:
        self._peers = peers
        self._clock = clock
        self._known: dict[tuple[str, bytes], _Known] = {}

    async def appraise(
        self, targets: Sequence[Target], image: request_pb2.ImageRequest, most: Callable[[Target], int | None]
    ) -> Mapping[str, "Appraisal"]:
        """What each target by name would charge, asked for at once.

        `most` tells how many pictures one call of a target gives: a request for more is priced call by call.
        """
        appraisals = await asyncio.gather(*(self._appraise(each, image, most(each), _TIMEOUT_S) for each in targets))
        return {target.name: appraisal for target, appraisal in zip(targets, appraisals, strict=True)}

    async def _appraise(
        self, target: Target, image: request_pb2.ImageRequest, most: int | None, timeout_s: float
    ) -> "Appraisal":
        branches = split(max(1, image.image_count), most)
        shares = Counter(branch.image_count for branch in branches)
        asked = []
        for count in shares:
            share = request_pb2.ImageRequest()
            share.CopyFrom(image)
            share.image_count = count
            asked.append(self._estimate(target, share, timeout_s))
        try:
            answers = await asyncio.gather(*asked)
        except MeshError as error:
            log.debug("no estimate", target=target.name, reason=reason_name(error.reason))
            return Appraisal(adapter_pb2.EstimateResponse(), len(branches), error.message)
        return Appraisal(_summed(list(zip(answers, shares.values(), strict=True))), len(branches))

    async def preview(self, target: Target, image: request_pb2.ImageRequest) -> adapter_pb2.EstimateResponse:
        """The estimate of one call with the mask as the target understands it. Raises what its adapter refuses."""
        request = adapter_pb2.EstimateRequest(
            provider_model=target.provider_model, image=image, account=target.account, mask_preview=True
        )
        return await call(self._peers.adapter(target.adapter).Estimate, request, timeout_s=_TIMEOUT_S)

    async def prices(
        self, targets: Sequence[Target], image: request_pb2.ImageRequest, most: Callable[[Target], int | None]
    ) -> Mapping[str, int | None]:
        """Expected costs in micro-dollars by target name, None where nobody knows; some seconds old at most.

        Requests that differ in nothing but their words are taken to cost the same where the words are about as many.
        An adapter that does not answer within a second is taken not to know.
        """
        shape = _shape(image)
        now = self._clock.monotonic()
        known = {target.name: self._remembered(target, shape, now) for target in targets}
        missing = [target for target in targets if known[target.name] is None]
        asked = await asyncio.gather(*(self._appraise(each, image, most(each), _BRIEF_S) for each in missing))
        prices = {name: found[1] for name, found in known.items() if found is not None}
        for target, appraisal in zip(missing, asked, strict=True):
            cost = appraisal.estimate.cost
            micros = to_micros(cost.amount) if cost.HasField("amount") else None
            prices[target.name] = micros
            if shape:
                self._remember(target, shape, (now + _FRESH_S, micros))
        return prices

    def _remembered(self, target: Target, shape: bytes, now: float) -> _Known | None:
        known = self._known.get((target.name, shape)) if shape else None
        return known if known is not None and now < known[0] else None

    def _remember(self, target: Target, shape: bytes, known: _Known) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[target.name, shape] = known

    async def _estimate(
        self, target: Target, image: request_pb2.ImageRequest, timeout_s: float
    ) -> adapter_pb2.EstimateResponse:
        request = adapter_pb2.EstimateRequest(provider_model=target.provider_model, image=image, account=target.account)
        return await call(self._peers.adapter(target.adapter).Estimate, request, timeout_s=timeout_s)


def _summed(answers: Sequence[tuple[adapter_pb2.EstimateResponse, int]]) -> adapter_pb2.EstimateResponse:
    """Estimates of calls, each made so many times, as one. Its cost is known where that of every call is."""
    summed = adapter_pb2.EstimateResponse()
    summed.CopyFrom(answers[0][0])
    if sum(times for _, times in answers) == 1:
        return summed
    cost = summed.cost
    if not all(answer.cost.HasField("amount") for answer, _ in answers):
        summed.ClearField("cost")
        return summed
    cost.amount.CopyFrom(to_money(sum(to_micros(answer.cost.amount) * times for answer, times in answers)))
    cost.estimated.CopyFrom(cost.amount)
    del cost.components[:]
    for answer, times in answers:
        for part in answer.cost.components:
            added = cost.components.add()
            added.CopyFrom(part)
            added.quantity, added.billable_quantity = part.quantity * times, part.billable_quantity * times
            added.total.CopyFrom(to_money(to_micros(part.total) * times))
    return summed


def _shape(image: request_pb2.ImageRequest) -> bytes:
    """What the price of a request depends on; empty where it has pictures of its own: those are asked for each time."""
    if image.references or image.WhichOneof("operation") not in (None, "text_to_image"):
        return b""
    shape = request_pb2.ImageRequest()
    shape.CopyFrom(image)
    for name in _WHOSE:
        shape.ClearField(name)
    words = len(image.prompt) // _PROMPT_STEP
    return b"%d:" % words + shape.SerializeToString(deterministic=True)
