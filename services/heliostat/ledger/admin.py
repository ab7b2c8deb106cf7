"""LedgerAdminService: keys, budgets, and everybody's requests. It stands on the operators' door only."""

from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, to_money
from heliostat.ledger.arms import Arms, window_of
from heliostat.ledger.budgets import TOTAL, WINDOWS, Budgets, Standing
from heliostat.ledger.callers import SANDBOX, Callers
from heliostat.ledger.keys import changed, check_key
from heliostat.ledger.requests import ANYBODY, Requests, balance, page_size
from heliostat.ledger.traffic import Traffic
from heliostat.ledger.unknowns import Unknowns

_LEAST_SECRET_CHARACTERS = 8
_MOST_OVERLAP_S = 30 * 86_400


class LedgerAdmin(admin_pb2_grpc.LedgerAdminServiceServicer):
    """What operators may do."""

    def __init__(
        self,
        callers: Callers,
        budgets: Budgets,
        requests: Requests,
        *,
        arms: Arms,
        unknowns: Unknowns,
        traffic: Traffic,
        sandbox: bool,
    ) -> None:
        self._callers = callers
        self._budgets = budgets
        self._requests = requests
        self._arms = arms
        self._unknowns = unknowns
        self._traffic = traffic
        self._sandbox = sandbox

    async def CreateKey(self, request: admin_pb2.CreateKeyRequest, context: Any) -> admin_pb2.CreateKeyResponse:
        """Makes a key. Raises INVALID_FIELD where it says what cannot be kept: nothing is taken and then ignored."""
        check_key(request.key)
        if request.secret:
            check_fixed_key(request.secret, sandbox=self._sandbox)
        key, secret = await self._callers.create(request.key, request.secret)
        return admin_pb2.CreateKeyResponse(key=key, secret=secret)

    async def ListKeys(self, request: admin_pb2.ListKeysRequest, context: Any) -> admin_pb2.ListKeysResponse:
        """Lists keys, newest first."""
        size = page_size(request.page_size)
        if request.page_token and not request.page_token.isdecimal():
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD, "The page token is not one of ours.", field="page_token"
            )
        before_us = int(request.page_token) if request.page_token else None
        keys = await self._callers.list(size=size + 1, before_us=before_us, revoked=request.show_revoked)
        token = str(keys[size - 1].create_time.ToMicroseconds()) if len(keys) > size else ""
        return admin_pb2.ListKeysResponse(keys=keys[:size], next_page_token=token)

    async def UpdateKey(self, request: admin_pb2.UpdateKeyRequest, context: Any) -> admin_pb2.UpdateKeyResponse:
        """Changes what the mask names. Raises INVALID_FIELD, RESOURCE_NOT_FOUND."""
        asked, mask = request.key, request.update_mask
        key = await self._callers.update(asked.key_id, lambda held: changed(held, asked, mask))
        return admin_pb2.UpdateKeyResponse(key=key)

    async def RotateKey(self, request: admin_pb2.RotateKeyRequest, context: Any) -> admin_pb2.RotateKeyResponse:
        """Gives a key another secret. Raises INVALID_FIELD, RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        overlap_s = request.overlap.seconds + request.overlap.nanos / 1e9
        if not 0 <= overlap_s <= _MOST_OVERLAP_S:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "Two secrets stand side by side for 30 days at most.",
                field="overlap",
            )
        if request.key_id == SANDBOX:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "The key of a sandbox is the one of its configuration; change it there.",
                field="key_id",
            )
        key, secret = await self._callers.rotate(request.key_id, overlap_s)
        return admin_pb2.RotateKeyResponse(key=key, secret=secret)

    async def RevokeKey(self, request: admin_pb2.RevokeKeyRequest, context: Any) -> admin_pb2.RevokeKeyResponse:
        """Revokes a key."""
        return admin_pb2.RevokeKeyResponse(key=await self._callers.revoke(request.key_id))

    async def SetBudget(self, request: admin_pb2.SetBudgetRequest, context: Any) -> admin_pb2.SetBudgetResponse:
        """Sets or removes a budget of a key, or of all keys together. Raises INVALID_FIELD, RESOURCE_NOT_FOUND."""
        budget = request.budget
        window = budget.window or TOTAL
        if window not in WINDOWS:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                'The window of a budget is "day", "month" or "total"; send one of them.',
                field="budget.window",
            )
        limit = to_micros(budget.limit)
        if limit < 0 or budget.limit.currency_code not in ("", "USD"):
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD, "A budget is 0 or more US dollars.", field="budget.limit"
            )
        if budget.key_id:
            await self._callers.get(budget.key_id)
        return admin_pb2.SetBudgetResponse(budget=_budget(await self._budgets.set(budget.key_id, window, limit)))

    async def ListBudgets(self, request: admin_pb2.ListBudgetsRequest, context: Any) -> admin_pb2.ListBudgetsResponse:
        """Lists budgets; the spend cap of the configuration is among them."""
        standings = await self._budgets.standings((request.key_id,) if request.key_id else None)
        return admin_pb2.ListBudgetsResponse(budgets=[_budget(each) for each in standings])

    async def ListAllRequests(
        self, request: admin_pb2.ListAllRequestsRequest, context: Any
    ) -> admin_pb2.ListAllRequestsResponse:
        """Everybody's requests, newest first."""
        page = await self._requests.page(request, ANYBODY)
        return admin_pb2.ListAllRequestsResponse(**page)

    async def GetAnyRequest(
        self, request: admin_pb2.GetAnyRequestRequest, context: Any
    ) -> admin_pb2.GetAnyRequestResponse:
        """Any request."""
        return admin_pb2.GetAnyRequestResponse(request=await self._requests.get(request.request_id, ANYBODY))

    async def GetTotalUsage(
        self, request: admin_pb2.GetTotalUsageRequest, context: Any
    ) -> admin_pb2.GetTotalUsageResponse:
        """What everybody used, by group. Raises INVALID_FIELD."""
        report = await self._requests.usage.report(request.filter, request.group_by, ANYBODY)
        return admin_pb2.GetTotalUsageResponse(**report)

    async def GetAllArms(self, request: admin_pb2.GetAllArmsRequest, context: Any) -> admin_pb2.GetAllArmsResponse:
        """How the targets of a model fared."""
        report = await self._arms.report(request.model, *window_of(request), request.key_id or ANYBODY)
        return admin_pb2.GetAllArmsResponse(**report)

    async def GetDecisions(
        self, request: admin_pb2.GetDecisionsRequest, context: Any
    ) -> admin_pb2.GetDecisionsResponse:
        """What was decided for a request. Raises RESOURCE_NOT_FOUND, and RESOURCE_GONE where no decision is kept."""
        record, decisions = await self._requests.decisions(request.request_id)
        return admin_pb2.GetDecisionsResponse(request=record, decisions=decisions)

    async def ListUnknownAttempts(
        self, request: admin_pb2.ListUnknownAttemptsRequest, context: Any
    ) -> admin_pb2.ListUnknownAttemptsResponse:
        """Attempts that may have been bought, and nobody knows yet. Raises INVALID_FIELD."""
        return await self._unknowns.page(page_size(request.page_size), request.page_token)

    async def PurgeAnyRequest(
        self, request: admin_pb2.PurgeAnyRequestRequest, context: Any
    ) -> admin_pb2.PurgeAnyRequestResponse:
        """Removes prompt, inputs and pictures of any request."""
        already, count = await self._requests.purge(request.request_id, ANYBODY)
        return admin_pb2.PurgeAnyRequestResponse(already_purged=already, media_count=count)

    async def ReadAnyMedia(
        self, request: admin_pb2.ReadAnyMediaRequest, context: Any
    ) -> AsyncIterator[admin_pb2.ReadAnyMediaResponse]:
        """The bytes of any kept picture. Raises RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        async for chunk in self._requests.chunks(request.media_id, ANYBODY):
            yield admin_pb2.ReadAnyMediaResponse(chunk=chunk)

    def WatchTraffic(
        self, request: admin_pb2.WatchTrafficRequest, context: Any
    ) -> AsyncIterator[admin_pb2.WatchTrafficResponse]:
        """How many requests are under way here, now and as that changes."""
        return self._traffic.watch()

    def WatchRepeats(
        self, request: admin_pb2.WatchRepeatsRequest, context: Any
    ) -> AsyncIterator[admin_pb2.WatchRepeatsResponse]:
        """Which requests were repeated here, now and as that changes."""
        return self._traffic.watch_repeats()


def check_fixed_key(key: str, *, sandbox: bool) -> None:
    """Raises CALLER_FORBIDDEN outside of a sandbox, INVALID_FIELD for a key that is too short or holds a space."""
    if not sandbox:
        raise MeshError(
            reasons.ERROR_REASON_CALLER_FORBIDDEN,
            "Only a sandbox takes a key of your own; leave it empty.",
            field="secret",
        )
    if len(key) < _LEAST_SECRET_CHARACTERS or any(character.isspace() for character in key):
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"A key has at least {_LEAST_SECRET_CHARACTERS} characters and no spaces.",
            field="secret",
        )


def _budget(standing: Standing) -> admin_pb2.Budget:
    return admin_pb2.Budget(
        key_id=standing.key_id, window=standing.window, limit=to_money(standing.limit), balance=balance(standing)
    )
