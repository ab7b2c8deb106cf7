"""SandboxService: what operators of a sandbox may do to its providers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.sandbox.v1 import sandbox_pb2, sandbox_pb2_grpc
from heliostat.rehearsal.faults import steps_of
from heliostat.rehearsal.processes import Processes
from heliostat.rehearsal.stage import Stage


class SandboxFace(sandbox_pb2_grpc.SandboxServiceServicer):
    """Hands on to the stage and to the processes."""

    def __init__(self, stage: Stage, processes: Processes) -> None:
        self._stage = stage
        self._processes = processes

    async def ListProviders(
        self, request: sandbox_pb2.ListProvidersRequest, context: Any
    ) -> sandbox_pb2.ListProvidersResponse:
        """All emulated providers."""
        return sandbox_pb2.ListProvidersResponse(providers=self._stage.providers())

    async def SetFault(self, request: sandbox_pb2.SetFaultRequest, context: Any) -> sandbox_pb2.SetFaultResponse:
        """Lets a provider fail. Raises INVALID_FIELD, RESOURCE_NOT_FOUND, MESH_UNAVAILABLE."""
        provider = await self._stage.script(request.provider, steps_of(request.fault))
        return sandbox_pb2.SetFaultResponse(provider=provider)

    async def ClearFaults(
        self, request: sandbox_pb2.ClearFaultsRequest, context: Any
    ) -> sandbox_pb2.ClearFaultsResponse:
        """Lets providers behave. Raises RESOURCE_NOT_FOUND, MESH_UNAVAILABLE."""
        await self._stage.clear(request.provider)
        return sandbox_pb2.ClearFaultsResponse()

    async def GetCounters(
        self, request: sandbox_pb2.GetCountersRequest, context: Any
    ) -> sandbox_pb2.GetCountersResponse:
        """Both bills."""
        return sandbox_pb2.GetCountersResponse(counters=self._stage.counters())

    def WatchSandbox(
        self, request: sandbox_pb2.WatchSandboxRequest, context: Any
    ) -> AsyncIterator[sandbox_pb2.WatchSandboxResponse]:
        """Providers and counters, now and as they change."""
        return self._stage.watch()

    async def KillAdapter(
        self, request: sandbox_pb2.KillAdapterRequest, context: Any
    ) -> sandbox_pb2.KillAdapterResponse:
        """Kills an adapter. Raises INVALID_FIELD, RESOURCE_NOT_FOUND."""
        await asyncio.to_thread(self._processes.kill, request.adapter)
        return sandbox_pb2.KillAdapterResponse()
