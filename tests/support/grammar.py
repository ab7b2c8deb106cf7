"""Checks an event stream against the grammar of the contract (event.proto).

stream  := admitted? attempt+ [detached]
attempt := attempt_started provider_accepted? (waiting | progress | image)* (attempt_failed | completed)
image   := media_started media_chunk* media_ended
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from heliostat.api.image.v1 import event_pb2

MAX_MESSAGE_CHUNK_BYTES = 3 * 1024 * 1024
_FINAL = {"attempt_failed", "completed"}


@dataclass
class _Picture:
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    whole: bool = True


@dataclass
class _Attempt:
    """What was seen of one attempt so far."""

    accepted: bool = False
    worked: bool = False
    ended: bool = False
    open: int | None = None
    promised: int = 0
    picture: _Picture = field(default_factory=_Picture)
    finals: set[int] = field(default_factory=set)
    by_uri: bool = False

    def take(self, event: event_pb2.ImageEvent) -> None:
        """Moves on by one event. Raises AssertionError."""
        kind = event.WhichOneof("event")
        assert kind is not None, "an event without content"
        assert not self.ended, f"{kind} after the end of the attempt"
        if kind in {"media_chunk", "media_ended"}:
            assert self.open is not None, f"{kind} outside of a picture"
        else:
            assert self.open is None, f"{kind} inside of a picture"
        getattr(self, f"_{kind}")(getattr(event, kind))

    def _provider_accepted(self, _: event_pb2.ProviderAccepted) -> None:
        assert not self.accepted, "provider_accepted twice"
        assert not self.worked, "provider_accepted after work"
        self.accepted = True

    def _waiting(self, _: event_pb2.Waiting) -> None:
        self.worked = True

    def _progress(self, progress: event_pb2.Progress) -> None:
        self.worked = True
        assert not progress.HasField("percent") or 0 <= progress.percent <= 100

    def _media_started(self, info) -> None:  # type: ignore[no-untyped-def]
        self.worked = True
        self.open, self.picture, self.promised = info.image_index, _Picture(), info.size_bytes
        self.by_uri = bool(info.uri)
        if not info.partial:
            assert info.image_index not in self.finals, "a second final picture of one index"
            self.finals.add(info.image_index)
        if info.size_bytes:
            assert info.width_px > 0, "bytes whose width was not measured"
            assert info.height_px > 0, "bytes whose height was not measured"
            assert info.media_type.startswith("image/"), "bytes whose type was not read"

    def _media_chunk(self, chunk) -> None:  # type: ignore[no-untyped-def]
        assert chunk.image_index == self.open, "a chunk of another picture"
        assert chunk.offset_bytes == self.picture.size, "a chunk out of place"
        assert chunk.data, "an empty chunk"
        assert self.picture.whole, "a chunk after one that is no multiple of 3"
        self.picture.whole = len(chunk.data) % 3 == 0
        self.picture.size += len(chunk.data)
        self.picture.digest.update(chunk.data)

    def _media_ended(self, ended) -> None:  # type: ignore[no-untyped-def]
        assert ended.image_index == self.open, "the end of another picture"
        assert self.picture.size == self.promised, "not as many bytes as promised"
        if self.picture.size:
            assert ended.sha256 == self.picture.digest.digest(), "bytes that do not match their hash"
        self.open = None

    def _completed(self, result: event_pb2.ImageResult) -> None:
        assert result.image_count == len(self.finals) > 0, "completed counts other pictures than came"
        self.ended = True

    def _attempt_failed(self, _: event_pb2.AttemptFailed) -> None:
        self.ended = True


def check_adapter_stream(events: Iterable[event_pb2.ImageEvent], attempt_id: str, *, failed: bool = False) -> None:
    """Checks what an adapter sends for one attempt: it ends in `completed`, or, where it failed, without an end.

    A picture that was begun before a failure may be open. Raises AssertionError.
    """
    attempt = _Attempt()
    for event in events:
        assert event.attempt_id == attempt_id, f"attempt id {event.attempt_id!r}"
        assert event.WhichOneof("event") not in {"admitted", "attempt_started", "attempt_failed", "waiting", "detached"}
        attempt.take(event)
    assert attempt.ended is not failed, "completed and failed" if failed else "neither completed nor failed"


def check_stream(events: Iterable[event_pb2.ImageEvent]) -> None:
    """Checks what the ledger or the router sends for one request, attempts of branches interleaved.

    Raises AssertionError.
    """
    attempts: dict[str, _Attempt] = {}
    detached = False
    for position, event in enumerate(events):
        kind = event.WhichOneof("event")
        assert not detached, f"{kind} after detached"
        if kind == "admitted":
            assert position == 0, "admitted is not first"
        elif kind == "detached":
            detached = True
        elif kind == "attempt_started":
            assert event.attempt_id, "an attempt without an id"
            assert event.attempt_id not in attempts, "an attempt id for the second time"
            attempts[event.attempt_id] = _Attempt()
        elif kind == "completed":
            _check_completed(event, attempts)
        elif event.attempt_id:
            assert event.attempt_id in attempts, f"{kind} before attempt_started"
            attempts[event.attempt_id].take(event)
        else:
            assert kind == "waiting", f"{kind} that belongs to no attempt"


def _check_completed(event: event_pb2.ImageEvent, attempts: dict[str, _Attempt]) -> None:
    """The end of the whole answer: it counts the pictures of all branches."""
    finals = {index for attempt in attempts.values() for index in attempt.finals}
    assert event.completed.image_count == len(finals) > 0, "completed counts other pictures than came"


def check_message(events: Iterable[event_pb2.ImageEvent]) -> None:
    """Checks one message of a stream: picture bytes bounded, attempt_started alone. Raises AssertionError."""
    together = list(events)
    assert together, "an empty message"
    carried = sum(len(event.media_chunk.data) for event in together)
    assert carried <= MAX_MESSAGE_CHUNK_BYTES, f"{carried} bytes in one message"
    if any(event.HasField("attempt_started") for event in together):
        assert len(together) == 1, "attempt_started is not alone"
