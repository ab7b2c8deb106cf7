"""One request of an emulated provider: read, scripted, worked on, written down, answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Protocol

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from heliostat.emulators.faults import Wire
from heliostat.emulators.journal import Entry, Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.script import Script, Step
from heliostat.emulators.shelf import Shelf
from heliostat.emulators.spoiling import EXPIRED, spoiled

GARBAGE = random.Random(0).randbytes(256)


@dataclass
class Reply:
    """An answer: a body, or chunks of one that are drawn while they are sent."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None


def json_reply(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Answer with JSON."""
    return Reply(status, orjson.dumps(content), headers=headers or {})


class Refusal(Exception):
    """The provider will not do the work; `reply` says why in its dialect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with status {reply.status}")
        self.reply = reply


Work = Callable[[Entry], Awaitable[Reply]]


@dataclass
class Call:
    """A request that has been read. `work` answers it, and bills through the entry; it may raise `Refusal`."""

    kind: str
    work: Work
    model: str = ""
    prompt: str = ""
    request_id: str = ""
    """Empty: the dialect makes one."""


class Dialect(Protocol):
    """How a provider says the things that every provider says."""

    def new_request_id(self) -> str:
        """Make an id in the provider's form."""

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""

    def error(self, status: int) -> Reply:
        """Give the provider's usual error answer for a status."""


@dataclass
class Room:
    """What one emulated provider has: its script and its files, and the painter and the journal it shares."""

    name: str
    pictures: Pictures
    journal: Journal
    dialect: Dialect
    script: Script = field(default_factory=Script)
    shelf: Shelf = field(default_factory=Shelf)

    def route(self, path: str, handler: Callable[[Request], Awaitable[Call]], *methods: str) -> Route:
        """Serve `handler` at a path below the provider's own, with script and journal."""
        return Route(f"/{self.name}{path}", endpoint=Exchange(self, handler), methods=methods)

    def address(self, request: Request) -> str:
        """Give the provider's base URL as this client sees it."""
        return f"{request.url.scheme}://{request.headers['host']}/{self.name}"

    async def file(self, request: Request) -> Call:
        """Answer for a hosted file; the route must have a `name` in its path."""
        found = self.shelf.get(request.path_params["name"])

        async def work(_: Entry) -> Reply:
            if request.url.query == EXPIRED:
                return self.dialect.error(403)
            return self.dialect.error(404) if found is None else Reply(200, found.data, found.media_type)

        return Call("file", work)


class Exchange:
    """The ASGI app of one route."""

    def __init__(self, room: Room, handler: Callable[[Request], Awaitable[Call]]) -> None:
        self._room = room
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as the script has it."""
        began = time.perf_counter()
        request = Request(scope, receive)
        try:
            call = await self._handler(request)
        except ClientDisconnect:
            return
        entry = self._room.journal.open(
            self._room.name,
            call.kind,
            model=call.model,
            prompt=call.prompt,
            request_id=call.request_id or self._room.dialect.new_request_id(),
            headers=request.headers,
        )
        step = self._room.script.take(call.kind, call.model, call.prompt)
        entry.free = step.bill is False
        wire = Wire(scope, receive, send, entry)
        reply = await self._reply(call, entry, step, wire)
        if reply is None:
            await wire.drop(reset=step.connection == "reset")
            return
        entry.status = reply.status
        headers = self._headers(reply, entry, step, round(1000 * (time.perf_counter() - began)))
        await wire.answer(reply.status, headers, reply.chunks or _whole(reply.body), step)

    async def _reply(self, call: Call, entry: Entry, step: Step, wire: Wire) -> Reply | None:
        early = await _finished(call, entry) if step.bill else None
        if step.delay_s:
            await wire.pause(step.delay_s)
        if step.connection is not None:
            return None
        if not step.replaces:
            return self._told(early or await worked(call.work, entry), entry, step)
        if early is None and step.good:
            await _finished(call, entry)
        if step.garbage:
            return Reply(step.status or 200, GARBAGE)
        if step.repeat is not None:
            return Reply(step.status or 200, chunks=_repeated(step.body_bytes(), step.repeat))
        if step.has_body:
            return Reply(step.status or 200, step.body_bytes())
        return self._room.dialect.error(step.status or 200)

    def _told(self, reply: Reply, entry: Entry, step: Step) -> Reply:
        """The real answer, with one thing wrong in it where the step says so; else the step waits for the next."""
        if step.spoil is None:
            return reply
        whole = reply.status < 300 and reply.chunks is None
        body = spoiled(reply.body, step.spoil, step.address) if whole else None
        if body is None:
            self._room.script.give_back(step)
            return reply
        entry.spoiled = True
        return replace(reply, body=body)

    def _headers(self, reply: Reply, entry: Entry, step: Step, elapsed_ms: int) -> dict[str, str]:
        headers = {"date": formatdate(usegmt=True), "content-type": reply.media_type}
        if reply.chunks is None:
            headers["content-length"] = str(len(reply.body))
        return step.dress(headers | self._room.dialect.headers(entry, elapsed_ms) | reply.headers)


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _repeated(body: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield body
        await asyncio.sleep(0)  # it may be drawn long after the client has gone


async def worked(work: Work, entry: Entry) -> Reply:
    """Do the work; a refusal is an answer too."""
    try:
        return await work(entry)
    except Refusal as refusal:
        return refusal.reply


async def _finished(call: Call, entry: Entry) -> Reply:
    """Do the work to its end, so that it is billed; a streamed body is gathered."""
    reply = await worked(call.work, entry)
    if reply.chunks is None:
        return reply
    body = b"".join([chunk async for chunk in reply.chunks])
    return Reply(reply.status, body, reply.media_type, reply.headers)
