"""One stream from the router and one from the ledger, whatever the number of open pages; what they tell goes to Live.

A stream that breaks is opened again until the console stops: a peer that comes back is found by itself.
"""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Iterable

from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.console.desk import Desk
from heliostat.console.live import Live
from heliostat.console.pulse import Pulse
from heliostat.console.standing import Standing
from heliostat.console.street_state import StreetState

TOPIC = "street"
REQUESTS = "requests"
ROUTER, LEDGER = "router", "ledger"
_AGAIN_S = 0.5
_SECOND_S = 1.0

log = get_logger("heliostat.console")


class Feed:
    """Keeps the street's state fresh. `renders` are set by the page that knows how elements look."""

    def __init__(self, desk: Desk, live: Live, standing: Standing) -> None:
        self._desk = desk
        self._live = live
        self._standing = standing
        self.state = StreetState()
        self.pulse = Pulse()
        self.render_road: Callable[[str], str] = str
        self.render_stations: Callable[[], str] = str
        self.render_events: Callable[[], str] = str
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to watch."""
        self._tasks = [
            asyncio.create_task(self._again_and_again(ROUTER, self._watch_targets)),
            asyncio.create_task(self._again_and_again(LEDGER, self._watch_traffic)),
            asyncio.create_task(self._count()),
        ]

    async def stop(self) -> None:
        """Ends what it watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _again_and_again(self, who: str, watch: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await watch()
                why = f"The {who} has stopped."
            except MeshError as error:
                why = error.message
            except Exception as error:
                log.unforeseen("a stream of the console broke", error, peer=who)
                why = f"What the {who} said could not be read."
            self._standing.lost(who, why)
            await asyncio.sleep(_AGAIN_S)

    async def _watch_targets(self) -> None:
        request = admin_pb2.WatchTargetsRequest(with_calls=True)
        async with self._desk.watch(self._desk.router_admin.WatchTargets, request) as messages:
            first = True
            async for message in messages:
                if first:
                    first = False
                    await self._list_targets()
                    self._standing.found(ROUTER)
                touched, strange = self.state.take(message.targets)
                restructured = self.state.happened(message.events)
                if strange or restructured:
                    await self._list_targets()
                if restructured:
                    self._live.publish(TOPIC, "changed", lambda: '{"name":"changed"}', kind="data")
                self._publish(touched)
                if message.events:
                    self._live.publish(TOPIC, "street-events", self.render_events)

    async def _list_targets(self) -> None:
        listed = await self._desk.ask(self._desk.router_admin.ListTargets, admin_pb2.ListTargetsRequest())
        if self.state.replace(listed.targets):
            self._live.publish(TOPIC, "street-structure", lambda: "{}", kind="structure")

    async def _watch_traffic(self) -> None:
        request = ledger_pb2.WatchTrafficRequest()
        async with self._desk.watch(self._desk.ledger_admin.WatchTraffic, request) as messages:
            async for message in messages:
                self._standing.found(LEDGER)
                if message.begun_count != self.state.traffic.begun_count:
                    self._live.publish(REQUESTS, "traffic", functools.partial(_begun, message), kind="data")
                self.state.traffic = message
                self._publish(())

    async def _count(self) -> None:
        """Takes the counts of calls once a second; tells pages only while something moves."""
        while True:
            await asyncio.sleep(_SECOND_S)
            if self.pulse.take(self._desk.clock.time(), self.state.calls()):
                self._live.publish(TOPIC, "pulse", self.pulse.told, kind="data")

    def _publish(self, routes: Iterable[str]) -> None:
        for route in routes:
            road = self.state.road(route)
            if road is not None:
                self._live.publish(TOPIC, road.element, functools.partial(self.render_road, route))
        self._live.publish(TOPIC, "stations", self.render_stations)


def _begun(message: ledger_pb2.WatchTrafficResponse) -> str:
    return json.dumps({"name": "traffic", "begun": message.begun_count})
