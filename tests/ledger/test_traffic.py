"""What operators watch and read at the ledger: how many requests run, and any kept picture."""

import asyncio
from pathlib import Path

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import ask, happy, ledger, picture_bytes

SOON_S = 20.0


async def test_traffic_is_told_at_first_and_as_it_changes(tmp_path: Path) -> None:
    """Callers that wait, requests that run, and how many were begun; who leaves is counted no more."""
    go_on, told = asyncio.Event(), []
    async with (
        ledger(tmp_path, lambda request: [go_on, *happy()(request)]) as room,
        asyncio.timeout(SOON_S),
        stream(room.admin.WatchTraffic, admin_pb2.WatchTrafficRequest()) as messages,
    ):
        told.append(await anext(messages))
        running = asyncio.create_task(room.run(ask("a sun")))
        while told[-1].request_count == 0:
            told.append(await anext(messages))
        go_on.set()
        await running
        while told[-1].request_count == 1:
            told.append(await anext(messages))
    counts = [(each.caller_count, each.request_count, each.begun_count) for each in told]
    assert (counts[0], counts[-1]) == ((0, 0, 0), (0, 0, 1))
    assert (1, 1, 1) in counts


async def test_any_kept_picture_is_read(tmp_path: Path) -> None:
    """Whoever asked for it; one that is purged, or that nobody knows, is said to be."""
    data = picture_bytes()
    async with ledger(tmp_path, happy(data)) as room:
        await room.run(ask("a sun", request_id="req_" + "1" * 24))
        listed = await call(room.jobs.ListRequests, ledger_pb2.ListRequestsRequest())
        (kept,) = listed.requests[0].media
        asked = admin_pb2.ReadAnyMediaRequest(media_id=kept.media_id)
        read = bytearray()
        async with stream(room.admin.ReadAnyMedia, asked) as messages:
            async for message in messages:
                assert message.chunk.offset_bytes == len(read)
                read += message.chunk.data
        assert bytes(read) == data
        await call(room.admin.PurgeAnyRequest, admin_pb2.PurgeAnyRequestRequest(request_id="req_" + "1" * 24))
        for media_id, reason in (
            (kept.media_id, reasons.ERROR_REASON_RESOURCE_GONE),
            ("nobody.png", reasons.ERROR_REASON_RESOURCE_NOT_FOUND),
        ):
            with pytest.raises(MeshError) as raised:
                async with stream(
                    room.admin.ReadAnyMedia, admin_pb2.ReadAnyMediaRequest(media_id=media_id)
                ) as messages:
                    await anext(messages)
            assert raised.value.reason == reason
