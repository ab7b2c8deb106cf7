"""Just enough HTTP/1.1 to know where an answer ends: the load client's reader, cheap enough for 2 MB bodies."""

import re

HEAD_LIMIT = 64 * 1024

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")


class AnswerReader:
    """Reads answers one after another; feed it what the socket gave.

    After `feed` returned True: `status` is the HTTP status, `size` the number of body bytes, `body` the bytes where
    `keep` was set before. `start` makes it ready for the next answer.
    """

    def __init__(self) -> None:
        self.start(keep=False)

    def start(self, *, keep: bool) -> None:
        """Expect a new answer; keep its body when `keep`."""
        self.status = 0
        self.size = 0
        self.body = bytearray()
        self._keep = keep
        self._line = bytearray()
        self._rest = 0
        self._in_head = True
        self._chunked = False
        self._last_chunk = False

    def feed(self, data: memoryview) -> bool:
        """True when the answer is whole; ValueError when it is not HTTP, or goes on behind its own end."""
        if self._in_head:
            data = self._read_head(data)
            if self._in_head:
                return False
        whole = self._read_chunks(data) if self._chunked else self._read_counted(data)
        return whole

    def _read_head(self, data: memoryview) -> memoryview:
        before = len(self._line)
        self._line += data[:HEAD_LIMIT]
        end = self._line.find(b"\r\n\r\n", max(0, before - 3))
        if end < 0:
            if len(self._line) >= HEAD_LIMIT:
                raise ValueError("the answer's head has no end")
            return data[len(data) :]
        head = bytes(self._line[:end])
        if not head.startswith(b"HTTP/1.1 "):
            raise ValueError("the answer is not HTTP/1.1")
        self.status = int(head[9:12])
        self._chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        if length is None and not self._chunked:
            raise ValueError("the answer says no length")
        self._rest = int(length[1]) if length and not self._chunked else 0
        self._line.clear()
        self._in_head = False
        return data[end + 4 - before :]

    def _read_counted(self, data: memoryview) -> bool:
        self._take(data)
        self._rest -= len(data)
        if self._rest < 0:
            raise ValueError("the answer is longer than it said")
        return self._rest == 0

    def _read_chunks(self, data: memoryview) -> bool:
        """`_rest` counts the bytes of the chunk that are still to come, its closing line break included."""
        while len(data):
            if self._rest:
                part = data[: self._rest]
                picture_bytes = min(len(part), max(0, self._rest - 2))
                self._take(part[:picture_bytes])
                self._rest -= len(part)
                data = data[len(part) :]
                if self._rest == 0 and self._last_chunk:
                    return True
                continue
            data = self._read_chunk_size(data)
        return False

    def _read_chunk_size(self, data: memoryview) -> memoryview:
        line = bytes(data[:34])
        before = len(self._line)
        self._line += line
        end = self._line.find(b"\n")
        if end < 0:
            if len(self._line) > 32:
                raise ValueError("a chunk's size has no end")
            return data[len(line) :]
        size = int(self._line[:end].split(b";")[0], 16)
        self._line.clear()
        self._last_chunk = size == 0
        self._rest = size + 2
        return data[end + 1 - before :]

    def _take(self, data: memoryview) -> None:
        self.size += len(data)
        if self._keep:
            self.body += data
