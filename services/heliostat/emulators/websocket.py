"""WebSockets (RFC 6455) for emulated providers whose clients speak them: one connection as an ASGI application sees it.

Text and binary messages, pieces of them, pings and closes; no extensions and no subprotocols.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import uvicorn
from starlette.types import Message
from uvicorn.server import ServerState

LIMIT_BYTES = 64 * 1024 * 1024
MOST_CONTROL_BYTES = 125
_ACCEPTS = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PIECE, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_GOOD, _BROKEN, _NO_TEXT, _TOO_LARGE, _GONE = 1000, 1002, 1007, 1009, 1006


@dataclass(frozen=True)
class Frame:
    """One frame of a client, unmasked."""

    final: bool
    kind: int
    data: bytes


class FrameFault(ValueError):
    """What a client may not send; `code` is the close code for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_frame(buffer: bytearray) -> Frame | None:
    """Take the first frame out of the buffer; None while it is not whole. Raises `FrameFault`."""
    if len(buffer) < 2:
        return None
    first, second = buffer[0], buffer[1]
    kind, size, at = first & 0x0F, second & 0x7F, 2
    if first & 0x70 or kind not in {_PIECE, _TEXT, _BINARY, _CLOSE, _PING, _PONG} or not second & 0x80:
        raise FrameFault(_BROKEN, "reserved bits, an unknown kind, or no mask")
    if kind >= _CLOSE and (size > MOST_CONTROL_BYTES or not first & 0x80):
        raise FrameFault(_BROKEN, "a control frame that is long or in pieces")
    if size > MOST_CONTROL_BYTES:
        at = 4 if size == 126 else 10
        if len(buffer) < at:
            return None
        size = int.from_bytes(buffer[2:at], "big")
    if size > LIMIT_BYTES:
        raise FrameFault(_TOO_LARGE, "too large")
    if len(buffer) < at + 4 + size:
        return None
    mask, data = bytes(buffer[at : at + 4]), bytes(buffer[at + 4 : at + 4 + size])
    del buffer[: at + 4 + size]
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return Frame(bool(first & 0x80), kind, (int.from_bytes(data, "big") ^ key).to_bytes(size, "big"))


def write_frame(kind: int, data: bytes) -> bytes:
    """Make a whole frame of a server's: servers do not mask."""
    size = len(data)
    if size <= MOST_CONTROL_BYTES:
        head = bytes([0x80 | kind, size])
    elif size < 65_536:
        head = bytes([0x80 | kind, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | kind, 127]) + size.to_bytes(8, "big")
    return head + data


class WebSocketProtocol(asyncio.Protocol):
    """One connection, taken over from the HTTP protocol, which repeats the request's head to it."""

    def __init__(self, *, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        self._app = config.loaded_app
        self._server = server_state
        self._app_state = app_state
        self._buffer = bytearray()
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._key = b""
        self._open = False
        self._pieces: list[bytes] = []
        self._kind = _PIECE
        self._over = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: what stops the server finds the connection among the others."""
        self.transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the application is told."""
        self._server.connections.discard(self)
        self._end(_GONE)

    def data_received(self, data: bytes) -> None:
        """Take bytes: the head first, frames afterwards."""
        self._buffer += data
        if not self._key and not self._begin():
            return
        try:
            while not self._over and (frame := read_frame(self._buffer)) is not None:
                self._take(frame)
        except FrameFault as fault:
            self._close(fault.code)

    def _begin(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        self._key = dict(headers).get(b"sec-websocket-key", b"")
        target = first.split(b" ")[1]
        path, _, query = target.partition(b"?")
        if not self._key:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
            return False
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "wss" if self.transport.get_extra_info("sslcontext") else "ws",
            "server": self.transport.get_extra_info("sockname")[:2],
            "client": self.transport.get_extra_info("peername")[:2],
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "subprotocols": [],
            "state": self._app_state.copy(),
        }
        self._received.put_nowait({"type": "websocket.connect"})
        task = asyncio.get_running_loop().create_task(self._run(scope))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)
        return True

    async def _run(self, scope: dict[str, Any]) -> None:
        await self._app(scope, self._received.get, self._send)
        if not self._over:
            self._close(_GOOD)

    async def _send(self, message: Any) -> None:
        """What the application sends. A connection that is over takes it and does nothing."""
        kind = message["type"]
        if self._over:
            return
        if kind == "websocket.accept":
            proof = base64.b64encode(hashlib.sha1(self._key + _ACCEPTS, usedforsecurity=False).digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            self.transport.write(head + b"sec-websocket-accept: " + proof + b"\r\n\r\n")
            self._open = True
        elif kind == "websocket.send":
            text = message.get("text")
            data = text.encode() if text is not None else bytes(message["bytes"])
            self.transport.write(write_frame(_TEXT if text is not None else _BINARY, data))
        elif self._open:
            self._close(message.get("code", _GOOD))
        else:
            self.transport.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self._end(_GONE)
            self.transport.close()

    def _take(self, frame: Frame) -> None:
        if frame.kind == _PING:
            self.transport.write(write_frame(_PONG, frame.data))
        elif frame.kind == _CLOSE:
            self._close(int.from_bytes(frame.data[:2], "big") or _GOOD)
        elif frame.kind != _PONG:
            self._gather(frame)

    def _gather(self, frame: Frame) -> None:
        if (frame.kind == _PIECE) != bool(self._pieces):
            raise FrameFault(_BROKEN, "a piece of nothing, or a message within another")
        self._kind = frame.kind or self._kind
        self._pieces.append(frame.data)
        if sum(map(len, self._pieces)) > LIMIT_BYTES:
            raise FrameFault(_TOO_LARGE, "too large")
        if not frame.final:
            return
        data, self._pieces = b"".join(self._pieces), []
        if self._kind == _BINARY:
            self._received.put_nowait({"type": "websocket.receive", "bytes": data})
            return
        try:
            self._received.put_nowait({"type": "websocket.receive", "text": data.decode()})
        except UnicodeDecodeError:
            raise FrameFault(_NO_TEXT, "no text") from None

    def _close(self, code: int) -> None:
        """Say why, and close. What was said before still goes out."""
        if not self._over:
            self.transport.write(write_frame(_CLOSE, code.to_bytes(2, "big")))
            self._end(code)
            self.transport.close()

    def _end(self, code: int) -> None:
        if not self._over:
            self._over = True
            self._received.put_nowait({"type": "websocket.disconnect", "code": code})
