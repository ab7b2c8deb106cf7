"""One HTTP request while it is being served: its ids, its headers, what the answer carries beside its body."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.calls import AUTHORIZATION
from heliostat.chassis.errors import MeshError
from heliostat.edge.presence import Interruption
from heliostat.edge.problems import Refusal

_KEY = "heliostat"
_MAX_AUTHORIZATION = 1024
# Pieces below this many bytes are joined before they are sent: a write of its own costs more than the copy.
_SMALL = 131_072
# What is still taken from a caller whose body was refused.
_LINGER_BYTES = 1024 * 1024
_LINGER_S = 1.0


def new_request_id() -> str:
    """An id for a request: "req_" and 96 random bits."""
    return "req_" + secrets.token_hex(12)


@dataclass(slots=True)
class Visit:
    """What the rooms of the edge know of the HTTP request that they serve. `started` is a monotonic reading."""

    request_id: str
    started: float
    headers: Mapping[bytes, bytes]
    interruption: Interruption
    route: str = ""
    trace_id: str = ""
    status: int = 0
    openai_base: bool = False
    body_left: bool = False
    """True as long as a body, or a part of it, has not been read."""
    possibly_bought: bool = False
    error: Exception | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)

    def header(self, name: bytes) -> str:
        """The header's value; empty where it is missing. `name` is in lower case."""
        value = self.headers.get(name)
        return value.decode("latin-1").strip() if value else ""

    def credentials(self) -> Sequence[tuple[str, str]]:
        """The caller's key as metadata of a call. Raises CALLER_UNKNOWN where it cannot be a key at all."""
        value = self.header(b"authorization")
        if not value:
            return ()
        if len(value) > _MAX_AUTHORIZATION or not (value.isascii() and value.isprintable()):
            raise MeshError(
                reasons.ERROR_REASON_CALLER_UNKNOWN,
                "The API key is not one of ours; send the header Authorization: Bearer with a key of this gateway.",
            )
        return ((AUTHORIZATION, value),)


def visit_of(request: Request) -> Visit:
    """The visit behind a request of Starlette."""
    visit: Visit = request.scope[_KEY]
    return visit


def open_visit(scope: Scope, started: float) -> Visit:
    """A new visit for this scope, served by the running task, to be found again by `visit_of`."""
    headers, openai_base = dict(scope["headers"]), scope["path"].startswith("/openai/")
    visit = Visit(new_request_id(), started, headers, Interruption(), openai_base=openai_base)
    visit.body_left = b"transfer-encoding" in visit.headers or visit.headers.get(b"content-length", b"0") != b"0"
    scope[_KEY] = visit
    return visit


def single(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> None:
    """Raises a Refusal where a header that must stand once stands several times."""
    if sum(1 for key, _ in headers if key == name) > 1:
        raise Refusal(400, "invalid_header", f"The header {name.decode()} stands more than once; send it once.")


def header_text(text: str) -> str:
    """The text as the value of a header: other than visible ASCII becomes a question mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if " " <= char <= "~" else "?" for char in text)


@dataclass(slots=True)
class Reply:
    """An answer: a status, a body in pieces, headers. Large pieces are sent as they are, never joined.

    `linger`: the caller may still be sending; what comes is thrown away for a moment before the connection ends, or
    the caller would see a reset in place of the answer.
    """

    status: int
    pieces: Sequence[bytes]
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    linger: Receive | None = None

    async def send(self, send: Send, beside: Mapping[str, str]) -> None:
        """Sends itself with the headers `beside` added."""
        await send(_start(self, sum(map(len, self.pieces)), beside))
        waiting: list[bytes] = []
        for piece in self.pieces:
            if len(piece) < _SMALL:
                waiting.append(piece)
                continue
            if waiting:
                await send(part_of(b"".join(waiting)))
                waiting.clear()
            await send(part_of(piece))
        if self.linger is not None:
            await send(part_of(b"".join(waiting)))
            await _linger(self.linger)
            waiting.clear()
        await send({"type": "http.response.body", "body": b"".join(waiting), "more_body": False})


@dataclass(slots=True)
class StreamedReply:
    """An answer whose body of `length` bytes is read while it is sent; None where nobody knows its length yet."""

    status: int
    body: AsyncIterator[bytes]
    length: int | None
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, beside: Mapping[str, str]) -> None:
        """Sends itself with the headers `beside` added."""
        await send(_start(self, self.length, beside))
        async for piece in self.body:
            await send(part_of(piece))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Answering(Protocol):
    """Whatever answers a request: a status, and a way to send itself."""

    status: int

    async def send(self, send: Send, beside: Mapping[str, str]) -> None:
        """Sends itself with the headers `beside` added."""


def _start(reply: Reply | StreamedReply, length: int | None, beside: Mapping[str, str]) -> Message:
    return head_of(reply.status, reply.media_type, length, reply.headers, beside)


def head_of(status: int, media_type: str, length: int | None, *headers: Mapping[str, str]) -> Message:
    """The message that begins an answer. `length` in bytes; None where nobody knows it yet."""
    told = [(b"content-type", media_type.encode())]
    if length is not None:
        told.append((b"content-length", b"%d" % length))
    for more in headers:
        told += [(name.encode(), value.encode("latin-1", "replace")) for name, value in more.items()]
    return {"type": "http.response.start", "status": status, "headers": told}


async def _linger(receive: Receive) -> None:
    left = _LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def part_of(body: bytes) -> Message:
    """The message that carries a part of an answer's body."""
    return {"type": "http.response.body", "body": body, "more_body": True}
