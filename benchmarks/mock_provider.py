"""An OpenAI-compatible image provider written for speed: `POST /v1/images/generations`, answered by the model's name.

Models: `small`, `b1`, `b4`, each with an optional delay in milliseconds (`small-d50`). `GET /stats` says how many
were asked for. It parses no JSON and encodes nothing while it serves; it exists to cost the machine next to nothing.
"""

import asyncio
import gc
import json
import re
from collections import Counter
from typing import cast

import uvloop

from benchmarks.bodies import BODIES, answer, split_model
from benchmarks.worker_pipe import messages, say

BACKLOG = 4096

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,64})"')
_HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


def whole_answer(status: str, body: bytes) -> bytes:
    """Head and body of an HTTP/1.1 answer that keeps the connection open."""
    return _HEAD.format(status=status, length=len(body)).encode() + body


def refusal(status: str, message: str) -> bytes:
    """A whole answer with OpenAI's error object."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return whole_answer(status, json.dumps({"error": error}).encode())


class Catalogue:
    """The prebuilt answers and the count of what was asked for, shared by all connections."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._answers = {body: whole_answer("200 OK", answer(body)) for body in BODIES}
        self._models: dict[bytes, tuple[bytes, float]] = {}

    def lookup(self, request_body: bytes) -> tuple[bytes, float]:
        """The whole answer to a generation request and its delay in seconds."""
        match = _MODEL.search(request_body)
        name = match[1] if match else b""
        self.asked[name.decode("latin-1")] += 1
        known = self._models.get(name)
        if known is None:
            split = split_model(name.decode("latin-1"))
            if split is None:
                return refusal("404 Not Found", "This model does not exist."), 0.0
            known = self._models[name] = (self._answers[split[0]], split[1])
        return known

    def stats(self) -> bytes:
        """The whole answer to `GET /stats`."""
        return whole_answer("200 OK", json.dumps({"requests": dict(self.asked)}).encode())


class Connection(asyncio.Protocol):
    """One keep-alive connection of the provider: one request at a time, as HTTP/1.1 clients send them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports do not inherit from asyncio's
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._received = received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        if received.startswith(b"GET /stats "):
            self._received = b""
            self._transport.write(self._catalogue.stats())
            return
        length = _LENGTH.search(received, 0, head_end)
        if length is None or not received.startswith(b"POST /v1/images/generations "):
            self._transport.write(refusal("404 Not Found", "Only POST /v1/images/generations with a length."))
            self._transport.close()
            return
        end = head_end + 4 + int(length[1])
        if len(received) < end:
            return
        self._received = received[end:]
        whole, delay_s = self._catalogue.lookup(received[head_end + 4 : end])
        if delay_s:
            self._loop.call_later(delay_s, self._send, whole)
        else:
            self._transport.write(whole)

    def _send(self, whole: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(whole)


async def serve() -> None:
    """Serve on a free loopback port until the benchmark closes the pipe."""
    catalogue = Catalogue()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(catalogue), "127.0.0.1", 0, backlog=BACKLOG)
    gc.freeze()
    say({"port": server.sockets[0].getsockname()[1]})
    async for _ in messages():
        say({"requests": dict(catalogue.asked)})
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
