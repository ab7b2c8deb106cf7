"""What every room of the ledger works with."""

from dataclasses import dataclass

from heliostat.api.router.v1 import router_pb2_grpc
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.clock import Clock
from heliostat.ledger.budgets import Budgets
from heliostat.ledger.doors import Doors
from heliostat.ledger.journal import Journal
from heliostat.ledger.lease import Lease
from heliostat.ledger.lookups import Lookups
from heliostat.ledger.settings import LedgerSettings
from heliostat.ledger.spool import Spool


@dataclass(frozen=True, slots=True)
class Desk:
    """The peers and stores of one ledger. `owner` names its process in the journal."""

    router: router_pb2_grpc.RouterServiceStub
    journal: Journal
    budgets: Budgets
    blobs: Blobs
    spool: Spool
    doors: Doors
    clock: Clock
    settings: LedgerSettings
    owner: str
    lease: Lease
    lookups: Lookups

    def now_us(self) -> int:
        """Micro-seconds since the epoch."""
        return int(self.clock.time() * 1e6)
