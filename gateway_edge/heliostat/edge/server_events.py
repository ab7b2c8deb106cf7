"""text/event-stream, written: named frames whose data is one line of JSON in pieces. Pure.

*Source*: WHATWG HTML, section 9.2 "Server-sent events", read 2026-11.
"""

from collections.abc import Iterable, Iterator

MEDIA_TYPE = "text/event-stream; charset=utf-8"
HEARTBEAT = b":\n\n"
"""A comment, which every reader passes over; it keeps what stands between here and the caller from hanging up."""


def frame(name: str, data: Iterable[bytes]) -> Iterator[bytes]:
    """One event. `data` is JSON without line breaks; its pieces are read one by one, as they are wanted."""
    yield b"event: %b\ndata: " % name.encode()
    yield from data
    yield b"\n\n"
