"""What changes on open pages: elements of a page, sent anew when they have changed, over server-sent events.

Whoever changes something publishes an element's id and how to render it. It is rendered once for all pages, when the
first of them takes it, and not at all where nobody looks. A page that is slow takes the latest state of each element
and misses what was between. A page says what it knows by a stamp, so that nothing is lost between its making and its
listening; where the console was started anew since, it is told to make itself anew.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Iterator

HEARTBEAT_S = 15.0
# Changes are gathered this long: a page is drawn at most so often.
_GATHER_S = 0.2
_RETRY_MS = 1000


class _Element:
    """An element's latest state: rendered at first use."""

    __slots__ = ("_frame", "_render", "kind", "number")

    def __init__(self, number: int, kind: str, render: Callable[[], str]) -> None:
        self.number = number
        self.kind = kind
        self._render = render
        self._frame: bytes | None = None

    def frame(self) -> bytes:
        """Its markup (or JSON) as the data lines of an event."""
        if self._frame is None:
            self._frame = b"".join(b"data: %b\n" % line.encode() for line in self._render().splitlines())
        return self._frame


class Live:
    """All elements that change, by topic, and the pages that listen."""

    def __init__(self) -> None:
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._topics: dict[str, dict[str, _Element]] = {}
        self._readers: set[_Reader] = set()
        self._over = False

    @property
    def reader_count(self) -> int:
        """How many pages listen."""
        return len(self._readers)

    def stamp(self) -> str:
        """What a page that is made now knows."""
        return f"{self._boot}-{self._number}"

    def publish(self, topic: str, element_id: str, render: Callable[[], str], kind: str = "patch") -> None:
        """An element has changed. `kind` is the event's name: "patch" for markup, anything else for JSON."""
        self._number += 1
        self._topics.setdefault(topic, {})[element_id] = _Element(self._number, kind, render)
        for reader in self._readers:
            if topic in reader.topics:
                reader.news.set()

    def forget(self, topic: str, element_id: str) -> None:
        """An element is no more."""
        self._topics.get(topic, {}).pop(element_id, None)

    def close(self) -> None:
        """Lets every page go."""
        self._over = True
        for reader in self._readers:
            reader.news.set()

    async def frames(self, topics: Collection[str], since: str) -> AsyncGenerator[bytes, None]:
        """The events for one page, until it leaves or the console stops. `since` is the stamp that the page has."""
        boot, _, number = since.partition("-")
        if boot != self._boot or not (number.isascii() and number.isdecimal()):
            yield b"event: stale\ndata:\n\n"
            return
        yield b"retry: %d\n\n" % _RETRY_MS
        reader = _Reader(frozenset(topics), int(number))
        self._readers.add(reader)
        try:
            while not self._over:
                reader.news.clear()
                told = self._told(reader)
                if told:
                    yield told
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await reader.news.wait()
                except TimeoutError:
                    yield b":\n\n"
                    continue
                await asyncio.sleep(_GATHER_S)
        finally:
            self._readers.discard(reader)

    def _told(self, reader: "_Reader") -> bytes:
        fresh = sorted(self._fresh(reader), key=lambda element: element.number)
        if not fresh:
            return b""
        parts = []
        for element in fresh:
            stamp = f"{self._boot}-{element.number}".encode()
            parts.append(b"event: %b\nid: %b\n%b\n" % (element.kind.encode(), stamp, element.frame()))
        reader.number = fresh[-1].number
        return b"".join(parts)

    def _fresh(self, reader: "_Reader") -> Iterator[_Element]:
        for topic in reader.topics:
            for element in self._topics.get(topic, {}).values():
                if element.number > reader.number:
                    yield element


class _Reader:
    """One page that listens."""

    def __init__(self, topics: Collection[str], number: int) -> None:
        self.topics = topics
        self.number = number
        self.news = asyncio.Event()
