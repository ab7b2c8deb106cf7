"""The router as a module."""

from collections.abc import Sequence

from heliostat.api.router.v1.admin_pb2_grpc import add_RouterAdminServiceServicer_to_server
from heliostat.api.router.v1.router_pb2_grpc import add_RouterServiceServicer_to_server
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.router.admin import RouterAdminServicer
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.directory import Directory
from heliostat.router.dispatch import Dispatcher
from heliostat.router.explain import Explainer
from heliostat.router.health import Health
from heliostat.router.listing import Listing
from heliostat.router.peers import Peers
from heliostat.router.roster import Roster
from heliostat.router.service import RouterServicer
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table


class Router:
    """The running router."""

    def __init__(self, settings: RouterSettings, surroundings: Surroundings) -> None:
        """Raises INVALID_FIELD where a route names an adapter that is not configured."""
        clock = surroundings.clock
        peers = Peers(surroundings)
        table = Table(settings, peers.names)
        health = Health(settings.health, settings.pacing, clock=clock, dice=surroundings.dice)
        appraiser = Appraiser(peers, clock)
        self._catalog = Catalog(peers, settings.describe_interval_s, settings.describe_timeout_s)
        directory = Directory(table, self._catalog, settings.auto_routes)
        chooser = Chooser(
            directory, self._catalog, appraiser, health=health, dice=surroundings.dice, clock=clock
        )
        explainer = Explainer(chooser, self._catalog, appraiser)
        listing = Listing(directory, table, self._catalog, health, int(clock.time()))
        roster = Roster(directory, self._catalog, peers, health, clock)
        self._dispatcher = Dispatcher(
            settings, chooser=chooser, catalog=self._catalog, peers=peers, health=health, clock=clock
        )
        self.services: Sequence[Service] = (
            Service(
                "heliostat.api.router.v1.RouterService",
                add_RouterServiceServicer_to_server,
                RouterServicer(self._dispatcher, explainer, listing, roster, peers),
            ),
            Service(
                "heliostat.api.router.v1.RouterAdminService",
                add_RouterAdminServiceServicer_to_server,
                RouterAdminServicer(explainer, listing),
                admin=True,
            ),
        )

    async def start(self) -> None:
        """Begins to ask adapters what they can do."""
        await self._catalog.start()

    async def stop(self) -> None:
        """Ends what goes on in the background."""
        await self._dispatcher.stop()
        await self._catalog.stop()


MODULE = Module("router", ("router",), RouterSettings, Router)
