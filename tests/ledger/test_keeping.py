"""Pictures are kept for their time, for their owner, and are gone afterwards."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import PRICE, Room, ask, completed, happy, ledger, picture, picture_bytes, started

DATA = picture_bytes(2_000_000)


async def read(room: Room, media_id: str) -> bytes:
    """A kept picture through ReadMedia."""
    data = b""
    async with stream(room.jobs.ReadMedia, ledger_pb2.ReadMediaRequest(media_id=media_id)) as responses:
        async for response in responses:
            assert response.chunk.offset_bytes == len(data)
            data += response.chunk.data
    return data


async def test_a_stored_delivery_carries_ids_and_no_bytes(tmp_path: Path) -> None:
    """The picture is behind its id, whole, until the time that the event told."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(DATA), clock=clock) as room:
        events = await room.run(ask(delivery=request_pb2.DELIVERY_STORED))
        assert not any(event.WhichOneof("event") == "media_chunk" for event in events)
        ended = next(event.media_ended for event in events if event.WhichOneof("event") == "media_ended")
        assert ended.expire_time_seconds == int(clock.time()) + 3600
        assert ended.media_id.endswith(".png")
        assert await read(room, ended.media_id) == DATA


async def test_a_missing_hash_is_made_from_the_bytes(tmp_path: Path) -> None:
    """Where the adapter told none, the ledger's hash is the file's, and so is the size."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        events = picture(name, DATA)
        events[-1].media_ended.sha256 = b""
        events[-1].media_ended.size_bytes = 0
        return [started(name), events, completed(name)]

    async with ledger(tmp_path, script) as room:
        await room.run(ask())
        (row,) = await room.rows("media")
    assert (row["sha256"], row["size_bytes"]) == (hashlib.sha256(DATA).digest(), len(DATA))


async def test_a_providers_address_is_passed_and_not_kept(tmp_path: Path) -> None:
    """DELIVERY_PROVIDER_URI with an address: no id, no row, no file."""
    async with ledger(tmp_path, happy(b"")) as room:
        events = await room.run(ask(delivery=request_pb2.DELIVERY_PROVIDER_URI))
        assert await room.rows("media") == []
    info = next(event.media_started for event in events if event.WhichOneof("event") == "media_started")
    assert (info.uri, info.media_id) == ("https://provider.example/picture.png", "")


async def test_a_sweep_removes_what_has_expired(tmp_path: Path) -> None:
    """Files and readability end; the row stays and says so. What still has time is left alone."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(DATA), clock=clock) as room:
        await room.run(ask())
        clock.advance(3000)
        await room.run(ask())
        old, new = sorted(await room.rows("media"), key=lambda row: row["expire_time_us"])
        assert await room.part.recovery.sweep() == 0
        clock.advance(700)
        with pytest.raises(MeshError) as caught:
            await read(room, old["media_id"])
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        assert await room.part.recovery.sweep() == 1
        assert [key.rpartition("/")[2] async for key in room.blobs.list("media")] == [new["media_id"]]
        assert sum(row["purged"] for row in await room.rows("media")) == 1
        assert await read(room, new["media_id"]) == DATA


async def test_a_purge_removes_pictures_inputs_and_words(tmp_path: Path) -> None:
    """The row, its cost and its attempts stay; a second purge says that there was nothing left."""
    request = ask(prompt="a canary that sings", retry_count=0)
    request.image.edit.image.data = b"an input picture"
    async with ledger(tmp_path, happy(DATA), payload_retention_s=3600) as room:
        events = await room.run(request)
        name = events[0].admitted.request_id
        assert [key async for key in room.blobs.list("inputs")] != []
        first = await call(room.jobs.PurgeRequest, ledger_pb2.PurgeRequestRequest(request_id=name))
        second = await call(room.jobs.PurgeRequest, ledger_pb2.PurgeRequestRequest(request_id=name))
        await room.part.recovery.sweep()
        record = (await call(room.jobs.GetRequest, ledger_pb2.GetRequestRequest(request_id=name))).request
        left = [key for folder in ("media", "inputs") async for key in room.blobs.list(folder)]
        rows = repr(await room.rows("requests"))
    assert (first.already_purged, first.media_count) == (False, 1)
    assert (second.already_purged, second.media_count) == (True, 0)
    assert left == []
    assert "canary" not in rows
    assert (record.purged, record.cost.nanos, len(record.attempts)) == (True, PRICE * 1000, 1)


async def test_an_input_lives_as_long_as_somebody_needs_it(tmp_path: Path) -> None:
    """Two requests with the same input picture: purging one leaves the file to the other."""
    request = ask()
    request.image.edit.image.data = b"an input picture"
    other = ask("another prompt")
    other.image.edit.image.data = b"an input picture"
    async with ledger(tmp_path, happy()) as room:
        names = [(await room.run(each))[0].admitted.request_id for each in (request, other)]
        counts = []
        for name in names:
            await call(room.jobs.PurgeRequest, ledger_pb2.PurgeRequestRequest(request_id=name))
            await room.part.recovery.sweep()
            counts.append(len([key async for key in room.blobs.list("inputs")]))
    assert counts == [1, 0]


async def test_words_are_forgotten_when_the_request_ends(tmp_path: Path) -> None:
    """By default no prompt is left in the journal; with a retention it is, for that time."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        await room.run(ask("a canary"))
        assert "canary" not in repr(await room.rows("requests"))
    async with ledger(tmp_path, happy(), clock=clock, payload_retention_s=100) as room:
        await room.run(ask("a canary"))
        assert "canary" in repr(await room.rows("requests"))
        clock.advance(101)
        await room.part.recovery.sweep()
        assert "canary" not in repr(await room.rows("requests"))


async def test_a_picture_that_can_be_kept_nowhere_fails_with_its_cost(tmp_path: Path) -> None:
    """Store and spool refuse: the caller gets INTERNAL, the attempt stays paid, no row claims a picture."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "media").write_bytes(b"in the way")
    async with ledger(tmp_path, happy(DATA), spool_max_mb=1) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        (request,), (made,) = await room.rows("requests"), await room.rows("attempts")
        assert await room.rows("media") == []
    assert caught.value.reason == reasons.ERROR_REASON_INTERNAL
    assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_FAILED, PRICE)
    assert made["state"] == ledger_pb2.ATTEMPT_STATE_SUCCEEDED


async def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    """A type outside of the known pictures ends the request: nothing executable is ever served from the store."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        events: list[event_pb2.ImageEvent] = picture(name, b"<svg/>")
        events[0].media_started.media_type = "image/svg+xml"
        return [started(name), events, completed(name)]

    async with ledger(tmp_path, script) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert caught.value.reason == reasons.ERROR_REASON_MEDIA_INVALID
        assert [key async for key in room.blobs.list("media")] == []


@pytest.mark.parametrize("damage", ["missing", "changed", "shorter"])
async def test_m15_a_kept_picture_that_is_damaged_is_never_served(tmp_path: Path, damage: str) -> None:
    """Lost, one bit wrong, or cut off: RESOURCE_GONE for its readers and for a repetition; nothing is bought."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await room.run(ask(idempotency_key="once"))
        (row,) = await room.rows("media")
        (file,) = (tmp_path / "blobs").rglob(row["media_id"])
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes(DATA[:-1] + b"!" if damage == "changed" else DATA[:-1])
        with pytest.raises(MeshError) as caught:
            await read(room, row["media_id"])
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        with pytest.raises(MeshError) as caught:
            await room.run(ask(idempotency_key="once"))
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        assert len(room.router.asked) == 1
