"""How uvicorn reads heads: within a time, within a size, and answering OpenAI's error object where they make no sense.

uvicorn itself waits without end for the second half of a head, and answers broken ones in plain text.
"""

from asyncio import AbstractEventLoop, Protocol, TimerHandle, WriteTransport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from heliostat.edge.limits import head_too_large
from heliostat.edge.presence import Line, extensions
from heliostat.edge.problems import Problem, Refusal, problem_of_refusal
from heliostat.edge.settings import EdgeSettings
from heliostat.edge.visit import new_request_id

# Up to this many bytes joining pieces is cheaper than handing over several.
_JOIN_BYTES = 65_536
_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class _Cork:
    """A transport that holds what is written until the answer is complete or the loop turns.

    uvicorn writes the head and each piece of a body on their own; one system call for all of them takes half as much
    CPU on a small answer, and nothing has to be copied together for it.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: WriteTransport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Takes bytes."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)

    def flush(self) -> None:
        """Passes on what is held."""
        held, self._held = self._held, []
        if not held:
            return
        if sum(map(len, held)) < _JOIN_BYTES:
            self._transport.write(b"".join(held))
        else:
            self._transport.writelines(held)

    def close(self) -> None:
        """Passes on what is held, then closes."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """As the transport says."""
        return self._transport.is_closing()


def http_protocol(settings: EdgeSettings) -> type[Protocol]:
    """The protocol class for this configuration."""

    class EdgeProtocol(HttpToolsProtocol):
        """HTTP/1.1 with an end to patience."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._head_open = True
            self._head_bytes = 0
            self._head_timer: TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._cork: Any = _Cork(transport, self.loop)
            self._line = Line(self.flow.resume_reading, transport.abort)
            self._extensions = extensions(self._line)
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_head()
            super().connection_lost(exc)
            self._line.hang_up()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._head_open = True
            self._head_bytes = 0

        def on_headers_complete(self) -> None:
            self._head_open = False
            self.scope["extensions"] = self._extensions
            super().on_headers_complete()
            self.cycle.transport = self._cork

        def on_response_complete(self) -> None:
            self._cork.flush()
            super().on_response_complete()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._head_open:
                self._forget_head()
                return
            self._head_bytes += len(data)
            if self._head_bytes > settings.max_head_bytes:
                self._refuse(head_too_large(settings))
            elif self._head_timer is None:
                self._watch_head()

        def send_400_response(self, msg: str) -> None:
            """Part of uvicorn's protocol; `msg` is its own text."""
            del msg
            self._refuse(Refusal(400, "invalid_http", "This is not HTTP/1.1 as it is read here; check the request."))

        def _watch_head(self) -> None:
            self._head_timer = self.loop.call_later(settings.head_timeout_s, self._head_late)

        def _forget_head(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _head_late(self) -> None:
            if self._head_bytes:
                self._refuse(Refusal(408, "request_timeout", "The head did not come in time; send it at once."))
            else:
                self.transport.close()

        def _refuse(self, refusal: Refusal) -> None:
            self._forget_head()
            if not self.transport.is_closing():
                self.transport.write(_on_the_wire(problem_of_refusal(refusal)))
                self.transport.close()

    return EdgeProtocol


def _on_the_wire(problem: Problem) -> bytes:
    head = (
        f"HTTP/1.1 {problem.status} {_REASONS[problem.status]}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(problem.body)}\r\n"
        f"x-request-id: {new_request_id()}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + problem.body
