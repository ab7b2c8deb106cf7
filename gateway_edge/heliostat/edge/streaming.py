"""Answers as streams of events: read from the mesh as they happen, written for as long as the caller takes them.

The head waits until there is something to say, at most `edge.heartbeat_s`: what fails before that is an answer with a
status of its own, what fails later is an event. Nothing is read ahead: while the caller takes nothing, the mesh is not
asked for more, and after `edge.stall_s` the connection is cut.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Send

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.calls import MESH_PHASE, stream
from heliostat.chassis.errors import MeshError, internal
from heliostat.chassis.logs import get_logger
from heliostat.edge.desk import Desk
from heliostat.edge.job_form import job_path
from heliostat.edge.media_files import fetch_picture
from heliostat.edge.narration import Frame, Narrator, error_frame, job_frame
from heliostat.edge.presence import CallerLeft, DrainOver, Line, Presence, line_of
from heliostat.edge.problems import error_body, problem_of
from heliostat.edge.server_events import HEARTBEAT, MEDIA_TYPE
from heliostat.edge.visit import Answering, Reply, Visit, head_of, part_of, visit_of

# Pieces are joined up to this many bytes: a write of its own costs more than the copy.
_PART_BYTES = 65_536
# What a caller is given, once the process stops, to take the rest of an event and where to find its job.
_FAREWELL_S = 1.0
_HEADERS: Mapping[str, str] = {"cache-control": "no-cache", "x-accel-buffering": "no"}

log = get_logger("heliostat.edge")


class _CallerStalled(Exception):
    """The caller did not take anything for too long."""


class Reader:
    """The events of a call, with patience: asking for the next ones may be given up and taken up again."""

    def __init__(self, opened: stream) -> None:
        self._opened = opened
        self._next: asyncio.Task[Sequence[event_pb2.ImageEvent] | None] | None = None

    async def next(self, within_s: float) -> Sequence[event_pb2.ImageEvent] | None:
        """The next events; none where none came within so many seconds; None at the end. Raises MeshError."""
        if self._next is None:
            self._next = asyncio.create_task(self._read())
        done, _ = await asyncio.wait((self._next,), timeout=within_s)
        if not done:
            return ()
        read, self._next = self._next, None
        return read.result()

    async def close(self) -> None:
        """Ends the call."""
        read, self._next = self._next, None
        if read is not None:
            read.cancel()
            with contextlib.suppress(asyncio.CancelledError, MeshError):
                await read
        await self._opened.__aexit__(None, None, None)

    async def _read(self) -> Sequence[event_pb2.ImageEvent] | None:
        try:
            response = await self._opened.__anext__()
        except StopAsyncIteration:
            return None
        events: Sequence[event_pb2.ImageEvent] = response.events
        return events


@dataclass(frozen=True, slots=True)
class Ends:
    """What a stream says where it ends before its request does.

    `note` fills the headers, and is called once more at the end; `detached` is the answer where nothing has been said
    yet; `job` is the job that goes on; `takes_job`: the caller is content with it.
    """

    note: Callable[[], None]
    detached: Callable[[], Reply]
    job: Callable[[], Mapping[str, object]]
    takes_job: Callable[[], bool]


class Telling:
    """One request that is told while it happens."""

    def __init__(self, desk: Desk, request: Request, opened: stream, narrator: Narrator, ends: Ends) -> None:
        self._desk = desk
        self._visit = visit_of(request)
        self._line = line_of(request.scope)
        self._opened = opened
        self._narrator = narrator
        self._ends = ends
        self._reader = Reader(opened)
        self._frames: list[Frame] = []
        self._over = False

    async def begin(self) -> Answering:
        """Waits until there is something to say. Raises MeshError, CallerLeft; DrainOver is told as a job."""
        answer = self._narrator.answer
        await self._opened.__aenter__()
        try:
            with Presence(self._line, self._visit.interruption):
                await self._listen()
        except DrainOver:
            answer.detached = self._over = True
        except BaseException as error:
            await self.close()
            if isinstance(error, MeshError):
                self._lost(error)
            raise
        finally:
            self._ends.note()
        if self._over and answer.detached and answer.result is None:
            await self.close()
            return self._ends.detached()
        return EventReply(self, self._line, self._visit, self._desk.settings.stall_s)

    async def _listen(self) -> None:
        """Reads up to the point where there is something to say, or it is time to say at least that."""
        loop, heartbeat_s = asyncio.get_running_loop(), self._desk.settings.heartbeat_s
        end = loop.time() + heartbeat_s
        while not (self._over or self._narrator.begun):
            left_s = end - loop.time()
            if left_s <= 0:
                return
            await self._read(left_s)

    async def _read(self, within_s: float) -> bool:
        """Reads once; False where nothing came."""
        events = await self._reader.next(within_s)
        if events is None:
            self._over = True
            return True
        self._frames += self._narrator.take_all(events)
        return bool(events)

    async def frames(self) -> AsyncIterator[Frame | None]:
        """What is to be told, as it comes; None where it is time for a heartbeat. Ends with the request, its error or
        its job."""
        try:
            while True:
                for told in self._taken():
                    yield await self._with_bytes(told)
                if self._over:
                    break
                if not await self._read(self._desk.settings.heartbeat_s):
                    yield None
            for told in self._end():
                yield await self._with_bytes(told)
        except MeshError as error:
            self._lost(error)
            yield self._failure(error)
        except Exception as error:
            log.unforeseen("a stream failed unforeseen", error, route=self._visit.route)
            yield self._failure(internal(error))

    async def close(self) -> None:
        """Ends the reading; where the request is under way, its caller has left."""
        await self._reader.close()
        self._frames.clear()
        self._narrator.answer.release()

    def farewell(self) -> Frame:
        """The end of a stream whose request goes on."""
        job = self._ends.job()
        if self._ends.takes_job():
            return job_frame(job)
        message = f"The work goes on; ask GET {job['url']} for the pictures instead of asking anew."
        return error_frame(error_body(message, "server_error", None, "deadline_exceeded", job=job))

    def _taken(self) -> Iterator[Frame]:
        while self._frames:
            yield self._frames.pop(0)

    def _end(self) -> Sequence[Frame]:
        answer = self._narrator.answer
        if answer.detached and answer.result is None:
            return [self.farewell()]
        return self._narrator.end()

    async def _with_bytes(self, told: Frame) -> Frame:
        if told.picture is not None:
            await fetch_picture(self._desk.blobs, self._narrator.answer, told.picture)
        return told

    def _lost(self, error: MeshError) -> None:
        if error.failure is not None and error.failure.phase == MESH_PHASE:
            # The ledger was lost with the request in its hands: nobody here knows how far it came.
            self._narrator.answer.possibly_bought = True
            request_id = self._narrator.answer.request_id or self._visit.request_id
            self._visit.answer_headers["location"] = job_path(request_id)

    def _failure(self, error: MeshError) -> Frame:
        self._visit.error = error
        answer = self._narrator.answer
        request_id = answer.request_id or self._visit.request_id
        body = problem_of(error, possibly_bought=answer.possibly_bought).body
        beside = b',"job":{"id":"%b","url":"%b"}}' % (request_id.encode(), job_path(request_id).encode())
        return error_frame(body[:-1] + beside)


class EventReply:
    """A stream of events on its way out."""

    status = 200

    def __init__(self, telling: Telling, line: Line, visit: Visit, stall_s: float) -> None:
        self._telling = telling
        self._line = line
        self._visit = visit
        self._stall_s = stall_s
        self._rest: Iterator[bytes] = iter(())
        self._unsent = b""

    async def send(self, send: Send, beside: Mapping[str, str]) -> None:
        """Sends itself with the headers `beside` added."""
        try:
            with Presence(self._line, self._visit.interruption):
                await send(head_of(self.status, MEDIA_TYPE, None, _HEADERS, beside))
                async with contextlib.aclosing(self._telling.frames()) as frames:  # type: ignore[type-var]
                    async for told in frames:
                        await self._put_all(send, (HEARTBEAT,) if told is None else told.pieces)
                        del told
            await send(_LAST)
        except CallerLeft:
            return
        except DrainOver:
            await self._part_with(send)
        except _CallerStalled:
            log.info("a stream was cut, its caller took nothing", route=self._visit.route)
        finally:
            await self._telling.close()

    async def _put_all(self, send: Send, pieces: Iterable[bytes]) -> None:
        self._rest = _parts(pieces)
        for part in self._rest:
            await self._put(send, part)

    async def _put(self, send: Send, part: bytes) -> None:
        """Sends a part of the body once the caller has taken what was sent before. Raises _CallerStalled."""
        try:
            async with asyncio.timeout(self._stall_s):
                self._unsent = part
                await send(part_of(part))
                self._unsent = b""
        except TimeoutError:
            self._line.cut()
            raise _CallerStalled from None
        # What is written reaches the connection when the loop turns; only then does it say that it is full.
        await asyncio.sleep(0)

    async def _part_with(self, send: Send) -> None:
        """The process stops: the caller gets the rest of the event that it is in, and is told where its job is."""
        self._stall_s = _FAREWELL_S
        with contextlib.suppress(_CallerStalled):
            await self._put(send, self._unsent)
            for part in self._rest:
                await self._put(send, part)
            await self._put_all(send, self._telling.farewell().pieces)
            await send(_LAST)


_LAST = {"type": "http.response.body", "body": b"", "more_body": False}


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, small ones joined. Nothing is held of those that were given out."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        del piece
        if size >= _PART_BYTES:
            part = b"".join(waiting) if len(waiting) > 1 else waiting[0]
            waiting.clear()
            size = 0
            yield part
            del part
    if waiting:
        yield b"".join(waiting)
