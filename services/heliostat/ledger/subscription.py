"""One reader of a run: gets every event from the start, then what comes, until the end or until it need not stay."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.ledger.keeper import Picture, media_key

if TYPE_CHECKING:
    from heliostat.ledger.run import Run

# A message carries at most this many bytes of pictures (gRPC's limit is 4 MiB, the mesh's 8).
MAX_MESSAGE_BYTES = 3 * 1024 * 1024
# What a reader who does not want events as they happen is woken for before the end: bytes that would pile up.
FLUSH_BYTES = 1024 * 1024

Batch = list[event_pb2.ImageEvent]


class Subscription:
    """A place in a run's events. `progressive`: events are wanted as they happen."""

    __slots__ = ("_batch", "_bytes", "_run", "_taken", "_timer", "_waiter", "_woken_late", "position", "progressive")

    def __init__(self, run: "Run", *, progressive: bool) -> None:
        self._run = run
        self.progressive = progressive
        self.position = 0
        self._batch: Batch = []
        self._bytes = 0
        self._taken = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._woken_late = False

    def news(self) -> None:
        """Called by the run when events came or it ended."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        run = self._run
        if self.progressive or run.ended or run.bytes_seen - self._taken >= FLUSH_BYTES:
            waiter.set_result(None)

    async def batches(self, admitted: event_pb2.ImageEvent, wait_s: float | None) -> AsyncIterator[Batch]:
        """Messages' worth of events, `admitted` first, `detached` last where `wait_s` seconds end before the run.

        Raises what the run failed with, after everything that it said before.
        """
        if wait_s is not None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._time_is_up)
        self._batch.append(admitted)
        run = self._run
        while True:
            while self.position < len(run.log):
                entry, size = run.log[self.position], run.sizes[self.position]
                self.position += 1
                if isinstance(entry, Picture):
                    async for event in read_chunks(run.blobs, entry.attempt_id, entry.info.image_index, entry.media_id):
                        size = event.ByteSize()
                        if self._bytes + size > MAX_MESSAGE_BYTES:
                            yield self._take()
                        self._add(event, size)
                elif entry is not None:
                    if size and self._bytes + size > MAX_MESSAGE_BYTES:
                        yield self._take()
                    self._add(entry, size)
            if run.ended and self.position == len(run.log):
                break
            if self._woken_late:
                run.detached = True
                self._batch.append(event_pb2.ImageEvent(detached=event_pb2.Detached(request_id=run.request_id)))
                yield self._take()
                return
            if self._batch and (self.progressive or self._bytes >= FLUSH_BYTES):
                yield self._take()
                continue
            await self._wait()
        if self._batch:
            yield self._take()
        if run.error is not None:
            raise run.error

    def close(self) -> None:
        """Ends the subscription; a reader who goes before the end, and was not let go, has left."""
        if self._timer is not None:
            self._timer.cancel()
        self._run.unsubscribe(self)

    def _time_is_up(self) -> None:
        self._woken_late = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _add(self, event: event_pb2.ImageEvent, size: int) -> None:
        self._batch.append(event)
        self._bytes += size
        self._taken += size

    def _take(self) -> Batch:
        batch, self._batch, self._bytes = self._batch, [], 0
        self._run.let_go()
        return batch


async def read_chunks(
    blobs: Blobs, attempt_id: str, image_index: int, media_id: str
) -> AsyncIterator[event_pb2.ImageEvent]:
    """A kept picture as chunk events."""
    offset = 0
    async for data in blobs.stream(media_key(media_id)):
        event = event_pb2.ImageEvent(attempt_id=attempt_id)
        event.media_chunk.image_index = image_index
        event.media_chunk.offset_bytes = offset
        event.media_chunk.data = data
        offset += len(data)
        yield event
