"""The events of one request, gathered as they come: pictures in pieces, and how it went. Pure.

Picture bytes become base64 chunk by chunk; chunks are multiples of three bytes, so the texts join.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pybase64

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.edge.problems import failure_costs_perhaps


@dataclass(slots=True)
class Picture:
    """One final picture as far as it has come: what is known of it, and its bytes or its base64 text in pieces."""

    attempt_id: str
    info: media_pb2.MediaInfo
    pieces: list[bytes] = field(default_factory=list)
    rest: bytes = b""
    ended: media_pb2.MediaEnded | None = None

    @property
    def sha256(self) -> bytes:
        """The hash that was told of it; empty where none was."""
        return self.ended.sha256 if self.ended is not None else b""

    @property
    def media_id(self) -> str:
        """Under which id the ledger keeps it; empty where it does not."""
        return (self.ended.media_id if self.ended is not None else "") or self.info.media_id


@dataclass(slots=True)
class Answer:
    """What the events of one request have told so far.

    `as_base64`: the pieces of pictures are base64 text, else the bytes themselves. `with_previews`: previews are
    gathered too, for `take_previews`. `take` every event in order; then one of `result` and `detached` is set, or the
    stream has ended early. `created` is when the request came first, in seconds since the epoch; 0 where nobody said.
    """

    as_base64: bool
    with_previews: bool = False
    request_id: str = ""
    joined: bool = False
    replayed: bool = False
    detached: bool = False
    wished_by_key: bool = False
    possibly_bought: bool = False
    created: int = 0
    allowances: Sequence[event_pb2.Allowance] = ()
    result: event_pb2.ImageResult | None = None
    _pictures: dict[int, Picture] = field(default_factory=dict)
    _previews: dict[int, Picture] = field(default_factory=dict)
    _whole_previews: list[Picture] = field(default_factory=list)

    def take_all(self, events: Iterable[event_pb2.ImageEvent]) -> None:
        """Takes the next events."""
        for event in events:
            self.take(event)

    def take(self, event: event_pb2.ImageEvent) -> None:
        """Takes the next event."""
        match event.WhichOneof("event"):
            case "media_chunk":
                self._chunk(event.media_chunk)
            case "media_started":
                self._started(event)
            case "media_ended":
                self._ended(event.media_ended)
            case "completed":
                self.result = event.completed
            case "admitted":
                admitted = event.admitted
                self.request_id, self.joined, self.replayed = admitted.request_id, admitted.joined, admitted.replayed
                self.created = admitted.create_time.seconds
                self.allowances = tuple(admitted.allowances)
            case "attempt_failed":
                self._failed(event)
            case "detached":
                self.detached = True
                self.wished_by_key = event.detached.wished_by_key
                self.request_id = event.detached.request_id or self.request_id
            case "provider_accepted":
                self.possibly_bought = True

    @property
    def pictures(self) -> list[Picture]:
        """The final pictures that are whole, in order."""
        return [self._pictures[index] for index in sorted(self._pictures) if self._pictures[index].ended is not None]

    def take_previews(self) -> list[Picture]:
        """The previews that became whole since the last time, in order; they are not kept here any longer."""
        previews, self._whole_previews = self._whole_previews, []
        return previews

    def fill(self, picture: Picture, data: bytes) -> None:
        """Gives a whole picture the bytes that did not come with the events."""
        picture.pieces = [pybase64.b64encode(data) if self.as_base64 else data]

    def release(self) -> None:
        """Lets go of the pictures, once what is sent has been made of them; see where the stream is read."""
        self._pictures.clear()

    def _started(self, event: event_pb2.ImageEvent) -> None:
        info = event.media_started
        if info.partial:
            self._previews[info.image_index] = Picture(event.attempt_id, info)
            return
        self._previews.pop(info.image_index, None)
        self._pictures[info.image_index] = Picture(event.attempt_id, info)

    def _chunk(self, chunk: media_pb2.MediaChunk) -> None:
        preview = self._previews.get(chunk.image_index)
        picture = self._pictures.get(chunk.image_index) if preview is None else preview
        if picture is None or (preview is not None and not self.with_previews):
            return
        data = chunk.data
        if not self.as_base64:
            picture.pieces.append(data)
            return
        if picture.rest:
            data = picture.rest + data
        spare = len(data) % 3
        # The last chunk of a picture, or a chunk of somebody who cut elsewhere: what is over waits for the end.
        picture.rest = data[len(data) - spare :] if spare else b""
        picture.pieces.append(pybase64.b64encode(data[: len(data) - spare] if spare else data))

    def _ended(self, ended: media_pb2.MediaEnded) -> None:
        preview = self._previews.pop(ended.image_index, None)
        picture = self._pictures.get(ended.image_index) if preview is None else preview
        if preview is not None and self.with_previews:
            self._whole_previews.append(preview)
        if picture is not None:
            picture.ended = ended
            if picture.rest:
                picture.pieces.append(pybase64.b64encode(picture.rest))
                picture.rest = b""

    def _failed(self, event: event_pb2.ImageEvent) -> None:
        attempt = event.attempt_failed.attempt
        if failure_costs_perhaps(attempt.outcome, attempt.billed):
            self.possibly_bought = True
        cut = [index for index, picture in self._pictures.items() if _is_cut(picture, event.attempt_id)]
        for index in cut:
            del self._pictures[index]


def _is_cut(picture: Picture, attempt_id: str) -> bool:
    return picture.attempt_id == attempt_id and picture.ended is None
