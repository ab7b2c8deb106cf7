"""A request is a run: written down before anything is bought, told in order, ended before its caller hears of it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, from_status
from heliostat.chassis.failpoints import POINTS
from heliostat.ledger.run import COMMIT_POINTS
from tests.support.ledger_room import (
    PRICE,
    Room,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    happy,
    ledger,
    picture,
    picture_bytes,
    started,
)


def kinds(events: Sequence[event_pb2.ImageEvent]) -> list[str]:
    """What happened, in order."""
    return [event.WhichOneof("event") or "" for event in events]


def delivered(events: Sequence[event_pb2.ImageEvent]) -> bytes:
    """The bytes of all chunks."""
    return b"".join(event.media_chunk.data for event in events if event.WhichOneof("event") == "media_chunk")


async def test_a_request_is_told_from_admitted_to_completed(tmp_path: Path) -> None:
    """Every event of the router comes through, with the ledger's own around and in them."""
    data = picture_bytes()
    async with ledger(tmp_path, happy(data)) as room:
        events = await room.run(ask())
    assert kinds(events) == [
        "admitted",
        "attempt_started",
        "provider_accepted",
        "media_started",
        "media_chunk",
        "media_ended",
        "completed",
    ]
    assert delivered(events) == data
    assert events[0].admitted.request_id.startswith("req_")
    assert events[3].media_started.media_id == events[5].media_ended.media_id != ""
    assert events[-1].completed.timing.HasField("total")


async def test_the_journal_holds_the_end_when_the_caller_hears_of_it(tmp_path: Path) -> None:
    """Request, attempt and picture are terminal and costed at the moment `completed` arrives."""
    async with ledger(tmp_path, happy()) as room, stream(room.generate.Generate, ask()) as responses:
        async for response in responses:
            if response.events[-1].WhichOneof("event") == "completed":
                (request,), (made,) = await room.rows("requests"), await room.rows("attempts")
                (media,) = await room.rows("media")
    assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, PRICE)
    assert (made["state"], made["cost_micros"], made["reserved_micros"]) == (2, PRICE, 0)
    assert made["provider_job_id"] == "job-1"
    assert (media["size_bytes"], request["payload"]) == (3000, None)


async def test_the_intent_is_committed_before_the_router_goes_on(tmp_path: Path) -> None:
    """When the router is asked for what follows attempt_started, another connection reads request and attempt."""
    seen: list[Any] = []
    rooms: list[Room] = []

    def look() -> None:
        import sqlite3

        with sqlite3.connect(tmp_path / "heliostat.db") as connection:
            query = "SELECT a.state, r.state, a.reserved_micros FROM attempts a JOIN requests r USING (request_id)"
            seen.extend(connection.execute(query))

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), look, picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script) as room:
        rooms.append(room)
        await room.run(ask())
    assert seen == [(1, 1, PRICE)]


async def test_each_failover_is_journaled_and_costed(tmp_path: Path) -> None:
    """A refused attempt costs nothing, a billed failure is paid, the sum is the request's cost."""
    slow = MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down.")
    broken = MeshError(reasons.ERROR_REASON_MEDIA_INVALID, "Not a picture.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        refused = {"outcome": event_pb2.OUTCOME_REFUSED, "billed": event_pb2.BILLED_NO}
        paid = {"outcome": event_pb2.OUTCOME_DELIVERED, "billed": event_pb2.BILLED_YES}
        return [
            started(name, 1),
            failed(name, slow, 1, more=True, **refused),
            started(name, 2),
            failed(name, broken, 2, cost=7, more=True, **paid),
            started(name, 3),
            picture(name, b"x", ordinal=3),
            completed(name, attempt(name, 3)),
        ]

    async with ledger(tmp_path, script) as room:
        events = await room.run(ask())
        attempts = await room.rows("attempts")
        (request,) = await room.rows("requests")
    assert kinds(events).count("attempt_failed") == 2
    assert [(row["state"], row["cost_micros"]) for row in attempts] == [(3, 0), (4, 7), (2, PRICE)]
    assert request["cost_micros"] == PRICE + 7


async def test_what_nobody_knows_stays_reserved(tmp_path: Path) -> None:
    """An attempt cut off without its end is unknown; its estimate stays reserved, and the error tells its attempts."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No answer in time.")]

    async with ledger(tmp_path, script) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        (made,), (request,) = await room.rows("attempts"), await room.rows("requests")
    assert (made["state"], made["reserved_micros"]) == (ledger_pb2.ATTEMPT_STATE_UNKNOWN, PRICE)
    assert (request["state"], request["reserved_micros"]) == (ledger_pb2.REQUEST_STATE_FAILED, PRICE)
    assert caught.value.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
    assert caught.value.metadata["request_id"] == request["request_id"]
    assert json.loads(caught.value.metadata["attempts"]) == [
        {
            "target": "fal/x",
            "outcome": "accepted",
            "billed": "unknown",
            "provider_job_id": "job-1",
            "reason": "provider_timeout",
            "cost": 0.04,
        }
    ]


async def test_a_request_that_finds_no_target_has_its_row(tmp_path: Path) -> None:
    """An error before any attempt leaves one failed request that tells its reason."""
    error = MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, "No such model.")
    async with ledger(tmp_path, lambda _: [error]) as room:
        with pytest.raises(MeshError, match="No such model"):
            await room.run(ask())
        (request,) = await room.rows("requests")
    record = ledger_pb2.Request(state=request["state"])
    record.error.MergeFromString(request["error"])
    assert record.state == ledger_pb2.REQUEST_STATE_FAILED
    assert from_status(record.error).reason == reasons.ERROR_REASON_MODEL_NOT_FOUND


async def test_a_run_ends_at_its_own_deadline(tmp_path: Path) -> None:
    """A router that never answers ends the request as expired."""
    async with ledger(tmp_path, lambda r: [started(r.request_id), asyncio.Event()], request_deadline_s=1) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        (request,) = await room.rows("requests")
    assert caught.value.reason == reasons.ERROR_REASON_DEADLINE_EXCEEDED
    assert request["state"] == ledger_pb2.REQUEST_STATE_EXPIRED


async def test_a_router_that_forgets_its_result_is_an_error(tmp_path: Path) -> None:
    """A stream that ends without `completed` fails; the attempt is unknown."""
    async with ledger(tmp_path, lambda r: [started(r.request_id)]) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        (made,) = await room.rows("attempts")
    assert caught.value.reason == reasons.ERROR_REASON_INTERNAL
    assert made["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN


async def test_a_message_of_the_router_is_not_changed(tmp_path: Path) -> None:
    """Messages received are read-only: what the router sent still holds what it wrote."""
    sent: list[list[event_pb2.ImageEvent]] = []

    class Keeping(list[event_pb2.ImageEvent]):
        pass

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        steps = [started(name), picture(name, b"abc"), completed(name)]
        sent.extend(steps)
        return steps

    async with ledger(tmp_path, script) as room:
        request = ask()
        before = request.SerializeToString()
        await room.run(request)
    assert sent[1][0].media_started.media_id == ""
    assert not sent[2][0].completed.timing.HasField("total")
    assert request.SerializeToString() == before


async def test_large_answers_travel_in_messages_of_bounded_size(tmp_path: Path) -> None:
    """Four pictures of 2 MiB arrive whole, in messages of at most 3 MiB of pictures each."""
    data = [picture_bytes(2 * 1024 * 1024, seed) for seed in range(4)]

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), *(picture(name, each, index) for index, each in enumerate(data)), completed(name)]

    got: dict[int, bytes] = {}
    async with ledger(tmp_path, script) as room, stream(room.generate.Generate, ask()) as responses:
        async for response in responses:
            assert response.ByteSize() < 3 * 1024 * 1024 + 4096
            for event in response.events:
                if event.WhichOneof("event") == "media_chunk":
                    index = event.media_chunk.image_index
                    got[index] = got.get(index, b"") + event.media_chunk.data
    assert [got[index] for index in range(4)] == data


async def test_progressive_callers_get_events_as_they_happen(tmp_path: Path) -> None:
    """`progressive` shows the attempt while the router still waits; otherwise events travel together."""
    gate = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), gate, picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script) as room:
        seen: list[str] = []
        async with stream(room.generate.Generate, ask(progressive=True)) as responses:
            async for response in responses:
                seen.extend(kinds(response.events))
                if "provider_accepted" in seen:
                    gate.set()
        assert seen[-1] == "completed"
        async with stream(room.generate.Generate, ask()) as responses:
            messages = [kinds(response.events) async for response in responses]
    assert len(messages) == 1


async def test_previews_pass_and_are_not_kept(tmp_path: Path) -> None:
    """A partial picture reaches the caller under any delivery and leaves nothing in the store."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), picture(name, b"preview", partial=True), picture(name, b"final"), completed(name)]

    async with ledger(tmp_path, script) as room:
        events = await room.run(ask(delivery=request_pb2.DELIVERY_STORED))
        media = await room.rows("media")
    assert delivered(events) == b"preview"
    assert [row["size_bytes"] for row in media] == [5]


async def test_a_request_id_of_the_caller_is_checked(tmp_path: Path) -> None:
    """A well-formed one is used; a malformed or taken one is refused before anything is asked."""
    name = "req_" + "a" * 24
    async with ledger(tmp_path, happy()) as room:
        events = await room.run(ask(request_id=name))
        assert events[0].admitted.request_id == name
        for wrong in ("req_1", "../" + "a" * 25, "REQ_" + "a" * 24):
            with pytest.raises(MeshError) as caught:
                await room.run(ask(request_id=wrong))
            assert caught.value.field == "request_id"
        with pytest.raises(MeshError) as caught:
            await room.run(ask(request_id=name))
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
        assert len(await room.rows("requests")) == 1
        assert len(await room.rows("attempts")) == 1


async def test_the_router_is_asked_to_the_end(tmp_path: Path) -> None:
    """After `completed` the router's stream ends by itself: its spans and counters close as a success."""
    async with ledger(tmp_path, happy()) as room:
        await room.run(ask())
        assert (room.router.finished, room.router.cancelled) == (1, 0)


async def test_write_ahead_of_the_request_alone(tmp_path: Path) -> None:
    """With a router elsewhere only the request's row precedes buying; the end is as complete."""
    async with ledger(tmp_path, happy(), write_ahead="request") as room:
        await room.run(ask())
        (request,), (made,) = await room.rows("requests"), await room.rows("attempts")
    assert (request["state"], made["state"]) == (2, 2)


def test_every_commit_point_is_known() -> None:
    """The failpoints of a run are those that the chassis lists for the ledger, in the same order."""
    assert tuple(point for point in POINTS if point.startswith("ledger.")) == COMMIT_POINTS
