"""A ledger and a router behind the operators' door, on a real socket: they tell what a test gave them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2 as ledger_admin_pb2
from heliostat.api.ledger.v1 import admin_pb2_grpc as ledger_admin_grpc
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import admin_pb2, admin_pb2_grpc
from heliostat.chassis.calls import current_call
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Service
from heliostat.chassis.money import to_money
from heliostat.chassis.server import MeshServer
from heliostat.chassis.settings import MeshSettings

NOW = 1_800_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def at(seconds: float) -> Timestamp:
    """A time some seconds after the tests' present."""
    made = Timestamp()
    made.FromMicroseconds(round((NOW + seconds) * 1e6))
    return made


def target(name: str, route: str = "sunny", **values: Any) -> admin_pb2.Target:
    """A target that takes requests."""
    told: dict[str, Any] = {
        "priority": 0,
        "weight": 1.0,
        "admin_state": admin_pb2.ADMIN_STATE_ENABLED,
        "health_state": admin_pb2.HEALTH_STATE_HEALTHY,
        "success_ratio": 1.0,
    }
    return admin_pb2.Target(name=name, route=route, **{**told, **values})


def record(request_id: str, **values: Any) -> ledger_pb2.Request:
    """A request that succeeded with one attempt and one picture."""
    told: dict[str, Any] = {
        "state": ledger_pb2.REQUEST_STATE_SUCCEEDED,
        "model": "sunny",
        "operation": "text_to_image",
        "create_time": at(-10),
        "end_time": at(-8),
        "cost": to_money(3000),
        "key_id": "key_1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "image_count": 1,
        "provider": "fal",
        "provider_model": "fal-ai/sun",
        "attempts": [attempt(f"{request_id}/0/0", outcome=event_pb2.OUTCOME_DELIVERED, billed=event_pb2.BILLED_YES)],
        "media": [media("0123456789abcdef.png")],
    }
    made = ledger_pb2.Request(request_id=request_id, **{**told, **values})
    if made.HasField("end_time"):
        made.duration.FromMicroseconds(made.end_time.ToMicroseconds() - made.create_time.ToMicroseconds())
    return made


def attempt(attempt_id: str, *, begin: float = -9.5, lasted: float | None = 1.0, **values: Any) -> event_pb2.Attempt:
    """An attempt that began `begin` seconds from now; one that is not over where `lasted` is None."""
    told: dict[str, Any] = {"target": "fal/fal-ai/sun", "provider": "fal", "provider_model": "fal-ai/sun"}
    made = event_pb2.Attempt(attempt_id=attempt_id, start_time=at(begin), **{**told, **values})
    if lasted is not None:
        made.duration.FromMicroseconds(round(lasted * 1e6))
    return made


def media(media_id: str, **values: Any) -> ledger_pb2.KeptMedia:
    """A kept picture."""
    told: dict[str, Any] = {
        "media_type": "image/png",
        "width_px": 640,
        "height_px": 480,
        "size_bytes": len(PNG),
        "expire_time": at(3600),
    }
    return ledger_pb2.KeptMedia(media_id=media_id, **{**told, **values})


class ScriptedRouter(admin_pb2_grpc.RouterAdminServiceServicer):
    """Targets in memory: changes are applied, written down with who made them, and told to those who watch."""

    def __init__(self) -> None:
        self.targets = [target("fal/fal-ai/sun"), target("compat/sun", priority=1)]
        self.asked: list[tuple[str, Any, str]] = []
        self.changes: list[admin_pb2.TargetChange] = []
        self.watchers: list[asyncio.Queue[admin_pb2.WatchTargetsResponse]] = []
        self.watched = 0

    def tell(self, *targets: admin_pb2.Target, events: Iterable[admin_pb2.OperatorEvent] = ()) -> None:
        """Changes targets, and tells who watches."""
        for fresh in targets:
            same = [i for i, held in enumerate(self.targets) if (held.route, held.name) == (fresh.route, fresh.name)]
            if same:
                self.targets[same[0]] = fresh
            else:
                self.targets.append(fresh)
        for queue in self.watchers:
            queue.put_nowait(admin_pb2.WatchTargetsResponse(targets=targets, events=events))

    async def ListTargets(self, request: Any, context: Any) -> admin_pb2.ListTargetsResponse:
        """All targets, or those of one route."""
        found = [each for each in self.targets if request.route in ("", each.route)]
        return admin_pb2.ListTargetsResponse(targets=found)

    async def UpdateTarget(self, request: Any, context: Any) -> admin_pb2.UpdateTargetResponse:
        """Applies the change."""
        self._note("update", request)
        for held in self.targets:
            if held.name == request.target.name and request.target.route in ("", held.route):
                for path in request.update_mask.paths:
                    setattr(held, path, getattr(request.target, path))
                held.overridden = not request.clear_override
                self.tell(held)
                return admin_pb2.UpdateTargetResponse(targets=[held])
        raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such target; look at the list.")

    async def ResetTarget(self, request: Any, context: Any) -> admin_pb2.ResetTargetResponse:
        """Notes it."""
        self._note("reset", request)
        return admin_pb2.ResetTargetResponse()

    async def ListTargetChanges(self, request: Any, context: Any) -> admin_pb2.ListTargetChangesResponse:
        """What the test gave."""
        return admin_pb2.ListTargetChangesResponse(changes=self.changes)

    async def WatchTargets(self, request: Any, context: Any) -> AsyncIterator[admin_pb2.WatchTargetsResponse]:
        """All targets, then what the test tells."""
        self.watched += 1
        queue: asyncio.Queue[admin_pb2.WatchTargetsResponse] = asyncio.Queue()
        self.watchers.append(queue)
        try:
            yield admin_pb2.WatchTargetsResponse(targets=self.targets)
            while True:
                yield await queue.get()
        finally:
            self.watchers.remove(queue)

    def _note(self, what: str, request: Any) -> None:
        incoming = current_call()
        self.asked.append((what, request, incoming.metadata.get("heliostat-operator", "") if incoming else ""))


class ScriptedLedger(ledger_admin_grpc.LedgerAdminServiceServicer):
    """Requests in memory."""

    def __init__(self) -> None:
        self.requests: dict[str, ledger_pb2.Request] = {}
        self.decisions: dict[str, event_pb2.Decision] = {}
        self.keys = [ledger_admin_pb2.Key(key_id="key_1", title="the app")]
        self.pictures = {"0123456789abcdef.png": PNG}
        self.filters: list[ledger_pb2.RequestFilter] = []
        self.purged: list[str] = []
        self.traffic = ledger_admin_pb2.WatchTrafficResponse()
        self.watchers: list[asyncio.Queue[ledger_admin_pb2.WatchTrafficResponse]] = []

    def keep(self, *requests: ledger_pb2.Request) -> None:
        """Keeps requests, the newest first."""
        self.requests.update({request.request_id: request for request in requests})

    def tell(self, traffic: ledger_admin_pb2.WatchTrafficResponse) -> None:
        """Tells who watches how many requests run."""
        self.traffic = traffic
        for queue in self.watchers:
            queue.put_nowait(traffic)

    async def ListAllRequests(self, request: Any, context: Any) -> ledger_admin_pb2.ListAllRequestsResponse:
        """Pages of what the test gave, by the model of the filter alone."""
        self.filters.append(request.filter)
        wanted = request.filter.model
        found = [each for each in self.requests.values() if wanted in ("", each.model)]
        begin, size = int(request.page_token or 0), request.page_size or 20
        token = str(begin + size) if begin + size < len(found) else ""
        return ledger_admin_pb2.ListAllRequestsResponse(
            requests=found[begin : begin + size], next_page_token=token, total_count=len(found)
        )

    async def GetDecisions(self, request: Any, context: Any) -> ledger_admin_pb2.GetDecisionsResponse:
        """The request with the decisions that the test gave."""
        found = self._found(request.request_id)
        if not self.decisions:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_GONE, "No decision is kept of this request.")
        told = [
            ledger_admin_pb2.AttemptDecision(attempt_id=each.attempt_id, decision=self.decisions.get(each.attempt_id))
            for each in found.attempts
        ]
        return ledger_admin_pb2.GetDecisionsResponse(request=found, decisions=told)

    async def GetAnyRequest(self, request: Any, context: Any) -> ledger_admin_pb2.GetAnyRequestResponse:
        """The request."""
        return ledger_admin_pb2.GetAnyRequestResponse(request=self._found(request.request_id))

    async def PurgeAnyRequest(self, request: Any, context: Any) -> ledger_admin_pb2.PurgeAnyRequestResponse:
        """Marks it as purged."""
        found = self._found(request.request_id)
        found.purged = True
        for each in found.media:
            each.purged = True
        self.purged.append(request.request_id)
        return ledger_admin_pb2.PurgeAnyRequestResponse(media_count=len(found.media))

    async def ListKeys(self, request: Any, context: Any) -> ledger_admin_pb2.ListKeysResponse:
        """The keys."""
        return ledger_admin_pb2.ListKeysResponse(keys=self.keys)

    async def ReadAnyMedia(self, request: Any, context: Any) -> AsyncIterator[ledger_admin_pb2.ReadAnyMediaResponse]:
        """The bytes of a picture, in slices, the first of them short."""
        data = self.pictures.get(request.media_id)
        if data is None:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_GONE, "The picture is not kept any more.")
        for start, end in pairwise((0, 100, *range(1_000_000, len(data), 1_000_000), max(100, len(data)))):
            yield ledger_admin_pb2.ReadAnyMediaResponse(chunk=media_pb2.MediaChunk(data=data[start:end]))

    async def WatchTraffic(self, request: Any, context: Any) -> AsyncIterator[ledger_admin_pb2.WatchTrafficResponse]:
        """How many requests run, as the test tells."""
        queue: asyncio.Queue[ledger_admin_pb2.WatchTrafficResponse] = asyncio.Queue()
        self.watchers.append(queue)
        try:
            yield self.traffic
            while True:
                yield await queue.get()
        finally:
            self.watchers.remove(queue)

    def _found(self, request_id: str) -> ledger_pb2.Request:
        found = self.requests.get(request_id)
        if found is None:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no request of this id.")
        return found


@dataclass
class Core:
    """Both, each on a unix socket of its own, so that one can be away without the other."""

    folder: str
    router: ScriptedRouter = field(default_factory=ScriptedRouter)
    ledger: ScriptedLedger = field(default_factory=ScriptedLedger)
    _servers: dict[str, MeshServer] = field(default_factory=dict)

    def address(self, who: str) -> str:
        """Where "router" or "ledger" is."""
        return f"unix:{self.folder}/{who}.sock"

    async def start(self, who: str) -> None:
        """Serves "router" or "ledger"."""
        add: dict[str, tuple[str, Callable[[Any, Any], None], Any]] = {
            "router": (
                "heliostat.api.router.v1.RouterAdminService",
                admin_pb2_grpc.add_RouterAdminServiceServicer_to_server,
                self.router,
            ),
            "ledger": (
                "heliostat.api.ledger.v1.LedgerAdminService",
                ledger_admin_grpc.add_LedgerAdminServiceServicer_to_server,
                self.ledger,
            ),
        }
        server = MeshServer([Service(*add[who])], MeshSettings())
        await server.listen(self.address(who))
        server.ready()
        self._servers[who] = server

    async def kill(self, who: str) -> None:
        """Ends "router" or "ledger" at once, calls under way included."""
        await self._servers.pop(who).stop(0)

    async def stop(self) -> None:
        """Ends both."""
        for who in list(self._servers):
            await self.kill(who)
