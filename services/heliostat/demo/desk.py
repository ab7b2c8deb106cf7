"""The sandbox's controls, as the demo uses them: faults by word, and both bills."""

import asyncio
from dataclasses import dataclass
from typing import Any

from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.api.sandbox.v1.sandbox_pb2_grpc import SandboxServiceStub
from heliostat.chassis.calls import call, stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.money import to_micros
from heliostat.chassis.settings import MeshSettings

_ASK_S = 10.0
FAULTS = {
    "down": sandbox_pb2.FAULT_KIND_DOWN,
    "rate limited": sandbox_pb2.FAULT_KIND_RATE_LIMITED,
    "slow": sandbox_pb2.FAULT_KIND_SLOW,
}


@dataclass(frozen=True)
class Bills:
    """Both bills: pictures and micro-USD."""

    pictures: int = 0
    micros: int = 0
    naive_pictures: int = 0
    naive_micros: int = 0


class Controls:
    """SandboxService behind the operators' door."""

    def __init__(self, door: str) -> None:
        self._channels = Channels(MeshSettings())
        self._stub = SandboxServiceStub(self._channels.channel(door))

    async def fail(self, provider: str, how: str, wait_s: float = 1) -> None:
        """Lets a provider fail: "down", "rate limited" (Retry-After of `wait_s`) or "slow" (by `wait_s`)."""
        fault = sandbox_pb2.Fault(kind=FAULTS[how])
        fault.wait.FromMicroseconds(round(wait_s * 1e6))
        await self._ask(self._stub.SetFault, sandbox_pb2.SetFaultRequest(provider=provider, fault=fault))

    async def mend(self, provider: str = "") -> None:
        """Lets it behave again, or all of them."""
        await self._ask(self._stub.ClearFaults, sandbox_pb2.ClearFaultsRequest(provider=provider))

    async def bills(self, at_least_micros: int) -> Bills:
        """What the providers billed, and what they would have billed without a gateway, once the last bill is in.

        `at_least_micros` is what the answers said they cost. Raises TimeoutError where that much is never billed.
        """
        async with asyncio.timeout(_ASK_S), stream(self._stub.WatchSandbox, sandbox_pb2.WatchSandboxRequest()) as news:
            async for each in news:
                told = each.counters
                if to_micros(told.billed.cost) >= at_least_micros:
                    return Bills(
                        told.billed.picture_count,
                        to_micros(told.billed.cost),
                        told.without_gateway.picture_count,
                        to_micros(told.without_gateway.cost),
                    )
        raise RuntimeError("the sandbox ended before it had told its bills")

    async def close(self) -> None:
        """Lets the connection go."""
        await self._channels.close()

    async def _ask(self, method: Any, request: Any) -> Any:
        return await call(method, request, timeout_s=_ASK_S)
