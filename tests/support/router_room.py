"""A router alone: its adapters are scripted, its street is in process."""

import asyncio
import random
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from heliostat.api.adapter.v1.adapter_pb2_grpc import add_AdapterServiceServicer_to_server
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.router.v1 import admin_pb2_grpc, router_pb2, router_pb2_grpc
from heliostat.chassis.calls import stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.clock import Clock
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Surroundings
from heliostat.chassis.settings import MeshSettings
from heliostat.router.module import MODULE, Router
from heliostat.router.settings import RouterSettings
from heliostat.router.store import MIGRATIONS
from tests.support.scripted_adapter import ScriptedAdapter
from tests.support.stores import FAR, rows_at

REQUEST_ID = "req_test"


@dataclass
class Answer:
    """What came back for one request."""

    messages: list[router_pb2.GenerateResponse] = field(default_factory=list)
    error: MeshError | None = None

    @property
    def events(self) -> list[event_pb2.ImageEvent]:
        """All events in order."""
        return [event for message in self.messages for event in message.events]

    def of(self, kind: str) -> list[Any]:
        """All events of one kind, in order."""
        return [getattr(event, kind) for event in self.events if event.WhichOneof("event") == kind]

    @property
    def result(self) -> event_pb2.ImageResult:
        """What the one `completed` says."""
        (result,) = self.of("completed")
        return cast(event_pb2.ImageResult, result)

    @property
    def asked(self) -> list[str]:
        """Targets in the order in which they were asked."""
        return [started.target for started in self.of("attempt_started")]


class RouterRoom:
    """A running router and stubs of it."""

    def __init__(self, router: Router, channels: Channels) -> None:
        self.router = router
        channel = channels.channel("local:router")
        self.stub = router_pb2_grpc.RouterServiceStub(channel)
        self.admin = admin_pb2_grpc.RouterAdminServiceStub(channel)

    async def ask(
        self,
        image: request_pb2.ImageRequest | None = None,
        *,
        timeout_s: float | None = 20.0,
        resume: Sequence[router_pb2.ResumeAttempt] = (),
        **fields: Any,
    ) -> Answer:
        """One request, read to its end; `fields` are those of an ImageRequest of the model "m"."""
        answer = Answer()
        try:
            async with aclosing(self.events(image or picture_of(**fields), timeout_s, resume)) as messages:
                async for message in messages:
                    answer.messages.append(message)
        except MeshError as error:
            answer.error = error
        return answer

    async def events(
        self, image: request_pb2.ImageRequest, timeout_s: float | None, resume: Sequence[router_pb2.ResumeAttempt] = ()
    ) -> AsyncGenerator[router_pb2.GenerateResponse, None]:
        """The messages of one request as they come; leaving the iterator leaves the request."""
        request = router_pb2.GenerateRequest(image=image, request_id=REQUEST_ID, resume=resume)
        async with stream(self.stub.Generate, request, timeout_s=timeout_s) as messages:
            async for message in messages:
                yield message


def picture_of(model: str = "m", prompt: str = "a boat", **fields: Any) -> request_pb2.ImageRequest:
    """A request for a picture."""
    return request_pb2.ImageRequest(model=model, prompt=prompt, **fields)


def route(*targets: str | dict[str, Any], model: str = "m", **fields: Any) -> dict[str, Any]:
    """A route as the configuration writes it; targets given as text have the priorities 0, 1, 2…"""
    entries = [
        {"target": target, "priority": place} if isinstance(target, str) else target
        for place, target in enumerate(targets)
    ]
    return {"model": model, "targets": entries, **fields}


@cache
def _migrated() -> bytes:
    """An SQLite file with the router's tables, made once: a copy costs less than the migration."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "heliostat.db"

        async def make() -> None:
            database = Database(f"sqlite:///{file}")
            await database.start([MIGRATIONS])
            await database.stop()

        with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop runs here
            thread.submit(asyncio.run, make()).result()
        return file.read_bytes()


@contextmanager
def _own_database(clock: Clock | None) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        if FAR:
            yield Database(rows_at(Path(folder)), clock=clock, patience_s=20)
            return
        file = Path(folder) / "heliostat.db"
        file.write_bytes(_migrated())
        yield Database(f"sqlite:///{file}", synchronous="NORMAL", clock=clock, patience_s=20)


@asynccontextmanager
async def running_router(
    adapters: Sequence[ScriptedAdapter],
    *routes: dict[str, Any],
    clock: Clock | None = None,
    addresses: Mapping[str, str] | None = None,
    database: Database | None = None,
    **settings: Any,
) -> AsyncIterator[RouterRoom]:
    """A router over `adapters`, which have described themselves. `addresses` names adapters that are elsewhere.

    It keeps what operators change in `database`, or in one of its own.
    """
    with _own_database(clock) if database is None else nullcontext(database) as kept:
        async with _running(adapters, routes, clock or Clock(), addresses or {}, kept, settings) as room:
            yield room


@asynccontextmanager
async def _running(
    adapters: Sequence[ScriptedAdapter],
    routes: Sequence[dict[str, Any]],
    clock: Clock,
    addresses: Mapping[str, str],
    database: Database,
    settings: Mapping[str, Any],
) -> AsyncIterator[RouterRoom]:
    channels = Channels(MeshSettings())
    servers = []
    for adapter in adapters:
        server = LocalServer()
        add_AdapterServiceServicer_to_server(adapter, server)
        channels.offer(f"adapter-{adapter.provider}", server)
        servers.append(server)
    surroundings = Surroundings(
        name="router",
        channel=channels.channel,
        adapters={
            **{adapter.provider: f"local:adapter-{adapter.provider}" for adapter in adapters},
            **addresses,
        },
        blobs=cast(Any, None),
        database=lambda: database,
        clock=clock,
        dice=random.Random(7),
        state_dir=Path(),
        sandbox=True,
        secret=lambda purpose: bytes(32),
        draining=lambda: False,
    )
    router = cast(Router, MODULE.build(RouterSettings(routes=cast(Any, routes), **settings), surroundings))
    own = LocalServer()
    for service in router.services:
        service.add(service.servicer, own)
    channels.offer("router", own)
    await router.start()
    room = RouterRoom(router, channels)
    await room.stub.ListModels(router_pb2.ListModelsRequest())
    try:
        yield room
    finally:
        await own.stop(0)
        await router.stop()
        for server in servers:
            await server.stop(0)
        await channels.close()
