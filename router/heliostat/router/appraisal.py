"""What targets would charge for a request, as their adapters estimate it. No provider is called."""

import asyncio
from collections.abc import Mapping, Sequence

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.logs import get_logger
from heliostat.chassis.money import to_micros
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


class Appraiser:
    """Asks adapters for estimates."""

    def __init__(self, peers: Peers, clock: Clock) -> None:
        self._peers = peers
        self._clock = clock
        self._known: dict[tuple[str, bytes], _Known] = {}

    async def appraise(
        self, targets: Sequence[Target], image: request_pb2.ImageRequest
    ) -> list[tuple[Target, adapter_pb2.EstimateResponse]]:
        """An estimate for each target, asked for at once; empty for one whose adapter does not give it."""
        estimates = await asyncio.gather(*(self._ask(target, image, _TIMEOUT_S) for target in targets))
        return list(zip(targets, estimates, strict=True))

    async def prices(self, targets: Sequence[Target], image: request_pb2.ImageRequest) -> Mapping[str, int | None]:
        """Expected costs in micro-dollars by target name, None where nobody knows; some seconds old at most.

        Requests that differ in nothing but their words are taken to cost the same where the words are about as many.
        An adapter that does not answer within a second is taken not to know.
        """
        shape = _shape(image)
        now = self._clock.monotonic()
        known = {target.name: self._remembered(target, shape, now) for target in targets}
        missing = [target for target in targets if known[target.name] is None]
        asked = await asyncio.gather(*(self._ask(target, image, _BRIEF_S) for target in missing))
        prices = {name: found[1] for name, found in known.items() if found is not None}
        for target, estimate in zip(missing, asked, strict=True):
            micros = to_micros(estimate.cost.amount) if estimate.cost.HasField("amount") else None
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

    async def _ask(
        self, target: Target, image: request_pb2.ImageRequest, timeout_s: float
    ) -> adapter_pb2.EstimateResponse:
        request = adapter_pb2.EstimateRequest(provider_model=target.provider_model, image=image)
        try:
            return await call(self._peers.adapter(target.adapter).Estimate, request, timeout_s=timeout_s)
        except MeshError as error:
            log.debug("no estimate", target=target.name, reason=reason_name(error.reason))
            return adapter_pb2.EstimateResponse()


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
