"""A router without its doors: table, catalogue, choice, health and attempt loop, over adapters in the same loop."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from benchmarks.routing_sim.virtual_time import VirtualClock
from heliostat.api.adapter.v1 import adapter_pb2, adapter_pb2_grpc
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.channels import Channels
from heliostat.chassis.local import LocalServer
from heliostat.chassis.modules import Surroundings
from heliostat.chassis.settings import MeshSettings
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.directory import Directory
from heliostat.router.dispatch import Dispatcher
from heliostat.router.health import Health
from heliostat.router.overrides import Overrides
from heliostat.router.peers import Peers
from heliostat.router.recall import Recall
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table

Servicers = Mapping[str, adapter_pb2_grpc.AdapterServiceServicer]


class Engine:
    """A router at work in virtual time."""

    def __init__(self, settings: RouterSettings, surroundings: Surroundings) -> None:
        clock, dice = surroundings.clock, surroundings.dice
        self._peers = peers = Peers(surroundings)
        self._catalog = Catalog(peers, settings.describe_interval_s, settings.describe_timeout_s)
        self.health = Health(settings.health, settings.pacing, clock=clock, dice=dice)
        directory = Directory(Table(settings, peers.names), self._catalog, settings.auto_routes, Overrides())
        chooser = Chooser(directory, self._catalog, Appraiser(peers, clock), health=self.health, dice=dice, clock=clock)
        self.dispatcher = Dispatcher(
            settings,
            chooser=chooser,
            catalog=self._catalog,
            peers=peers,
            health=self.health,
            clock=clock,
            recall=Recall(),
        )

    async def describe(self) -> None:
        """Learns what the adapters can do."""
        for name in self._peers.names:
            described = await self._peers.adapter(name).Describe(adapter_pb2.DescribeRequest())
            self._catalog.take(name, described)

    async def events(
        self, image: request_pb2.ImageRequest, request_id: str = "req_sim"
    ) -> AsyncIterator[event_pb2.ImageEvent]:
        """The events of one request. Raises MeshError."""
        request = router_pb2.GenerateRequest(image=image, request_id=request_id)
        async with aclosing(self.dispatcher.generate(request)) as messages:
            async for message in messages:
                for event in message.events:
                    yield event


@asynccontextmanager
async def engine(
    adapters: Servicers, routes: Sequence[Mapping[str, Any]], *, seed: int = 7, **settings: Any
) -> AsyncIterator[Engine]:
    """A router over `adapters`, by name, with `routes` as the configuration writes them."""
    channels = Channels(MeshSettings())
    servers = []
    for name, adapter in adapters.items():
        server = LocalServer()
        adapter_pb2_grpc.add_AdapterServiceServicer_to_server(adapter, server)
        channels.offer(f"adapter-{name}", server)
        servers.append(server)
    surroundings = Surroundings(
        name="router",
        channel=channels.channel,
        adapters={name: f"local:adapter-{name}" for name in adapters},
        blobs=cast(Any, None),
        database=lambda: cast(Any, None),
        clock=VirtualClock(),
        dice=random.Random(seed),
        state_dir=Path(),
        sandbox=True,
        secret=lambda purpose: bytes(32),
        draining=lambda: False,
    )
    made = Engine(RouterSettings.model_validate({"routes": routes, **settings}), surroundings)
    await made.describe()
    try:
        yield made
    finally:
        await made.dispatcher.stop()
        for server in servers:
            await server.stop(0)
        await channels.close()
