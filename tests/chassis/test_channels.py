"""One scenario at every kind of address: the same answers, errors, deadlines and cancellations, near and far."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2, router_pb2_grpc
from heliostat.chassis import telemetry
from heliostat.chassis.calls import call, current_call, stream
from heliostat.chassis.channels import Channels
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Service
from heliostat.chassis.server import MeshServer
from heliostat.chassis.settings import MeshSettings
from tests.support.servers import KINDS, served
from tests.support.toll import Toll


class Scripted(router_pb2_grpc.RouterServiceServicer):
    """Does what the request id says."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.sent: list[str] = []

    async def Generate(
        self, request: router_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[router_pb2.GenerateResponse]:
        try:
            for step in ("one", "two", "three"):
                yield said(step)
                self.sent.append(step)
            await self._end(request.request_id)
            incoming = current_call()
            assert incoming is not None
            yield said(f"{incoming.request_id} {incoming.authorization} {telemetry.current_trace_id()}")
        finally:
            self.closed.set()

    async def _end(self, what: str) -> None:
        if what == "mesh-error":
            failure = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_REFUSED, phase="submit")
            raise MeshError(
                reasons.ERROR_REASON_RATE_LIMITED,
                "Slow down.",
                retry_after_s=1.5,
                field="n",
                failure=failure,
                limit="5",
            )
        if what == "unforeseen":
            raise ValueError("sk-secret")
        if what == "hang":
            await asyncio.Event().wait()

    async def ListModels(self, request: router_pb2.ListModelsRequest, context: Any) -> router_pb2.ListModelsResponse:
        if request.model == "bad":
            raise MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "No such model.")
        if request.model == "hang":
            await asyncio.Event().wait()
        if request.model == "large":
            return router_pb2.ListModelsResponse(models=[router_pb2.Model(name="x" * (9 * 1024 * 1024))])
        return router_pb2.ListModelsResponse(models=[router_pb2.Model(name="m")])


def said(word: str) -> router_pb2.GenerateResponse:
    """A response that says one word."""
    event = event_pb2.ImageEvent(admitted=event_pb2.Admitted(request_id=word))
    return router_pb2.GenerateResponse(events=[event])


def service(servicer: Any) -> Service:
    """The router's service over `servicer`."""
    name = "heliostat.api.router.v1.RouterService"
    return Service(name, router_pb2_grpc.add_RouterServiceServicer_to_server, servicer)


@pytest.fixture(params=KINDS)
async def near_and_far(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Any, Scripted]]:
    """A stub at each kind of address, and the servicer behind it."""
    servicer = Scripted()
    async with served(request.param, [service(servicer)], tmp_path) as channel:
        yield router_pb2_grpc.RouterServiceStub(channel), servicer


async def words(stub: Any, what: str, **options: Any) -> list[str]:
    """All that one stream says."""
    async with stream(stub.Generate, router_pb2.GenerateRequest(request_id=what), **options) as responses:
        return [response.events[0].admitted.request_id async for response in responses]


async def test_a_stream_arrives_whole_with_its_context(near_and_far: tuple[Any, Scripted]) -> None:
    """Messages come in order; trace, request id and the caller's key travel as metadata."""
    stub, _ = near_and_far
    metadata = (("x-heliostat-request-id", "req_1"), ("authorization", "Bearer k"))
    with telemetry.span("test") as span:
        heard = await words(stub, "ok", timeout_s=30, metadata=metadata)
    assert heard == ["one", "two", "three", f"req_1 Bearer k {span.trace_id}"]


async def test_errors_arrive_whole(near_and_far: tuple[Any, Scripted]) -> None:
    """Reason, sentence, field, retry, metadata and how far the attempt came survive the way."""
    stub, _ = near_and_far
    with pytest.raises(MeshError) as caught:
        await words(stub, "mesh-error", timeout_s=30)
    error = caught.value
    assert (error.reason, error.message) == (reasons.ERROR_REASON_RATE_LIMITED, "Slow down.")
    assert (error.retry_after_s, error.field, error.metadata) == (1.5, "n", {"limit": "5"})
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.phase) == (event_pb2.OUTCOME_REFUSED, "submit")


async def test_unforeseen_errors_arrive_without_their_text(near_and_far: tuple[Any, Scripted]) -> None:
    """What nobody foresaw is INTERNAL, and its text stays where it happened."""
    stub, _ = near_and_far
    with pytest.raises(MeshError) as caught:
        await words(stub, "unforeseen", timeout_s=30)
    assert caught.value.reason == reasons.ERROR_REASON_INTERNAL
    assert "sk-secret" not in str(caught.value)


async def test_a_deadline_ends_a_stream(near_and_far: tuple[Any, Scripted]) -> None:
    """The caller gets DEADLINE_EXCEEDED and the servicer is closed."""
    stub, servicer = near_and_far
    with pytest.raises(MeshError) as caught:
        await words(stub, "hang", timeout_s=2)
    assert caught.value.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED
    await asyncio.wait_for(servicer.closed.wait(), 30)


async def test_leaving_the_block_cancels_the_servicer(near_and_far: tuple[Any, Scripted]) -> None:
    """Who opens a stream closes it, and closing reaches the other side."""
    stub, servicer = near_and_far
    async with stream(stub.Generate, router_pb2.GenerateRequest(request_id="hang")) as responses:
        async for _ in responses:
            break
    await asyncio.wait_for(servicer.closed.wait(), 30)


async def test_a_single_answer_its_error_and_its_deadline(near_and_far: tuple[Any, Scripted]) -> None:
    """Methods that give one message behave alike near and far."""
    stub, _ = near_and_far
    answer = await call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30)
    assert [model.name for model in answer.models] == ["m"]
    for what, reason in (
        ("bad", reasons.ERROR_REASON_MODEL_NOT_FOUND),
        ("hang", reasons.ERROR_REASON_DEADLINE_EXCEEDED),
    ):
        with pytest.raises(MeshError) as caught:
            await call(stub.ListModels, router_pb2.ListModelsRequest(model=what), timeout_s=2)
        assert caught.value.reason == reason


async def test_messages_over_the_limit_are_refused(near_and_far: tuple[Any, Scripted]) -> None:
    """8 MiB hold on every hop, in process too."""
    stub, _ = near_and_far
    with pytest.raises(MeshError) as caught:
        await call(stub.ListModels, router_pb2.ListModelsRequest(model="large"), timeout_s=30)
    assert caught.value.reason == reasons.ERROR_REASON_OVERLOADED


async def test_a_near_stream_is_a_rendezvous(tmp_path: Path) -> None:
    """In process the servicer goes on after a yield only when the reader asks for the next message."""
    servicer = Scripted()
    async with served("local", [service(servicer)], tmp_path) as channel:
        stub = router_pb2_grpc.RouterServiceStub(channel)
        async with stream(stub.Generate, router_pb2.GenerateRequest(request_id="ok")) as responses:
            await anext(responses)
            for _ in range(20):
                await asyncio.sleep(0)
            assert servicer.sent == []
            await anext(responses)
            assert servicer.sent == ["one"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:{folder}/nobody.sock"])
async def test_nobody_there_is_told_apart_from_a_lost_call(address: str, tmp_path: Path) -> None:
    """A connection that was never made is marked NOT_SENT: nothing can have been bought."""
    channels = Channels(MeshSettings())
    stub = router_pb2_grpc.RouterServiceStub(channels.channel(address.format(folder=tmp_path)))
    with pytest.raises(MeshError) as caught:
        await call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30)
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert caught.value.failure is not None
    assert caught.value.failure.outcome == event_pb2.OUTCOME_NOT_SENT
    await channels.close()


async def test_a_local_address_that_is_not_here_is_refused() -> None:
    """The sentence says what to do."""
    with pytest.raises(MeshError, match="run its target here or set its address"):
        Channels(MeshSettings()).channel("local:nobody")


async def test_a_connection_that_takes_its_time_is_waited_for() -> None:
    """Far away, or on a busy machine: the peer's first word comes after 0.7 s, and the call is answered."""
    server, channels = MeshServer([service(Scripted())], MeshSettings()), Channels(MeshSettings())
    port = int((await server.listen("127.0.0.1:0")).rpartition(":")[2])
    server.ready()
    async with Toll.to(("127.0.0.1", port)) as toll:
        toll.delay_s = 0.7
        stub = router_pb2_grpc.RouterServiceStub(channels.channel(f"127.0.0.1:{toll.port}"))
        try:
            answer = await call(stub.ListModels, router_pb2.ListModelsRequest(), timeout_s=30)
        finally:
            await channels.close()
            await server.stop(1)
    assert [model.name for model in answer.models] == ["m"]
