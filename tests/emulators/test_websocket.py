"""WebSockets of emulated providers, frame by frame."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from heliostat.emulators import EmulatorServer
from heliostat.emulators.websocket import FrameFault, read_frame, write_frame

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = base64.b64encode(b"0123456789abcdef")


def frame(kind: int, data: bytes, *, final: bool = True, masked: bool = True) -> bytes:
    """A client's frame."""
    size, mask = len(data), os.urandom(4)
    head = bytes([(0x80 if final else 0) | kind])
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    else:
        head += bytes([flag | (126 if size < 65_536 else 127)]) + size.to_bytes(2 if size < 65_536 else 8, "big")
    if not masked:
        return head + data
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that says everything back, and tells in a list how connections ended."""

    async def echo(socket: WebSocket) -> None:
        if "refuse" in socket.query_params:
            await socket.close()
            return
        await socket.accept()
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await socket.send({**message, "type": "websocket.send"})
        except WebSocketDisconnect:
            return

    server = EmulatorServer(Starlette(routes=[WebSocketRoute("/echo", echo)]))
    yield int((await server.start()).rpartition(":")[2])
    await server.stop()


class Peer:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def head(self, path: str = "/echo", key: bytes = KEY) -> list[bytes]:
        """Asks for an upgrade; gives the lines of the answer's head."""
        lines = [f"GET {path} HTTP/1.1".encode(), b"host: x", b"connection: Upgrade", b"upgrade: websocket"]
        lines += [b"sec-websocket-version: 13"] + ([b"sec-websocket-key: " + key] if key else [])
        self.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        return (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")

    async def told(self) -> tuple[int, bytes]:
        """Kind and data of the server's next frame."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(size)


@pytest.fixture
async def peer(port: int) -> AsyncIterator[Peer]:
    """A raw client, connected."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(60):
        yield Peer(reader, writer)
    writer.close()


async def test_an_upgrade_is_proven(peer: Peer) -> None:
    """By the hash that RFC 6455 asks for."""
    lines = await peer.head()
    proof = base64.b64encode(
        hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    )
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"sec-websocket-accept: " + proof in lines


@pytest.mark.parametrize(
    ("path", "key", "status"), [("/echo?refuse=1", KEY, b"403"), ("/none", KEY, b"403"), ("/echo", b"", b"400")]
)
async def test_an_upgrade_may_be_refused(peer: Peer, path: str, key: bytes, status: bytes) -> None:
    """By the application, for want of a route, for want of a key."""
    assert (await peer.head(path, key))[0].split(b" ")[1] == status
    assert await peer.reader.read() == b""


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
async def test_a_message_of_any_length_comes_whole(peer: Peer, size: int) -> None:
    """Text and bytes."""
    await peer.head()
    for kind in (TEXT, BINARY):
        peer.writer.write(frame(kind, b"x" * size))
        assert await peer.told() == (kind, b"x" * size)


async def test_a_message_may_come_in_pieces_with_a_ping_between(peer: Peer) -> None:
    """And in single bytes."""
    await peer.head()
    whole = frame(TEXT, "grü".encode(), final=False) + frame(PING, b"?") + frame(0, "ße".encode())
    for byte in whole:
        peer.writer.write(bytes([byte]))
        await peer.writer.drain()
    assert await peer.told() == (PONG, b"?")
    assert await peer.told() == (TEXT, "grüße".encode())


async def test_a_close_is_answered(peer: Peer) -> None:
    """With its own code, and the connection ends."""
    await peer.head()
    peer.writer.write(frame(PONG, b"") + frame(CLOSE, (1001).to_bytes(2, "big")))
    assert await peer.told() == (CLOSE, (1001).to_bytes(2, "big"))
    assert await peer.reader.read() == b""


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(0, b"a piece of nothing"), 1002),
        (frame(TEXT, b"x", final=False) + frame(TEXT, b"x"), 1002),
        (frame(3, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(TEXT, b"\xff\xfe"), 1007),
        (bytes([0x81, 0x80 | 127]) + (2**40).to_bytes(8, "big"), 1009),
    ],
    ids=["unmasked", "piece", "within", "kind", "long ping", "no text", "too large"],
)
async def test_what_is_not_allowed_closes_the_connection(peer: Peer, sent: bytes, code: int) -> None:
    """With the code for it."""
    await peer.head()
    peer.writer.write(sent)
    assert await peer.told() == (CLOSE, code.to_bytes(2, "big"))


async def test_a_server_that_stops_ends_its_connections(port: int) -> None:
    """The fixture stops it while this connection is open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await Peer(reader, writer).head()
    writer.close()


def test_frames_are_read_as_they_come() -> None:
    """None while one is not whole; nothing of the next one is taken."""
    data: Any = json.dumps({"a": "b" * 200}).encode()
    whole = frame(TEXT, data)
    for end in range(len(whole)):
        buffer = bytearray(whole[:end])
        assert read_frame(buffer) is None
        assert len(buffer) == end
    buffer = bytearray(whole + b"\x89")
    found = read_frame(buffer)
    assert found is not None
    assert (found.data, found.final, bytes(buffer)) == (data, True, b"\x89")
    with pytest.raises(FrameFault):
        read_frame(bytearray(write_frame(TEXT, b"a server's")))
