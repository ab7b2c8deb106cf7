"""The queue of requests whose targets are all paused or full: first in, first out, bounded, and never polled.

A request waits for any of several targets. Whenever one of them may take a call, the first one in the queue that waits
for it gets the permit at that moment, so that nobody who comes later can take it first.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from heliostat.chassis import telemetry
from heliostat.chassis.clock import Clock
from heliostat.router.budget import Budget
from heliostat.router.health import Health, Permit
from heliostat.router.table import Target


@dataclass(slots=True, eq=False)
class Ticket:
    """One request in the queue."""

    targets: Mapping[str, Target]  # by label
    until: float  # on the monotonic clock
    further: bool  # True: an attempt beyond the request's first
    granted: asyncio.Future[Permit | None]


class WaitingRoom:
    """Requests that wait for a target."""

    def __init__(self, health: Health, budget: Budget, clock: Clock, most: int) -> None:
        self._health = health
        self._budget = budget
        self._clock = clock
        self._most = most
        self._line: dict[Ticket, None] = {}
        self._alarm: asyncio.TimerHandle | None = None
        health.seek_room(self.look)

    def __len__(self) -> int:
        return len(self._line)

    @property
    def full(self) -> bool:
        """True where nobody else may wait."""
        return len(self._line) >= self._most

    async def wait(self, targets: Mapping[str, Target], until: float, *, further: bool) -> Permit | None:
        """Leave to call one of `targets`; None where none could be given by `until`.

        A caller who leaves leaves the queue, and gives back what it was given at that moment.
        """
        ticket = Ticket(targets, until, further, asyncio.get_running_loop().create_future())
        self._line[ticket] = None
        telemetry.QUEUE_DEPTH.set(len(self._line))
        try:
            self.look()
            return await ticket.granted
        except asyncio.CancelledError:
            if ticket.granted.done() and not ticket.granted.cancelled():
                permit = ticket.granted.result()
                if permit is not None:
                    permit.release()
            raise
        finally:
            self._line.pop(ticket, None)
            telemetry.QUEUE_DEPTH.set(len(self._line))

    def look(self) -> None:
        """Hands out what can be had now, and sets the alarm for when there may be more."""
        if not self._line:
            return
        now = self._clock.monotonic()
        shut: dict[str, float | None] = {}
        next_look: float | None = None
        for ticket in list(self._line):
            permit = None if ticket.granted.done() else self._permit(ticket, shut, now)
            if ticket.granted.done():
                continue
            if permit is not None or ticket.until <= now:
                self._line.pop(ticket, None)
                ticket.granted.set_result(permit)
                continue
            for when in (ticket.until, *(shut.get(label) for label in ticket.targets)):
                if when is not None and (next_look is None or when < next_look):
                    next_look = when
        self._set_alarm(None if next_look is None else max(0.0, next_look - now))

    def _permit(self, ticket: Ticket, shut: dict[str, float | None], now: float) -> Permit | None:
        if ticket.further and not self._budget.may(now):
            return None
        for label in ticket.targets:
            if label not in shut:
                permit = self._health.permit(label, now)
                if permit is not None:
                    return permit
                hold = self._health.hold(label, now)
                shut[label] = hold.until if hold is not None else None
        return None

    def _set_alarm(self, delay_s: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        loop = asyncio.get_running_loop()
        self._alarm = None if delay_s is None else loop.call_later(delay_s, self.look)

    def close(self) -> None:
        """Sets no alarm any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
