"""The events of one request as the events of a stream: OpenAI's, and ours beside them. Pure, but for the time.

Previews and pictures are told once they are whole, so an event never breaks off in the middle. The last picture waits
for the request's end, whose usage and metadata it carries.

*Source*: OpenAI's Images API reference, streaming events, read 2026-11; their libraries for Python (3.54) and Node
(6.49) hand on events of other names as they are, and raise where the data has a field `error`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pybase64

from heliostat.api.image.v1 import event_pb2
from heliostat.edge.answer import Answer, Picture
from heliostat.edge.from_proto import (
    Asked,
    Link,
    attempt_of,
    complete,
    look_of,
    metadata_of,
    picture_url,
    usage_of,
)
from heliostat.edge.server_events import frame
from heliostat.edge.to_proto import URL

GENERATION, EDIT = "image_generation", "image_edit"
PROGRESS, JOB, RESULT, ERROR = "heliostat.progress", "heliostat.job", "heliostat.result", "error"

_NO_TOKENS: Mapping[str, Any] = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 0},
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is told.

    `event` begins the names of OpenAI's events; `form` is url or b64_json; `count` pictures are expected, 0 where
    nobody knows; `own_progress`: events of ours are told too.
    """

    event: str
    form: str
    count: int
    own_progress: bool
    link: Link
    now: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream; its pieces are made while they are read. `picture`: whose bytes stand in it."""

    pieces: Iterator[bytes]
    picture: Picture | None = None


class Narrator:
    """Tells a request while it happens. `answer` is what has come of it so far."""

    def __init__(self, asked: Asked, manner: Manner) -> None:
        self.answer = Answer(as_base64=False, with_previews=True)
        self.manner = manner
        self._asked = asked
        self._told: set[int] = set()
        self.begun = False
        """True once there is something to say: a provider has taken the work, or something of it came."""

    def take_all(self, events: Iterable[event_pb2.ImageEvent]) -> list[Frame]:
        """What the next events of the request add to the stream."""
        return [told for event in events for told in self._take(event)]

    def end(self) -> list[Frame]:
        """What is left at the end of a request that succeeded. Raises INTERNAL where it has no result."""
        result = complete(self.answer)
        pictures = self.answer.pictures
        told: dict[str, Any] = {"usage": usage_of(result.usage) or _NO_TOKENS}
        told["metadata"] = metadata_of(self.answer, pictures, result, self._asked)
        left = self._untold()
        if not left:
            return [_small(RESULT, self._stamp() | told)]
        return [*(self._completed(each, {}) for each in left[:-1]), self._completed(left[-1], told)]

    def _take(self, event: event_pb2.ImageEvent) -> list[Frame]:
        kind = event.WhichOneof("event")
        self.answer.take(event)
        self.begun = self.begun or kind not in ("admitted", "attempt_started", "attempt_failed", "waiting", "detached")
        if kind == "media_ended":
            previews = [self._preview(each) for each in self.answer.take_previews()]
            return previews or self._early_ones()
        stage = _STAGES.get(kind or "")
        if stage is None or not self.manner.own_progress:
            return []
        name, told = stage
        return [_small(PROGRESS, self._stamp() | {"stage": name} | told(event))]

    def _untold(self) -> list[Picture]:
        return [each for each in self.answer.pictures if each.info.image_index not in self._told]

    def _early_ones(self) -> list[Frame]:
        """The pictures that need not wait for the end: all but the last one, if they came with their bytes.

        Those that did not are in the store by the end, and hardly before.
        """
        left = self._untold()
        if self.manner.form == URL or not all(each.pieces for each in left):
            return []
        most = self.manner.count - 1 - len(self._told) if self.manner.count else len(left) - 1
        return [self._completed(each, {}) for each in left[: max(0, most)]]

    def _stamp(self) -> dict[str, Any]:
        return {"created_at": int(self.manner.now()), "request_id": self.answer.request_id}

    def _preview(self, picture: Picture) -> Frame:
        beside = {"partial_image_index": picture.info.partial_index}
        return self._with_picture("partial_image", picture, "", beside)

    def _completed(self, picture: Picture, told: Mapping[str, Any]) -> Frame:
        self._told.add(picture.info.image_index)
        beside: dict[str, Any] = {"usage": _NO_TOKENS}
        if picture.info.label:
            beside["label"] = picture.info.label
        if picture.ended is not None and picture.ended.revised_prompt:
            beside["revised_prompt"] = picture.ended.revised_prompt
        is_elsewhere = not picture.pieces and not picture.media_id
        url = picture_url(picture, self.manner.link) if self.manner.form == URL or is_elsewhere else ""
        return self._with_picture("completed", picture, url, {**beside, **told})

    def _with_picture(self, what: str, picture: Picture, url: str, beside: Mapping[str, Any]) -> Frame:
        name = f"{self.manner.event}.{what}"
        look = look_of(picture.info, self._asked, self.answer.result)
        rest = {
            "background": "auto",
            "quality": "auto",
            **look,
            **self._stamp(),
            "image_index": picture.info.image_index,
            **beside,
        }
        if url:
            return _small(name, {"url": url} | rest)
        return Frame(frame(name, _with_base64(name, picture, rest)), picture)


def error_frame(body: bytes) -> Frame:
    """The error that ends a stream, from the JSON object that an answer of its own would have been."""
    return Frame(frame(ERROR, (b'{"type":"error",', body[1:])))


def job_frame(job: Mapping[str, Any]) -> Frame:
    """The end of a stream whose request goes on as a job."""
    return _small(JOB, job)


def _small(name: str, told: Mapping[str, Any]) -> Frame:
    return Frame(frame(name, (orjson.dumps({"type": name, **told}),)))


def _with_base64(name: str, picture: Picture, rest: Mapping[str, Any]) -> Iterator[bytes]:
    yield b'{"type":%b,"b64_json":"' % orjson.dumps(name)
    yield from _base64(picture)
    yield b'",' + orjson.dumps(rest)[1:]


def _base64(picture: Picture) -> Iterator[bytes]:
    """The text of a picture. Its bytes are let go of as they are read, so that a slow caller holds less and less."""
    pieces, picture.pieces = picture.pieces[::-1], []
    rest = b""
    while pieces:
        data = rest + pieces.pop() if rest else pieces.pop()
        whole = len(data) - len(data) % 3
        rest = data[whole:]
        yield pybase64.b64encode(data[:whole] if rest else data)
    if rest:
        yield pybase64.b64encode(rest)


def _waiting(event: event_pb2.ImageEvent) -> dict[str, Any]:
    waiting = event.waiting
    until = waiting.until_time.seconds if waiting.HasField("until_time") else None
    return {"queue_position": waiting.queue_position, "until": until}


def _asking(event: event_pb2.ImageEvent) -> dict[str, Any]:
    return {"target": event.attempt_started.target, "images": event.attempt_started.image_count}


def _accepted(event: event_pb2.ImageEvent) -> dict[str, Any]:
    return {"provider_job_id": event.provider_accepted.provider_job_id or None}


def _working(event: event_pb2.ImageEvent) -> dict[str, Any]:
    progress = event.progress
    return {
        "percent": progress.percent if progress.HasField("percent") else None,
        "queue_position": progress.queue_position if progress.HasField("queue_position") else None,
    }


def _failed(event: event_pb2.ImageEvent) -> dict[str, Any]:
    return {"failing_over": event.attempt_failed.failing_over, "attempt": attempt_of(event.attempt_failed.attempt)}


_STAGES: Mapping[str, tuple[str, Callable[[event_pb2.ImageEvent], dict[str, Any]]]] = {
    "waiting": ("waiting", _waiting),
    "attempt_started": ("asking", _asking),
    "provider_accepted": ("accepted", _accepted),
    "progress": ("working", _working),
    "attempt_failed": ("attempt_failed", _failed),
}
