"""One answer on a real socket, sent well or broken: cut, stalled, slowed down, dropped without a word.

Needs the connection's transport, which `server.EmulatorProtocol` puts into the ASGI scope.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from typing import cast

from starlette.types import Receive, Scope, Send

from heliostat.emulators.journal import Entry
from heliostat.emulators.script import Step

TRANSPORT = "heliostat.transport"
PIECE_BYTES = 65_536
TICKS_PER_SECOND = 20
NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing discards what is unsent and resets the connection."""


class Wire:
    """The way back to one client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, entry: Entry) -> None:
        """`entry` is told when the client goes before its answer is complete (a close of our own does not count)."""
        self._receive = receive
        self._send = send
        self._transport = cast(asyncio.Transport, scope["extensions"][TRANSPORT]["transport"])
        self._entry = entry

    async def pause(self, seconds: float) -> None:
        """Wait the whole time, even when the client goes: a provider's work does not stop for that."""
        ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(ends):
                await self._left()
        except TimeoutError:
            return
        self._entry.client_gone = True
        await asyncio.sleep(ends - asyncio.get_running_loop().time())

    async def drop(self, *, reset: bool) -> None:
        """Close without an answer: a reset (RST) or an orderly end (FIN)."""
        if reset:
            self._forbid_linger()
            self._transport.abort()
        else:
            self._transport.close()
        await self._left()

    async def answer(self, status: int, headers: dict[str, str], chunks: AsyncIterator[bytes], step: Step) -> None:
        """Send status, headers and body; the step says where the body breaks off and how fast it goes.

        Chunks are drawn to the end in every case, because drawing them is the provider's work.
        """
        self._note_departure()
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        limit = step.cut_after_bytes if step.cut_after_bytes is not None else step.stall_after_bytes
        sent = 0
        broken = False
        async for chunk in chunks:
            if broken:
                continue
            room = len(chunk) if limit is None else limit - sent
            await self._write(chunk[:room], step.rate_bytes_per_s)
            sent += min(len(chunk), room)
            if len(chunk) > room:
                broken = True
                if step.cut_after_bytes is not None:
                    self._note_departure()
                    self._transport.close()
        if not broken:
            # The rest was not written to a client that has gone: there is no end of the body to tell then.
            if not self._entry.client_gone:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await self._left()
        if step.cut_after_bytes is None:
            self._entry.client_gone = True

    async def _write(self, data: bytes, rate_bytes_per_s: int | None) -> None:
        size = PIECE_BYTES if rate_bytes_per_s is None else max(1, rate_bytes_per_s // TICKS_PER_SECOND)
        for start in range(0, len(data), size):
            self._note_departure()
            if self._entry.client_gone:
                return
            piece = data[start : start + size]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            if rate_bytes_per_s is not None:
                await asyncio.sleep(len(piece) / rate_bytes_per_s)
        self._note_departure()

    def _note_departure(self) -> None:
        if self._transport.is_closing():
            self._entry.client_gone = True

    def _forbid_linger(self) -> None:
        fileno = self._transport.get_extra_info("socket").fileno()
        if fileno < 0:
            return  # the client was faster
        with socket.socket(fileno=os.dup(fileno)) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
