"""Whoever watches targets: all of them first, then those that changed and what operators should know.

A reader that is slow is told of less, never made to wait for: changes of one target melt into its latest state, and of
events the oldest are left out and counted.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.clock import Clock
from heliostat.router.board import Board, timestamp
from heliostat.router.events import OperatorEvent

MOST_EVENTS = 256
MISSED = "missed"
_MOST_TARGETS = 1000
_LOOK_EVERY_S = 1.0
_COUNT_EVERY_S = 0.25

_Key = tuple[str, str]


class Watchers:
    """All who watch now."""

    def __init__(self, board: Board, clock: Clock, draining: Callable[[], bool]) -> None:
        self._board = board
        self._clock = clock
        self._draining = draining
        self._readers: set[_Reader] = set()

    def changed(self, names: Iterable[str]) -> None:
        """The state of these targets may have changed."""
        for reader in self._readers:
            reader.names.update(names)
            reader.news.set()

    def all_changed(self) -> None:
        """Another configuration holds."""
        for reader in self._readers:
            reader.everything = True
            reader.news.set()

    def posted(self, event: OperatorEvent) -> None:
        """Something happened that operators should know."""
        for reader in self._readers:
            reader.missed += len(reader.events) == MOST_EVENTS
            reader.events.append(event)
            reader.news.set()

    async def watch(
        self, route: str, *, with_calls: bool = False
    ) -> AsyncGenerator[admin_pb2.WatchTargetsResponse, None]:
        """The messages of one who watches, until it leaves or the process stops; `with_calls`: also as calls begin and
        end."""
        reader = _Reader(with_calls=with_calls)
        self._readers.add(reader)
        try:
            for batch in list(_batches(self._board.targets(route))) or [[]]:
                reader.remember(batch)
                yield admin_pb2.WatchTargetsResponse(targets=batch)
            while not self._draining():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_COUNT_EVERY_S if with_calls else _LOOK_EVERY_S):
                        await reader.news.wait()
                if with_calls:
                    reader.count(self._board.calls())
                for response in self._told(reader, route):
                    yield response
        finally:
            self._readers.discard(reader)

    def _told(self, reader: "_Reader", route: str) -> Iterator[admin_pb2.WatchTargetsResponse]:
        """What is new to a reader. Those that are out are looked at anyway: their time may have passed."""
        names: Iterable[str] | None = reader.take_names()
        events = [self._event(event) for event in reader.take_events() if self._concerns(event, route)]
        if reader.missed:
            told = f"{reader.missed} events are left out: this reader is slow."
            events.insert(0, self._event(OperatorEvent(self._clock.time(), MISSED, "", told)))
            reader.missed = 0
        if names is not None and not names and not events:
            return
        fresh = [target for target in self._board.targets(route, names) if reader.is_new(target)]
        batches = list(_batches(fresh))
        for batch in batches[:-1]:
            reader.remember(batch)
            yield admin_pb2.WatchTargetsResponse(targets=batch)
        last = batches[-1] if batches else []
        reader.remember(last)
        if last or events:
            yield admin_pb2.WatchTargetsResponse(targets=last, events=events)

    def _concerns(self, event: OperatorEvent, route: str) -> bool:
        """Whether an event is for who watches `route`: what concerns all, one of its targets, or their adapter."""
        about = event.target
        if not route or not about or about == route:
            return True
        return any(name == about or name.startswith(f"{about}/") for name in self._board.names(route))

    @staticmethod
    def _event(event: OperatorEvent) -> admin_pb2.OperatorEvent:
        return admin_pb2.OperatorEvent(
            time=timestamp(event.time), kind=event.kind, target=event.target, message=event.message
        )


class _Reader:
    """What one reader has not been told yet, and what it was told last."""

    def __init__(self, *, with_calls: bool) -> None:
        self._with_calls = with_calls
        self._calls: dict[str, tuple[int, int]] = {}
        self.names: set[str] = set()
        self.everything = False
        self.events: deque[OperatorEvent] = deque(maxlen=MOST_EVENTS)
        self.missed = 0
        self.news = asyncio.Event()
        self._told: dict[_Key, tuple[object, ...]] = {}
        self._out: set[str] = set()

    def count(self, calls: dict[str, tuple[int, int]]) -> None:
        """Looks at targets again at which calls began or ended."""
        self.names.update(name for name, counted in calls.items() if self._calls.get(name) != counted)
        self._calls = calls

    def take_names(self) -> set[str] | None:
        """Targets to look at; None means all."""
        self.news.clear()
        names: set[str] | None = self.names | self._out
        if self.everything:
            names = None
        self.names, self.everything = set(), False
        return names

    def take_events(self) -> list[OperatorEvent]:
        """The events that wait."""
        events = list(self.events)
        self.events.clear()
        return events

    def is_new(self, target: admin_pb2.Target) -> bool:
        """Whether the reader was told something else of the target."""
        return self._told.get((target.route, target.name)) != self._state(target)

    def remember(self, targets: Iterable[admin_pb2.Target]) -> None:
        """Keeps what the reader is told."""
        for target in targets:
            self._told[target.route, target.name] = self._state(target)
            if target.health_state == admin_pb2.HEALTH_STATE_HEALTHY:
                self._out.discard(target.name)
            else:
                self._out.add(target.name)

    def _state(self, target: admin_pb2.Target) -> tuple[object, ...]:
        calls = (target.in_flight_count, target.call_count) if self._with_calls else ()
        return (*_state(target), *calls)


def _state(target: admin_pb2.Target) -> tuple[object, ...]:
    """What makes a change; counters and durations move with every call and do not."""
    return (
        target.priority,
        target.weight,
        target.admin_state,
        target.health_state,
        target.overridden,
        target.return_time.seconds,
        target.why_out,
    )


def _batches(targets: Iterable[admin_pb2.Target]) -> Iterator[list[admin_pb2.Target]]:
    """Parts that fit a message."""
    batch: list[admin_pb2.Target] = []
    for target in targets:
        batch.append(target)
        if len(batch) == _MOST_TARGETS:
            yield batch
            batch = []
    if batch:
        yield batch
