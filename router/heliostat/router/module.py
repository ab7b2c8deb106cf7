"""The router as a module."""

from collections.abc import Collection, Sequence

from heliostat.api.router.v1.admin_pb2_grpc import add_RouterAdminServiceServicer_to_server
from heliostat.api.router.v1.router_pb2_grpc import add_RouterServiceServicer_to_server
from heliostat.chassis.errors import MeshError
from heliostat.chassis.modules import Module, Service, Surroundings, TakeUp
from heliostat.router.admin import RouterAdminServicer
from heliostat.router.appraisal import Appraiser
from heliostat.router.catalog import Catalog
from heliostat.router.chooser import Chooser
from heliostat.router.directory import Directory
from heliostat.router.dispatch import Dispatcher
from heliostat.router.explain import Explainer
from heliostat.router.health import Health
from heliostat.router.listing import Listing
from heliostat.router.operations import Operations
from heliostat.router.overrides import Overrides
from heliostat.router.peers import Peers
from heliostat.router.recall import Recall
from heliostat.router.reload import LIVE, Renewal
from heliostat.router.roster import Roster
from heliostat.router.service import RouterServicer
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table, check


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
        overrides = Overrides()
        directory = Directory(table, self._catalog, settings.auto_routes, overrides)
        chooser = Chooser(directory, self._catalog, appraiser, health=health, dice=surroundings.dice, clock=clock)
        recall = Recall()
        explainer = Explainer(chooser, self._catalog, appraiser, recall)
        listing = Listing(directory, self._catalog, int(clock.time()))
        roster = Roster(directory, self._catalog, peers, health, clock)
        self._dispatcher = Dispatcher(
            settings,
            chooser=chooser,
            catalog=self._catalog,
            peers=peers,
            health=health,
            clock=clock,
            recall=recall,
        )
        operations = self._operations = Operations(
            settings,
            surroundings,
            directory=directory,
            catalog=self._catalog,
            health=health,
            overrides=overrides,
        )
        self._renewal = Renewal(
            peers.names, directory=directory, catalog=self._catalog, health=health, operations=operations
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
                RouterAdminServicer(explainer, operations.board, operations.control, operations.watchers),
                admin=True,
            ),
        )

    @property
    def live(self) -> Collection[str]:
        """Names of the settings that may change while it runs."""
        return LIVE

    def prepare(self, settings: RouterSettings) -> TakeUp:
        """Makes what changed settings need; changes nothing yet. Raises INVALID_FIELD."""
        return self._renewal.prepare(settings)

    def refused(self, error: MeshError) -> None:
        """Lets operators know that a changed configuration was refused."""
        self._operations.refused(error)

    async def start(self) -> None:
        """Begins to ask adapters what they can do, and to follow what operators changed."""
        await self._catalog.start()
        await self._operations.start()

    async def stop(self) -> None:
        """Ends what goes on in the background."""
        await self._dispatcher.stop()
        await self._operations.stop()
        await self._catalog.stop()


MODULE = Module("router", ("router",), RouterSettings, Router, check=check)
