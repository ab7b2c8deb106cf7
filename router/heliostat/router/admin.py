"""RouterAdminService: thin."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.calls import current_call
from heliostat.chassis.errors import MeshError
from heliostat.router.board import Board, timestamp
from heliostat.router.control import Control
from heliostat.router.explain import Explainer
from heliostat.router.store import Change
from heliostat.router.watching import Watchers

OPERATOR = "heliostat-operator"
"""Metadata in which operators say who they are."""

_MOST_WHO = 200
_PAGE = 100
_MOST_PAGE = 1000


class RouterAdminServicer(admin_pb2_grpc.RouterAdminServiceServicer):
    """Shows operators the targets and why a request would go where, and takes their changes."""

    def __init__(self, explainer: Explainer, board: Board, control: Control, watchers: Watchers) -> None:
        self._explainer = explainer
        self._board = board
        self._control = control
        self._watchers = watchers

    async def ListTargets(self, request: admin_pb2.ListTargetsRequest, context: Any) -> admin_pb2.ListTargetsResponse:
        """Every target with its state."""
        return admin_pb2.ListTargetsResponse(targets=self._board.targets(request.route))

    async def ExplainRequest(
        self, request: admin_pb2.ExplainRequestRequest, context: Any
    ) -> admin_pb2.ExplainRequestResponse:
        """Why each target would be eligible or not, or was for one of the last requests. Raises RESOURCE_NOT_FOUND."""
        if request.request_id:
            explained = self._explainer.explain_past(request.request_id)
        else:
            explained = await self._explainer.explain(request.image)
        return admin_pb2.ExplainRequestResponse(targets=explained.targets, decision=explained.decision)

    async def UpdateTarget(
        self, request: admin_pb2.UpdateTargetRequest, context: Any
    ) -> admin_pb2.UpdateTargetResponse:
        """Overrides what the mask names, or goes back to the configuration."""
        who = _who(context)
        if request.clear_override:
            if request.update_mask.paths:
                raise MeshError(
                    reasons.ERROR_REASON_INVALID_FIELD,
                    "Either clear_override or an update_mask: one goes back to the configuration, the other leaves it.",
                    field="clear_override",
                )
            targets = await self._control.clear(request.target.name, request.target.route, who)
        else:
            targets = await self._control.update(request.target, request.update_mask.paths, who)
        return admin_pb2.UpdateTargetResponse(targets=targets)

    async def ResetTarget(self, request: admin_pb2.ResetTargetRequest, context: Any) -> admin_pb2.ResetTargetResponse:
        """Forgets failures and pauses, on every replica."""
        return admin_pb2.ResetTargetResponse(targets=await self._control.reset(request.name, _who(context)))

    def WatchTargets(
        self, request: admin_pb2.WatchTargetsRequest, context: Any
    ) -> AsyncGenerator[admin_pb2.WatchTargetsResponse, None]:
        """All targets, then changes and events."""
        return self._watchers.watch(request.route, with_calls=request.with_calls)

    async def ListTargetChanges(
        self, request: admin_pb2.ListTargetChangesRequest, context: Any
    ) -> admin_pb2.ListTargetChangesResponse:
        """Who changed what, the newest first."""
        token = request.page_token
        if token and not (token.isascii() and token.isdecimal()):
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD, "The page token is not one of ours.", field="page_token"
            )
        size = min(request.page_size, _MOST_PAGE) if request.page_size > 0 else _PAGE
        found = await self._control.changes(request.target, size + 1, int(token) if token else None)
        more = str(found[size - 1].change_id) if len(found) > size else ""
        return admin_pb2.ListTargetChangesResponse(changes=map(_told, found[:size]), next_page_token=more)


def _told(change: Change) -> admin_pb2.TargetChange:
    return admin_pb2.TargetChange(
        time=timestamp(change.time_us / 1e6),
        who=change.who,
        what=change.what,
        target=change.target,
        route=change.route,
        before=change.before,
        after=change.after,
    )


def _who(context: Any) -> str:
    """Who calls: by the certificate, where there is one, and by what they say themselves."""
    incoming = current_call()
    said = incoming.metadata.get(OPERATOR, "") if incoming is not None else ""
    said = "".join(character for character in said if character.isprintable())[:_MOST_WHO]
    connection: Mapping[str, Sequence[bytes]] = getattr(context, "auth_context", dict)()
    shown = connection.get("x509_common_name", ())
    proven = ", ".join(name.decode(errors="replace") for name in shown)[:_MOST_WHO]
    if proven and said:
        return f"{said} ({proven})"
    return proven or said or "somebody"
