"""Keeps a run's final pictures: names them when they begin, stores them when they end, while they are relayed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.chassis.errors import MeshError, internal
from heliostat.ledger.event_log import EventLog
from heliostat.ledger.picture import Chunk, Picture, new_media_id, store


class Keeper:
    """The pictures of one run. `delivery` is the caller's; `expire_time_us` is until when they are kept."""

    __slots__ = ("_delivery", "_expire_time_us", "_kept", "_log", "_open", "_previews", "_stores")

    def __init__(self, log: EventLog, delivery: int, expire_time_us: int) -> None:
        self._log = log
        self._delivery = delivery
        self._expire_time_us = expire_time_us
        self._open: dict[tuple[str, int], Picture] = {}
        self._previews: dict[tuple[str, int], list[int]] = {}
        self._kept: list[Picture] = []
        self._stores: list[asyncio.Task[None]] = []

    def begin(self, event: event_pb2.ImageEvent) -> None:
        """Names a picture that is to be kept; previews, and what the provider keeps, are not. Raises MEDIA_INVALID."""
        info = event.media_started
        if info.partial:
            # The position that the event is about to take.
            self._previews[event.attempt_id, info.image_index] = [len(self._log.entries)]
        passed_by = self._delivery == request_pb2.DELIVERY_PROVIDER_URI and info.uri
        if info.partial or passed_by:
            self._open.pop((event.attempt_id, info.image_index), None)
            return
        info.media_id = new_media_id(info.media_type)
        self._open[event.attempt_id, info.image_index] = Picture(event.attempt_id, info)

    def chunk(self, chunk: Chunk) -> None:
        """Takes a slice; it enters the log unless the caller wants kept pictures without their bytes."""
        picture = self._open.get((chunk.attempt_id, chunk.image_index))
        if picture is not None:
            picture.chunks.append(chunk)
            if self._delivery == request_pb2.DELIVERY_STORED:
                return
            picture.positions.append(len(self._log.entries))
        else:
            self._previews.get((chunk.attempt_id, chunk.image_index), []).append(len(self._log.entries))
        self._log.append(chunk, len(chunk.data))

    def end(self, event: event_pb2.ImageEvent) -> None:
        """Begins to store a picture that is whole."""
        key = event.attempt_id, event.media_ended.image_index
        preview = self._previews.pop(key, None)
        if preview is not None:
            self._log.previews.append([*preview, len(self._log.entries)])
        picture = self._open.pop(key, None)
        if picture is None:
            return
        picture.end(event.media_ended, self._expire_time_us)
        self._kept.append(picture)
        self._stores.append(asyncio.create_task(self._store(picture)))

    async def stored(self) -> MeshError | None:
        """Waits until the store has answered for every picture; gives what went wrong unforeseen, or None."""
        if not self._stores:
            return None
        for failed in await asyncio.gather(*self._stores, return_exceptions=True):
            if isinstance(failed, BaseException):
                return internal(failed)
        return None

    @property
    def unstored(self) -> Sequence[Picture]:
        """Pictures that the store did not take: they are to go to the spool with the request's end."""
        return [each for each in self._kept if not each.stored]

    def rows(self, now_us: int) -> Sequence[Mapping[str, Any]]:
        """The rows of the pictures, those that are not stored yet among them."""
        return [each.row(self._log.request_id, now_us, self._expire_time_us) for each in self._kept]

    async def _store(self, picture: Picture) -> None:
        await store(self._log.blobs, picture)
        if not picture.stored:
            return
        if picture.positions:
            self._log.stored.append(picture)
            self._log.let_go()
        else:
            picture.chunks.clear()
