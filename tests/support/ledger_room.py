"""A ledger on real files, in front of a router that does what a test says."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2_grpc, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.calls import stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError, to_status
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Surroundings
from heliostat.chassis.money import to_money
from heliostat.chassis.settings import MeshSettings
from heliostat.ledger.module import LedgerPart
from heliostat.ledger.settings import LedgerSettings
from tests.support.stores import pictures_at, rows_at

PEPPER = b"p" * 32
PRICE = 40_000
Step = Any


@dataclass
class ScriptedRouter(router_pb2_grpc.RouterServiceServicer):
    """Plays a list of steps for each request: responses to yield, errors to raise, things to wait for or to do."""

    script: Callable[[router_pb2.GenerateRequest], Sequence[Step]]
    asked: list[router_pb2.GenerateRequest] = field(default_factory=list)
    cancelled: int = 0
    finished: int = 0
    is_free: bool = False
    given_up: list[router_pb2.GiveUpRequest] = field(default_factory=list)
    gave_up: asyncio.Event = field(default_factory=asyncio.Event)
    models: list[router_pb2.Model] = field(default_factory=lambda: [router_pb2.Model(name="flux-schnell")])

    async def Generate(self, request: Any, context: Any) -> AsyncIterator[router_pb2.GenerateResponse]:
        """Plays the script."""
        self.asked.append(request)
        try:
            for step in self.script(request):
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif callable(step):
                    step()
                else:
                    yield router_pb2.GenerateResponse(events=step)
            self.finished += 1
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise

    async def GiveUp(self, request: Any, context: Any) -> router_pb2.GiveUpResponse:
        """Notes who is given up, and says what the test says."""
        self.given_up.append(request)
        self.gave_up.set()
        return router_pb2.GiveUpResponse(attempt_count=1, free=self.is_free)

    async def Estimate(self, request: Any, context: Any) -> router_pb2.EstimateResponse:
        """Names a route."""
        return router_pb2.EstimateResponse(route=request.image.model)

    async def ListModels(self, request: Any, context: Any) -> router_pb2.ListModelsResponse:
        """Names the models that a test put here, or the one that is asked for."""
        found = [each for each in self.models if request.model in ("", each.name, *each.aliases)]
        if not found:
            raise MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "There is no such model.")
        return router_pb2.ListModelsResponse(models=found)

    async def ListProviders(self, request: Any, context: Any) -> router_pb2.ListProvidersResponse:
        """Names one provider."""
        return router_pb2.ListProvidersResponse(providers=[router_pb2.Provider(name=request.name or "fal")])

    async def DeliverWebhook(self, request: Any, context: Any) -> router_pb2.DeliverWebhookResponse:
        """Finds every job."""
        return router_pb2.DeliverWebhookResponse(found=True)


def picture_bytes(size: int = 3000, seed: int = 0) -> bytes:
    """Bytes that stand for an encoded picture; the ledger does not look into them."""
    return random.Random(seed).randbytes(size)


def started(request_id: str, ordinal: int = 1, cost: int | None = PRICE, target: str = "fal/x") -> list[Step]:
    """A target is chosen."""
    event = event_pb2.ImageEvent(attempt_id=f"{request_id}/0/{ordinal}")
    event.attempt_started.target = target
    event.attempt_started.provider, _, event.attempt_started.provider_model = target.partition("/")
    event.attempt_started.image_count = 1
    if cost is not None:
        event.attempt_started.estimated_cost.CopyFrom(to_money(cost))
    return [event]


def accepted(request_id: str, job_id: str = "job-1", ordinal: int = 1) -> list[Step]:
    """The provider took the work."""
    event = event_pb2.ImageEvent(attempt_id=f"{request_id}/0/{ordinal}")
    event.provider_accepted.provider_job_id = job_id
    return [event]


def picture(
    request_id: str, data: bytes, index: int = 0, ordinal: int = 1, chunk: int = 786_432, *, partial: bool = False
) -> list[Step]:
    """One picture whole; without bytes it is the provider's address."""
    attempt_id = f"{request_id}/0/{ordinal}"
    begins = event_pb2.ImageEvent(attempt_id=attempt_id)
    begins.media_started.image_index = index
    begins.media_started.media_type = "image/png"
    begins.media_started.width_px = begins.media_started.height_px = 64
    begins.media_started.partial = partial
    begins.media_started.uri = "" if data else "https://provider.example/picture.png"
    events = [begins]
    for offset in range(0, len(data), chunk):
        event = event_pb2.ImageEvent(attempt_id=attempt_id)
        event.media_chunk.image_index = index
        event.media_chunk.offset_bytes = offset
        event.media_chunk.data = data[offset : offset + chunk]
        events.append(event)
    ends = event_pb2.ImageEvent(attempt_id=attempt_id)
    ends.media_ended.image_index = index
    ends.media_ended.sha256 = hashlib.sha256(data).digest()
    ends.media_ended.size_bytes = len(data)
    return [*events, ends]


def attempt(request_id: str, ordinal: int = 1, cost: int = PRICE, **values: Any) -> event_pb2.Attempt:
    """An attempt that delivered, unless `values` say otherwise."""
    values.setdefault("outcome", event_pb2.OUTCOME_DELIVERED)
    values.setdefault("billed", event_pb2.BILLED_YES)
    values.setdefault("target", "fal/x")
    return event_pb2.Attempt(
        attempt_id=f"{request_id}/0/{ordinal}", provider="fal", cost=to_money(cost), image_count=1, **values
    )


def completed(request_id: str, *attempts: event_pb2.Attempt) -> list[Step]:
    """The answer is complete."""
    event = event_pb2.ImageEvent(attempt_id=attempts[-1].attempt_id if attempts else f"{request_id}/0/1")
    result = event.completed
    result.provider, result.provider_model, result.image_count = "fal", "x", 1
    result.attempts.extend(attempts or [attempt(request_id)])
    result.cost.amount.CopyFrom(to_money(PRICE))
    return [event]


def failed(
    request_id: str, error: MeshError, ordinal: int = 1, cost: int = 0, *, more: bool = False, **values: Any
) -> list[Step]:
    """An attempt failed."""
    event = event_pb2.ImageEvent(attempt_id=f"{request_id}/0/{ordinal}")
    told = attempt(request_id, ordinal, cost, **values)
    told.status.CopyFrom(to_status(error))
    event.attempt_failed.attempt.CopyFrom(told)
    event.attempt_failed.failing_over = more
    return [event]


def happy(data: bytes | None = None) -> Callable[[router_pb2.GenerateRequest], Sequence[Step]]:
    """One target, one picture."""
    content = picture_bytes() if data is None else data

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        return [started(name), [*accepted(name), *picture(name, content)], completed(name)]

    return script


@dataclass
class Room:
    """A running ledger, with what a test looks at."""

    router: ScriptedRouter
    part: LedgerPart
    database: Database
    blobs: Blobs
    clock: Clock
    generate: router_pb2_grpc.RouterServiceStub
    jobs: ledger_pb2_grpc.LedgerServiceStub
    admin: admin_pb2_grpc.LedgerAdminServiceStub

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""

        def read(connection: Any) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]

        return await self.database.read(read)

    async def run(self, request: router_pb2.GenerateRequest, key: str = "") -> list[event_pb2.ImageEvent]:
        """All events of a request. Raises what it failed with."""
        metadata = [("authorization", f"Bearer {key}")] if key else []
        events: list[event_pb2.ImageEvent] = []
        async with stream(self.generate.Generate, request, metadata=metadata) as responses:
            async for response in responses:
                events.extend(response.events)
        return events


def ask(
    prompt: str = "a sunset", delivery: request_pb2.Delivery = request_pb2.DELIVERY_BYTES, **fields: Any
) -> router_pb2.GenerateRequest:
    """A request for one picture."""
    image = request_pb2.ImageRequest(model="flux-schnell", prompt=prompt, image_count=1)
    image.text_to_image.SetInParent()
    image.output.delivery = delivery
    return router_pb2.GenerateRequest(image=image, **fields)


@asynccontextmanager
async def ledger(
    folder: Path,
    script: Callable[[router_pb2.GenerateRequest], Sequence[Step]],
    *,
    clock: Clock | None = None,
    sandbox: bool = True,
    url: str = "",
    busy_timeout_s: float = 5.0,
    **settings: Any,
) -> AsyncIterator[Room]:
    """Starts a ledger over `folder`; a second one over the same folder is a restart."""
    clock = clock or Clock()
    database = Database(
        url or rows_at(folder),
        synchronous="NORMAL",
        clock=clock,
        busy_timeout_s=busy_timeout_s,
        # A database that shares a busy machine with other tests is slow, not down.
        patience_s=20.0,
    )
    blobs = Blobs(pictures_at(folder))
    channels, routers, ledgers = Channels(MeshSettings()), LocalServer(), LocalServer()
    router = ScriptedRouter(script)
    router_pb2_grpc.add_RouterServiceServicer_to_server(router, routers)
    channels.offer("router", routers)
    channels.offer("ledger", ledgers)
    surroundings = Surroundings(
        name="ledger",
        channel=channels.channel,
        adapters={},
        blobs=blobs,
        database=lambda: database,
        clock=clock,
        dice=random.Random(1),
        state_dir=folder,
        sandbox=sandbox,
        secret=lambda purpose: PEPPER,
        draining=lambda: False,
    )
    part = LedgerPart(LedgerSettings(**{"open": True, **settings}), surroundings)
    for service in part.services:
        service.add(service.servicer, ledgers)
    await part.start()
    channel = channels.channel("local:ledger")
    try:
        yield Room(
            router,
            part,
            database,
            blobs,
            clock,
            router_pb2_grpc.RouterServiceStub(channel),
            ledger_pb2_grpc.LedgerServiceStub(channel),
            admin_pb2_grpc.LedgerAdminServiceStub(channel),
        )
    finally:
        await ledgers.stop(1)
        await part.stop()
        await routers.stop(1)
        await channels.close()
