"""The order of events that an adapter keeps for one attempt (event.proto).

attempt := provider_accepted? (waiting | progress | image)* completed?
image   := media_started media_chunk* media_ended
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from heliostat.api.image.v1 import event_pb2, media_pb2

MAX_MESSAGE_CHUNK_BYTES = 3 * 1024 * 1024
_NOT_AN_ADAPTERS = frozenset({"admitted", "attempt_started", "attempt_failed", "waiting", "detached"})


class Ungrammatical(AssertionError):
    """An event out of place; the message says which."""


def _holds(truth: object, otherwise: str) -> None:
    if not truth:
        raise Ungrammatical(otherwise)


@dataclass
class _Picture:
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    whole: bool = True


@dataclass
class AttemptGrammar:
    """What was seen of one attempt so far."""

    accepted: bool = False
    worked: bool = False
    ended: bool = False
    open: int | None = None
    promised: int = 0
    picture: _Picture = field(default_factory=_Picture)
    finals: set[int] = field(default_factory=set)

    def take(self, event: event_pb2.ImageEvent) -> None:
        """Moves on by one event. Raises Ungrammatical."""
        kind = event.WhichOneof("event")
        _holds(kind is not None, "an event without content")
        _holds(not self.ended, f"{kind} after the end of the attempt")
        if kind in {"media_chunk", "media_ended"}:
            _holds(self.open is not None, f"{kind} outside of a picture")
        else:
            _holds(self.open is None, f"{kind} inside of a picture")
        getattr(self, f"_{kind}")(getattr(event, str(kind)))

    def _provider_accepted(self, _: event_pb2.ProviderAccepted) -> None:
        _holds(not self.accepted, "provider_accepted twice")
        _holds(not self.worked, "provider_accepted after work")
        self.accepted = True

    def _waiting(self, _: event_pb2.Waiting) -> None:
        self.worked = True

    def _progress(self, progress: event_pb2.Progress) -> None:
        self.worked = True
        _holds(not progress.HasField("percent") or 0 <= progress.percent <= 100, "progress outside of 0 to 100")

    def _media_started(self, info: media_pb2.MediaInfo) -> None:
        self.worked = True
        self.open, self.picture, self.promised = info.image_index, _Picture(), info.size_bytes
        if not info.partial:
            _holds(info.image_index not in self.finals, "a second final picture of one index")
            self.finals.add(info.image_index)
        if info.size_bytes:
            _holds(info.width_px > 0, "bytes whose width was not measured")
            _holds(info.height_px > 0, "bytes whose height was not measured")
            _holds(info.media_type.startswith("image/"), "bytes whose type was not read")

    def _media_chunk(self, chunk: media_pb2.MediaChunk) -> None:
        _holds(chunk.image_index == self.open, "a chunk of another picture")
        _holds(chunk.offset_bytes == self.picture.size, "a chunk out of place")
        _holds(chunk.data, "an empty chunk")
        _holds(self.picture.whole, "a chunk after one that is no multiple of 3")
        self.picture.whole = len(chunk.data) % 3 == 0
        self.picture.size += len(chunk.data)
        self.picture.digest.update(chunk.data)

    def _media_ended(self, ended: media_pb2.MediaEnded) -> None:
        _holds(ended.image_index == self.open, "the end of another picture")
        _holds(self.picture.size == self.promised, "not as many bytes as promised")
        if self.picture.size:
            _holds(ended.sha256 == self.picture.digest.digest(), "bytes that do not match their hash")
        self.open = None

    def _completed(self, result: event_pb2.ImageResult) -> None:
        _holds(result.image_count == len(self.finals) > 0, "completed counts other pictures than came")
        self.ended = True

    def _attempt_failed(self, _: event_pb2.AttemptFailed) -> None:
        self.ended = True


def check_adapter_stream(events: Iterable[event_pb2.ImageEvent], attempt_id: str, *, failed: bool = False) -> None:
    """Checks what an adapter sends for one attempt: it ends in `completed`, or, where it failed, without an end.

    A picture that was begun before a failure may be open. Raises Ungrammatical.
    """
    attempt = AttemptGrammar()
    for event in events:
        _holds(event.attempt_id == attempt_id, f"attempt id {event.attempt_id!r}")
        _holds(event.WhichOneof("event") not in _NOT_AN_ADAPTERS, f"{event.WhichOneof('event')} is not an adapter's")
        attempt.take(event)
    _holds(attempt.ended is not failed, "completed and failed" if failed else "neither completed nor failed")


def check_message(events: Iterable[event_pb2.ImageEvent]) -> None:
    """Checks one message of a stream: picture bytes bounded, attempt_started alone. Raises Ungrammatical."""
    together = list(events)
    _holds(together, "an empty message")
    carried = sum(len(event.media_chunk.data) for event in together)
    _holds(carried <= MAX_MESSAGE_CHUNK_BYTES, f"{carried} bytes in one message")
    if any(event.HasField("attempt_started") for event in together):
        _holds(len(together) == 1, "attempt_started is not alone")
