"""How uvicorn reads heads: within a time, within a size, and answering OpenAI's error object where they make no sense.

uvicorn itself waits without end for the second half of a head, and answers broken ones in plain text.
"""

from asyncio import Protocol, TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from heliostat.edge.limits import head_too_large
from heliostat.edge.problems import Problem, Refusal, problem_of_refusal
from heliostat.edge.settings import EdgeSettings
from heliostat.edge.visit import new_request_id

_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


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
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_head()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._head_open = True
            self._head_bytes = 0

        def on_headers_complete(self) -> None:
            self._head_open = False
            super().on_headers_complete()

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
