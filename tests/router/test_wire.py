"""Adapters behind real sockets: refused connections, connections that are lost, and adapters that come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.adapter.v1.adapter_pb2_grpc import add_AdapterServiceServicer_to_server
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import from_status
from heliostat.chassis.modules import Service
from heliostat.chassis.server import MeshServer
from heliostat.chassis.settings import MeshSettings
from tests.support.ports import deaf_port
from tests.support.router_room import Answer, RouterRoom, picture_of, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, accepted, capability, delivers, fails, picture, stalls
from tests.support.servers import served as served_at
from tests.support.toll import Toll


@asynccontextmanager
async def served(adapter: ScriptedAdapter) -> AsyncIterator[int]:
    """The adapter behind a real server on loopback; gives its port."""
    service = Service("heliostat.api.adapter.v1.AdapterService", add_AdapterServiceServicer_to_server, adapter)
    server = MeshServer([service], MeshSettings())
    try:
        bound = await server.listen("127.0.0.1:0")
        server.ready()
        yield int(bound.rpartition(":")[2])
    finally:
        await server.stop(0)


async def known(room: RouterRoom, target: str) -> None:
    """Waits until the adapter of the target has described itself."""
    available = False
    while not available:
        models = (await room.stub.ListModels(router_pb2.ListModelsRequest(model="m"))).models
        available = any(told.target == target and told.available for told in models[0].targets)


async def test_a_refused_connection_is_free_and_the_next_target_answers() -> None:
    """Nothing reached the provider: not sent, not billed, no cancel."""
    second = ScriptedAdapter("b")
    with deaf_port() as port:
        addresses = {"a": f"127.0.0.1:{port}"}
        async with running_router([second], route("a/model", "b/model"), addresses=addresses) as room:
            answer = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    first, _ = answer.result.attempts
    assert (first.outcome, first.billed) == (event_pb2.OUTCOME_NOT_SENT, event_pb2.BILLED_NO)
    assert from_status(first.status).reason == reasons.ERROR_REASON_MESH_UNAVAILABLE


async def test_a_lost_connection_is_unknown_and_the_adapter_serves_again_when_it_is_back() -> None:
    """The request ends at the next target, the attempt stays unknown, and later requests go to the first one again."""
    adapter, second = ScriptedAdapter("a", [stalls(accepted("job-9")), delivers()]), ScriptedAdapter("b")
    async with served(adapter) as port, Toll.to(("127.0.0.1", port)) as cable:
        addresses = {"a": f"127.0.0.1:{cable.port}"}
        async with running_router([second], route("a/model", "b/model"), addresses=addresses) as room:
            await known(room, "a/model")
            answer = Answer()
            async with aclosing(room.events(picture_of(), 20)) as messages:
                async for message in messages:
                    answer.messages.append(message)
                    if any(event.HasField("provider_accepted") for event in message.events):
                        cable.closed = True
                        cable.cut()
            cable.closed = False
            again = await room.ask()
            while again.result.provider != "a":
                again = await room.ask()
    assert answer.asked == ["a/model", "b/model"]
    lost, _ = answer.result.attempts
    assert (lost.outcome, lost.billed) == (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_UNKNOWN)
    assert lost.provider_job_id == "job-9"
    assert again.error is None


async def test_a_time_out_travels_over_the_wire() -> None:
    """The adapter's stream is cancelled, its cancel is called, and the attempt is the provider's time-out."""
    adapter = ScriptedAdapter("a", [stalls(accepted("job-9"))])
    async with served(adapter) as port:
        targets = {"target": "a/model", "timeout_s": 2.0}
        async with running_router([], route(targets), addresses={"a": f"127.0.0.1:{port}"}) as room:
            answer = await room.ask()
            await asyncio.wait_for(adapter.cancelled.wait(), 30)
            await asyncio.wait_for(adapter.left.wait(), 30)
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
    assert answer.error.metadata["provider_job_id"] == "job-9"


class Replaying(ScriptedAdapter):
    """An adapter that keeps what it sends."""

    def __init__(self, events: list[event_pb2.ImageEvent], **fields: Any) -> None:
        super().__init__("a", **fields)
        ends = event_pb2.ImageEvent(completed=event_pb2.ImageResult(image_count=1))
        self.sent = [adapter_pb2.GenerateResponse(events=events), adapter_pb2.GenerateResponse(events=[ends])]

    async def Generate(self, request: Any, context: Any) -> AsyncIterator[adapter_pb2.GenerateResponse]:
        """The kept messages."""
        for message in self.sent:
            yield message


def test_an_adapters_message_is_a_routers_message_on_the_wire() -> None:
    """What the router relays as it came: one field of one type and number, written by either's generated code."""
    ours, theirs = router_pb2.GenerateResponse, adapter_pb2.GenerateResponse
    told = [[(one.name, one.number, one.message_type) for one in each.DESCRIPTOR.fields] for each in (ours, theirs)]
    assert told[0] == told[1]
    message = theirs(events=picture(0))
    assert list(ours.FromString(ours.SerializeToString(message)).events) == picture(0)


async def test_a_picture_is_relayed_without_a_copy() -> None:
    """In process, the message with the bytes is the adapter's own."""
    adapter = Replaying(picture(0))
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask()
    assert any(message is adapter.sent[0] for message in answer.messages)
    assert answer.result.image_count == 1


async def test_an_adapters_message_is_never_changed() -> None:
    """Where a picture's place must be, a copy is made."""
    adapter = Replaying(picture(0), models=[capability(max_image_count=1)])
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(image_count=2)
    assert sorted(one.image_index for one in answer.of("media_started")) == [0, 1]
    assert list(adapter.sent[0].events) == picture(0)
    assert not adapter.sent[1].events[0].completed.attempts


async def test_a_relayed_picture_comes_out_of_the_routers_own_wire(tmp_path: Path) -> None:
    """The same events for a caller in another process."""
    adapter = Replaying(picture(0))
    async with running_router([adapter], route("a/model")) as room:
        near = await room.ask()
        async with served_at("unix", list(room.router.services), tmp_path) as channel:
            request = router_pb2.GenerateRequest(image=picture_of(), request_id="req_far")
            far = Answer()
            async with stream(RouterServiceStub(channel).Generate, request, timeout_s=30) as messages:
                async for message in messages:
                    far.messages.append(message)
    assert {type(message) for message in far.messages} == {router_pb2.GenerateResponse}
    assert far.of("media_chunk") == near.of("media_chunk")
    assert far.result.image_count == 1


async def test_events_are_the_same_in_process_and_over_a_wire() -> None:
    """Kinds, attempts, pictures and costs do not depend on the address."""

    def script() -> list[object]:
        return [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, before=picture(0, partial=True)), delivers()]

    told = []
    for near in (True, False):
        adapters = [ScriptedAdapter(name, script()) for name in "ab"]  # type: ignore[arg-type]
        async with served(adapters[0]) as first, served(adapters[1]) as second:
            far = {"a": f"127.0.0.1:{first}", "b": f"127.0.0.1:{second}"}
            async with running_router(adapters, route("a/model", "b/model"), addresses=None if near else far) as room:
                await known(room, "b/model")
                answers = [await room.ask(image_count=2) for _ in range(2)]
        told.append(
            [
                [(event.WhichOneof("event"), event.attempt_id) for answer in answers for event in answer.events],
                [(answer.error is None, answer.asked, len(answer.of("completed"))) for answer in answers],
            ]
        )
    assert told[0] == told[1]
