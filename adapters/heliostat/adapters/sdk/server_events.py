"""Reads text/event-stream bodies whose frames may be megabytes long. Source: WHATWG HTML, section 9.2, read 2026-11."""

import re
from collections.abc import AsyncGenerator, AsyncIterator

_END = re.compile(rb"\n\n|\r\n\r\n")


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[tuple[str, bytes]]:
    """Yields (event name, data) per frame; comments and frames without data are skipped.

    A frame that the end of the body cuts off is dropped.
    """
    rest = bytearray()
    async for piece in pieces:
        searched = max(0, len(rest) - 3)
        rest += piece
        while (end := _END.search(rest, searched)) is not None:
            event = _read_frame(bytes(rest[: end.start()]))
            del rest[: end.end()]
            searched = 0
            if event is not None:
                yield event


def _read_frame(frame: bytes) -> tuple[str, bytes] | None:
    name = ""
    data: list[bytes] = []
    for line in frame.split(b"\n"):
        field, _, value = line.rstrip(b"\r").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
    return (name, b"\n".join(data)) if data else None
