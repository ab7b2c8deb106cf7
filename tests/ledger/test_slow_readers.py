"""What waits in the ledger for a caller who reads slowly: previews are left out first, pictures come from the store."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import stream
from heliostat.ledger.event_log import MAX_WAITING_BYTES
from tests.support.ledger_room import accepted, ask, completed, ledger, picture, picture_bytes, started

MIB = 1024 * 1024
LARGE = 8 * MIB
PICTURE = picture_bytes(LARGE, seed=9)
PREVIEWS = [picture_bytes(LARGE, seed=seed) for seed in range(3)]


def previews(name: str, *pictures: bytes) -> list[event_pb2.ImageEvent]:
    """Previews of the first picture, one after the other."""
    events = []
    for number, data in enumerate(pictures):
        begun = picture(name, data, partial=True)
        begun[0].media_started.partial_index = number
        events += begun
    return events


def painting(
    *previewed: bytes, then: asyncio.Event | None = None
) -> Callable[[router_pb2.GenerateRequest], Sequence[Any]]:
    """Previews, a pause, the picture; each event in a message of its own, as large ones travel."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        told = [[each] for each in previews(name, *previewed)]
        pause = [then] if then is not None else []
        whole = [[each] for each in picture(name, PICTURE)]
        return [started(name), accepted(name), *told, *pause, *whole, completed(name)]

    return script


def partial_numbers(events: Sequence[event_pb2.ImageEvent]) -> list[int]:
    """Which previews were told."""
    return [
        each.media_started.partial_index
        for each in events
        if each.HasField("media_started") and each.media_started.partial
    ]


def final_bytes(events: Sequence[event_pb2.ImageEvent]) -> bytes:
    """The bytes of the picture itself."""
    begun = next(
        index for index, each in enumerate(events) if each.HasField("media_started") and not each.media_started.partial
    )
    return b"".join(each.media_chunk.data for each in events[begun:] if each.HasField("media_chunk"))


async def test_who_keeps_up_sees_every_preview(tmp_path: Path) -> None:
    """Three of 8 MiB each, in order, and the picture."""
    async with ledger(tmp_path, painting(*PREVIEWS)) as room:
        events = await room.run(ask(progressive=True))
    assert partial_numbers(events) == [0, 1, 2]
    assert final_bytes(events) == PICTURE


async def test_c23_what_waits_for_a_slow_reader_is_bounded(tmp_path: Path) -> None:
    """It takes one message and then nothing: afterwards it gets the picture whole, from the store, and no previews
    beyond what may wait. Meanwhile at most that much waits, and the run is over without it."""
    async with (
        ledger(tmp_path, painting(*PREVIEWS)) as room,
        stream(room.generate.Generate, ask(progressive=True)) as responses,
    ):
        events = [*(await anext(responses)).events]
        (run,) = room.part.runs.all()
        await run.wait_end()
        assert sum(run.events.sizes) <= MAX_WAITING_BYTES
        async for response in responses:
            events.extend(response.events)
    assert partial_numbers(events) == []
    assert final_bytes(events) == PICTURE
    assert events[-1].HasField("completed")


async def test_small_previews_wait_for_a_slow_reader(tmp_path: Path) -> None:
    """What fits into what may wait is not left out."""
    small = [picture_bytes(MIB, seed=seed) for seed in range(3)]
    async with (
        ledger(tmp_path, painting(*small)) as room,
        stream(room.generate.Generate, ask(progressive=True)) as responses,
    ):
        events = [*(await anext(responses)).events]
        (run,) = room.part.runs.all()
        await run.wait_end()
        async for response in responses:
            events.extend(response.events)
    assert partial_numbers(events) == [0, 1, 2]
    assert final_bytes(events) == PICTURE


async def test_who_joins_late_is_not_told_previews_that_all_have_seen(tmp_path: Path) -> None:
    """They are gone by then; the picture is not."""
    go_on = asyncio.Event()
    async with (
        ledger(tmp_path, painting(PREVIEWS[0], then=go_on)) as room,
        stream(room.generate.Generate, ask(progressive=True)) as responses,
    ):
        prompt: list[event_pb2.ImageEvent] = []
        while not (prompt and prompt[-1].HasField("media_ended")):
            prompt.extend((await anext(responses)).events)
        (run,) = room.part.runs.all()
        assert sum(run.events.sizes) == 0
        waits = ledger_pb2.WaitJobRequest(request_id=run.request_id, progressive=True)
        async with stream(room.jobs.WaitJob, waits) as later:
            late = [*(await anext(later)).events]
            go_on.set()
            async for response in responses:
                prompt.extend(response.events)
            async for told in later:
                late.extend(told.events)
    assert partial_numbers(prompt) == [0]
    assert partial_numbers(late) == []
    assert final_bytes(late) == final_bytes(prompt) == PICTURE
