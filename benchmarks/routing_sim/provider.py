"""Providers of the simulation: answers that take time, and everything that may go wrong, by the virtual clock."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

MODEL = "model"
_REFUSED = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_REFUSED)
_UNREACHED = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_NOT_SENT, phase="connect")

Kind = Literal["outage", "unreachable", "errors", "slow", "storm"]


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong from `start` to `end`, in virtual seconds.

    outage: every call fails at once. unreachable: no connection is made, after `size` seconds. errors: a share of
    `size` fails. slow: answers take `size` times as long. storm: beyond `size` calls per second there is a 429.
    """

    kind: Kind
    start: float
    end: float
    size: float = 1.0


class Provider(adapter_pb2_grpc.AdapterServiceServicer):
    """One provider with one model, shared by all replicas."""

    def __init__(
        self, name: str, typical_s: float, dice: random.Random, troubles: Sequence[Trouble] = (), spread: float = 0.3
    ) -> None:
        """Answers take about `typical_s` seconds, log-normally spread."""
        self.name = name
        self.calls: list[float] = []
        self._typical_s = typical_s
        self._dice = dice
        self._troubles = tuple(troubles)
        self._spread = spread
        self._lately: deque[float] = deque()

    async def Describe(self, request: adapter_pb2.DescribeRequest, context: Any) -> adapter_pb2.DescribeResponse:
        """One model that draws from words."""
        capability = capability_pb2.Capability(
            provider_model=MODEL, operations=[capability_pb2.OPERATION_TEXT_TO_IMAGE], max_image_count=1
        )
        account = adapter_pb2.Account(configured=True)
        return adapter_pb2.DescribeResponse(provider=self.name, models=[capability], accounts=[account])

    async def Generate(
        self, request: adapter_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[adapter_pb2.GenerateResponse]:
        """A small picture, unless there is trouble."""
        now = asyncio.get_running_loop().time()
        self.calls.append(now)
        duration_s = self._typical_s * self._dice.lognormvariate(0.0, self._spread)
        for trouble in self._troubles:
            if trouble.start <= now < trouble.end:
                duration_s *= await self._suffer(trouble, now)
        yield adapter_pb2.GenerateResponse(events=[_ACCEPTED])
        await asyncio.sleep(duration_s)
        yield self._picture()

    async def Cancel(self, request: adapter_pb2.CancelRequest, context: Any) -> adapter_pb2.CancelResponse:
        """There is never anything to cancel any more."""
        return adapter_pb2.CancelResponse()

    async def _suffer(self, trouble: Trouble, now: float) -> float:
        """How many times longer the answer takes. Raises what the trouble makes of the call."""
        if trouble.kind == "slow":
            return trouble.size
        if trouble.kind == "unreachable":
            await asyncio.sleep(trouble.size)
            raise _failure(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, _UNREACHED)
        if trouble.kind == "storm":
            while self._lately and self._lately[0] <= now - 1.0:
                self._lately.popleft()
            if len(self._lately) >= trouble.size:
                raise _failure(reasons.ERROR_REASON_RATE_LIMITED, _REFUSED, 1.0)
            self._lately.append(now)
            return 1.0
        if trouble.kind == "outage" or self._dice.random() < trouble.size:
            await asyncio.sleep(0.05)
            raise _failure(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, _REFUSED)
        return 1.0

    def _picture(self) -> adapter_pb2.GenerateResponse:
        response = adapter_pb2.GenerateResponse(events=_PICTURE)
        response.events.add().completed.provider = self.name
        return response


def _failure(reason: int, failure: event_pb2.AttemptFailure, retry_after_s: float | None = None) -> MeshError:
    return MeshError(reason, "Trouble, as the simulation has it.", failure=failure, retry_after_s=retry_after_s)


_ACCEPTED = event_pb2.ImageEvent(provider_accepted=event_pb2.ProviderAccepted())
_PICTURE = (
    event_pb2.ImageEvent(media_started=media_pb2.MediaInfo(media_type="image/png", width_px=1, height_px=1)),
    event_pb2.ImageEvent(media_chunk=media_pb2.MediaChunk(data=b"picture")),
    event_pb2.ImageEvent(media_ended=media_pb2.MediaEnded(size_bytes=7)),
)
