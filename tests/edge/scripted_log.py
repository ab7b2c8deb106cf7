"""The part of a scripted ledger that remembers: it filters by the model only, and pages as the real one does."""

from abc import ABC, abstractmethod
from typing import Any

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError


class ScriptedLog(ABC):
    """Tells what a test put into it, and remembers how it was asked."""

    def forget(self) -> None:
        """Forgets everything."""
        self.log: list[ledger_pb2.Request] = []
        self.lists: list[ledger_pb2.ListRequestsRequest] = []
        self.usages: list[ledger_pb2.GetUsageRequest] = []
        self.usage = ledger_pb2.GetUsageResponse()
        self.balances: list[ledger_pb2.Balance] = []
        self.purged: set[str] = set()
        self.fails_after: int | None = None

    @abstractmethod
    def _note(self) -> None:
        """Remembers who asked; refuses strangers."""

    async def ListRequests(
        self, request: ledger_pb2.ListRequestsRequest, context: Any
    ) -> ledger_pb2.ListRequestsResponse:
        """A page; fails where the test says so."""
        self._note()
        asked = ledger_pb2.ListRequestsRequest()
        asked.CopyFrom(request)
        self.lists.append(asked)
        if self.fails_after is not None and len(self.lists) > self.fails_after:
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The database does not answer.")
        begin, size = int(request.page_token or 0), request.page_size or 20
        found = [each for each in self.log if request.filter.model in ("", each.model)]
        answer = ledger_pb2.ListRequestsResponse(requests=found[begin : begin + size])
        if begin + size < len(found):
            answer.next_page_token = str(begin + size)
        if not request.rows_only:
            answer.total_count, answer.ended_count, answer.success_count = len(found), 4, 3
            answer.total_cost.units = 2
            answer.total_reserved.nanos = 500_000_000
        return answer

    async def GetRequest(self, request: ledger_pb2.GetRequestRequest, context: Any) -> ledger_pb2.GetRequestResponse:
        """One request of the log."""
        self._note()
        for each in self.log:
            if each.request_id == request.request_id:
                return ledger_pb2.GetRequestResponse(request=each)
        raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no request of this id.", field="request_id")

    async def PurgeRequest(
        self, request: ledger_pb2.PurgeRequestRequest, context: Any
    ) -> ledger_pb2.PurgeRequestResponse:
        """Purges one request of the log."""
        await self.GetRequest(ledger_pb2.GetRequestRequest(request_id=request.request_id), context)
        before = request.request_id in self.purged
        self.purged.add(request.request_id)
        return ledger_pb2.PurgeRequestResponse(already_purged=before, media_count=0 if before else 1)

    async def GetUsage(self, request: ledger_pb2.GetUsageRequest, context: Any) -> ledger_pb2.GetUsageResponse:
        """What the test put here."""
        self._note()
        asked = ledger_pb2.GetUsageRequest()
        asked.CopyFrom(request)
        self.usages.append(asked)
        return self.usage

    async def GetBalance(self, request: ledger_pb2.GetBalanceRequest, context: Any) -> ledger_pb2.GetBalanceResponse:
        """What the test put here."""
        self._note()
        return ledger_pb2.GetBalanceResponse(balances=self.balances)
