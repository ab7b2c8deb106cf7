"""Callers may leave: what is free is given up, what may have been bought goes on, is kept and is found again."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import (
    Room,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    ledger,
    picture,
    picture_bytes,
    started,
)

DATA = picture_bytes(1000)
NOW = Duration()


def waits_at(gate: asyncio.Event, *, bought: bool, cost: int | None = 40_000) -> Callable[[Any], Sequence[Any]]:
    """Stops at the gate before, or after, the provider accepted."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        steps = [accepted(name)] if bought else []
        return [started(name, cost=cost), *steps, gate, picture(name, DATA), completed(name)]

    return script


async def leave_after(room: Room, kind: str, **fields: Any) -> str:
    """Reads until an event of `kind` came, then closes the stream; gives the request's id."""
    name = ""
    async with stream(room.generate.Generate, ask(progressive=True, **fields)) as responses:
        async for response in responses:
            for event in response.events:
                name = name or event.admitted.request_id
                if event.WhichOneof("event") == kind:
                    return name
    raise AssertionError(f"no {kind}")


async def job(room: Room, name: str) -> ledger_pb2.Request:
    """The job as its caller sees it."""
    answer = await call(room.jobs.GetJob, ledger_pb2.GetJobRequest(request_id=name))
    record: ledger_pb2.Request = answer.request
    return record


async def ended(room: Room, name: str) -> ledger_pb2.Request:
    """The job once it is over."""
    while (record := await job(room, name)).state == ledger_pb2.REQUEST_STATE_RUNNING:
        await asyncio.sleep(0.001)
    return record


async def follow(room: Room, name: str, **fields: Any) -> list[event_pb2.ImageEvent]:
    """All events of WaitJob."""
    events: list[event_pb2.ImageEvent] = []
    async with stream(room.jobs.WaitJob, ledger_pb2.WaitJobRequest(request_id=name, **fields)) as responses:
        async for response in responses:
            events.extend(response.events)
    return events


async def test_what_is_free_is_given_up(tmp_path: Path) -> None:
    """At a target that costs nothing the run is cancelled through to the router, and its provider is not asked."""
    async with ledger(tmp_path, waits_at(asyncio.Event(), bought=True, cost=0), gone_s=0) as room:
        name = await leave_after(room, "provider_accepted")
        record = await ended(room, name)
        assert room.router.cancelled == 1
        assert room.router.given_up == []
    assert record.state == ledger_pb2.REQUEST_STATE_CANCELLED
    assert record.client_gone


async def test_what_no_target_was_asked_for_is_given_up(tmp_path: Path) -> None:
    """A request that still waits for a target ends with its caller."""
    waiting = event_pb2.ImageEvent(waiting=event_pb2.Waiting(queue_position=1))
    async with ledger(tmp_path, lambda request: [[waiting], asyncio.Event()], gone_s=0) as room:
        name = await leave_after(room, "waiting")
        record = await ended(room, name)
    assert record.state == ledger_pb2.REQUEST_STATE_CANCELLED
    assert list(record.attempts) == []


async def test_a_provider_takes_back_for_free_what_nobody_waits_for(tmp_path: Path) -> None:
    """The router is asked to end only what is free; what the provider says of it is what the attempt cost: nothing."""
    error = MeshError(reasons.ERROR_REASON_CANCELLED, "The attempt was cancelled.")
    gave_up = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        free = failed(name, error, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        return [started(name), accepted(name), gave_up, free, error]

    async with ledger(tmp_path, script, gone_s=0) as room:
        room.router.is_free, room.router.gave_up = True, gave_up
        name = await leave_after(room, "provider_accepted")
        record = await ended(room, name)
    assert [each.only_free for each in room.router.given_up] == [True]
    assert (record.state, record.client_gone) == (ledger_pb2.REQUEST_STATE_CANCELLED, True)
    assert record.attempts[0].billed == event_pb2.BILLED_NO
    assert record.reserved.nanos == record.cost.nanos == 0


async def test_a_target_that_was_asked_may_have_taken_the_work(tmp_path: Path) -> None:
    """A synchronous provider says nothing before it is done: its picture is waited for, kept and paid."""
    gate = asyncio.Event()
    async with ledger(tmp_path, waits_at(gate, bought=False), gone_s=0) as room:
        name = await leave_after(room, "attempt_started")
        await room.router.gave_up.wait()
        gate.set()
        record = await ended(room, name)
    assert (record.state, record.client_gone) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, True)
    assert record.cost.nanos == 40_000_000


async def test_what_was_bought_is_finished_and_kept(tmp_path: Path) -> None:
    """After the provider accepted the run goes on; the picture is kept, the row says that the caller was gone."""
    gate = asyncio.Event()
    async with ledger(tmp_path, waits_at(gate, bought=True), gone_s=0) as room:
        name = await leave_after(room, "provider_accepted")
        while not room.part.runs.all()[0].client_gone:
            await asyncio.sleep(0)
        gate.set()
        record = await ended(room, name)
        assert await room.blobs.get(f"media/{record.media[0].media_id[:2]}/{record.media[0].media_id}") == DATA
    assert (record.state, record.client_gone) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, True)


async def test_nothing_more_is_bought_for_a_caller_who_left(tmp_path: Path) -> None:
    """When the bought attempt fails free of cost, no second target is asked."""
    gate = asyncio.Event()
    error = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        refused = failed(name, error, more=True, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        return [started(name), accepted(name), gate, refused, started(name, 2), completed(name, attempt(name, 2))]

    async with ledger(tmp_path, script, gone_s=0) as room:
        name = await leave_after(room, "provider_accepted")
        while not room.part.runs.all()[0].client_gone:
            await asyncio.sleep(0)
        gate.set()
        record = await ended(room, name)
    assert record.state == ledger_pb2.REQUEST_STATE_CANCELLED
    assert len(record.attempts) == 1


async def test_a_caller_who_may_come_back_is_waited_for(tmp_path: Path) -> None:
    """With an idempotency key the run outlives the short grace, and the next request joins it."""
    gate = asyncio.Event()
    async with ledger(tmp_path, waits_at(gate, bought=False), gone_s=0, comeback_s=60) as room:
        name = await leave_after(room, "attempt_started", idempotency_key="k")
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await job(room, name)).state == ledger_pb2.REQUEST_STATE_RUNNING
        gate.set()
        events = await room.run(ask(progressive=True, idempotency_key="k"))
    assert events[0].admitted.joined
    assert events[-1].WhichOneof("event") == "completed"


async def test_a_wait_ends_with_detached_and_the_work_goes_on(tmp_path: Path) -> None:
    """`wait` of nothing: the stream ends at once, the job is followed to its end later."""
    gate = asyncio.Event()
    async with ledger(tmp_path, waits_at(gate, bought=False), gone_s=0) as room:
        events = await room.run(ask(wait=NOW))
        name = events[0].admitted.request_id
        assert events[-1].detached.request_id == name
        assert (await job(room, name)).state == ledger_pb2.REQUEST_STATE_RUNNING
        assert [e.WhichOneof("event") for e in await follow(room, name, wait=NOW)][-1] == "detached"
        gate.set()
        followed = await follow(room, name)
        again = await follow(room, name)
    assert [event.WhichOneof("event") for event in followed][-1] == "completed"
    assert b"".join(event.media_chunk.data for event in again) == DATA
    assert again[0].admitted.replayed


async def test_a_caller_cancels_a_job(tmp_path: Path) -> None:
    """CancelJob ends the run; what was accepted stays unknown and reserved; followers hear of it."""
    async with ledger(tmp_path, waits_at(asyncio.Event(), bought=True)) as room:
        events = await room.run(ask(wait=NOW))
        name = events[0].admitted.request_id
        follower = asyncio.create_task(follow(room, name, progressive=True))
        while not any(run.at_stake for run in room.part.runs.all()):
            await asyncio.sleep(0)
        answer = await call(room.jobs.CancelJob, ledger_pb2.CancelJobRequest(request_id=name))
        with pytest.raises(MeshError) as caught:
            await follower
        again = await call(room.jobs.CancelJob, ledger_pb2.CancelJobRequest(request_id=name))
    assert (answer.cancelled, again.cancelled) == (True, False)
    assert answer.request.state == ledger_pb2.REQUEST_STATE_CANCELLED
    assert answer.request.reserved.nanos == 40_000_000
    assert caught.value.reason == reasons.ERROR_REASON_CANCELLED


async def test_stopping_ends_what_runs_and_writes_it_down(tmp_path: Path) -> None:
    """A run that outlives the drain is ended: its caller is told to come back, its rows are terminal."""
    caught: list[MeshError] = []

    async def ask_in_vain(room: Room) -> None:
        try:
            await room.run(ask())
        except MeshError as error:
            caught.append(error)

    async with ledger(tmp_path, waits_at(asyncio.Event(), bought=True)) as room:
        task = asyncio.create_task(ask_in_vain(room))
        while not any(run.at_stake for run in room.part.runs.all()):
            await asyncio.sleep(0)
        for run in room.part.runs.all():
            run.stop()
        await task
        (request,) = await room.rows("requests")
        (made,) = await room.rows("attempts")
    assert caught[0].reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert caught[0].retry_after_s == 2
    assert request["state"] == ledger_pb2.REQUEST_STATE_FAILED
    assert made["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN
