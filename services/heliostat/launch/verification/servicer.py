"""Stands before an adapter and keeps its purchases within a purse."""

from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros
from heliostat.launch.verification.purse import Purse

_FREE = {event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED}


class Metered(adapter_pb2_grpc.AdapterServiceServicer):
    """Passes every call on; a purchase is reserved before and settled after."""

    def __init__(self, behind: Any, purse: Purse) -> None:
        """`behind` is the adapter's servicer, or an object of the same face."""
        self._behind = behind
        self._purse = purse

    async def Describe(self, request: adapter_pb2.DescribeRequest, context: Any) -> adapter_pb2.DescribeResponse:
        """As the adapter says."""
        answer: adapter_pb2.DescribeResponse = await self._behind.Describe(request, context)
        return answer

    async def Estimate(self, request: adapter_pb2.EstimateRequest, context: Any) -> adapter_pb2.EstimateResponse:
        """As the adapter says."""
        answer: adapter_pb2.EstimateResponse = await self._behind.Estimate(request, context)
        return answer

    async def Generate(
        self, request: adapter_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[adapter_pb2.GenerateResponse]:
        """The adapter's events. Raises BUDGET_EXHAUSTED before the adapter hears of it."""
        if request.resume_provider_job_id or request.look_only:
            async for response in self._behind.Generate(request, context):
                yield response
            return
        pictures = max(1, request.image.image_count)
        expected = self._purse.reserve(pictures)
        try:
            async for response in self._behind.Generate(request, context):
                if response.events and response.events[-1].HasField("completed"):
                    cost = response.events[-1].completed.cost
                    if cost.HasField("amount"):
                        self._purse.settle(expected, to_micros(cost.amount))
                yield response
        except MeshError as error:
            if error.failure is not None and error.failure.outcome in _FREE:
                self._purse.give_back(expected, pictures)
            raise

    async def Cancel(self, request: adapter_pb2.CancelRequest, context: Any) -> adapter_pb2.CancelResponse:
        """As the adapter says."""
        answer: adapter_pb2.CancelResponse = await self._behind.Cancel(request, context)
        return answer

    async def DeliverWebhook(
        self, request: adapter_pb2.DeliverWebhookRequest, context: Any
    ) -> adapter_pb2.DeliverWebhookResponse:
        """As the adapter says."""
        answer: adapter_pb2.DeliverWebhookResponse = await self._behind.DeliverWebhook(request, context)
        return answer


def make_stub(channel: Any) -> adapter_pb2_grpc.AdapterServiceStub:
    """A stub of an adapter."""
    return adapter_pb2_grpc.AdapterServiceStub(channel)
