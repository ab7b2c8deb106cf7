"""One reader of a run's events: every event from the start, then what comes, until the end or its own wait ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.blobs import Blobs
from heliostat.ledger.event_log import Entry, EventLog
from heliostat.ledger.picture import Chunk, Picture, kept_bytes
from heliostat.ledger.waiting import Stay, detached

# A message carries at most this many bytes of pictures (gRPC's limit is 4 MiB, the mesh's 8).
MAX_MESSAGE_BYTES = 3 * 1024 * 1024
# What a reader who does not want events as they happen is woken for before the end: bytes that would pile up.
FLUSH_BYTES = 1024 * 1024

Batch = list[Entry]


class Subscription:
    """A place in a run's events. `progressive`: events are wanted as they happen."""

    __slots__ = ("_batch", "_bytes", "_log", "_taken", "_timer", "_waiter", "_woken_late", "position", "progressive")

    def __init__(self, log: EventLog, *, progressive: bool) -> None:
        self._log = log
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
        log = self._log
        if self.progressive or log.ended or log.bytes_seen - self._taken >= FLUSH_BYTES:
            waiter.set_result(None)

    async def batches(self, admitted: event_pb2.ImageEvent, stay: Stay) -> AsyncIterator[Batch]:
        """Messages' worth of events, `admitted` first, `detached` last where the stay ends before the run.

        Raises what the run failed with, after everything that it said before.
        """
        if stay.wait_s is not None:
            self._timer = asyncio.get_running_loop().call_later(stay.wait_s, self._time_is_up)
        self._batch.append(admitted)
        log = self._log
        while True:
            while self.position < len(log.entries):
                entry, size = log.entries[self.position], log.sizes[self.position]
                self.position += 1
                if isinstance(entry, Picture):
                    async for chunk in read_chunks(
                        log.blobs, entry.attempt_id, entry.info.image_index, entry.media_id, entry.sha256
                    ):
                        size = len(chunk.data)
                        if self._bytes + size > MAX_MESSAGE_BYTES:
                            yield self._take()
                        self._add(chunk, size)
                        del chunk
                elif entry is not None:
                    if size and self._bytes + size > MAX_MESSAGE_BYTES:
                        yield self._take()
                    self._add(entry, size)
                # Not kept while the reader waits: it may be the last that holds a picture's bytes.
                entry = None
            if log.ended and self.position == len(log.entries):
                break
            if self._woken_late:
                log.detached = True
                self._batch.append(detached(log.request_id, stay))
                yield self._take()
                return
            if self._batch and (self.progressive or self._bytes >= FLUSH_BYTES):
                yield self._take()
                continue
            await self._wait()
        if self._batch:
            yield self._take()
        if log.error is not None:
            raise log.error

    def close(self) -> None:
        """Ends the reading."""
        if self._timer is not None:
            self._timer.cancel()

    def _time_is_up(self) -> None:
        self._woken_late = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _add(self, entry: Entry, size: int) -> None:
        self._batch.append(entry)
        self._bytes += size
        self._taken += size

    def _take(self) -> Batch:
        batch, self._batch, self._bytes = self._batch, [], 0
        self._log.let_go()
        return batch


def write_events(batch: Batch, events: Any) -> None:
    """Moves a batch into a message's field `events`; the batch is empty afterwards and holds no bytes any more.

    In place and by CopyFrom: what protobuf's `extend` and constructors do instead, serializing and parsing, costs
    forty times as much for a picture (measured in 2026-11 with protobuf 7.36).
    """
    for entry in batch:
        if isinstance(entry, Chunk):
            entry.write(events.add())
        else:
            events.add().CopyFrom(entry)
    batch.clear()


async def read_chunks(
    blobs: Blobs, attempt_id: str, image_index: int, media_id: str, sha256: bytes
) -> AsyncIterator[Chunk]:
    """A kept picture's slices. Raises RESOURCE_GONE where it is lost or damaged."""
    offset = 0
    async for data in kept_bytes(blobs, media_id, sha256):
        yield Chunk(attempt_id, image_index, offset, data)
        offset += len(data)
