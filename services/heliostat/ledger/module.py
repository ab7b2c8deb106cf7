"""The ledger as a runnable part."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc, ledger_pb2_grpc
from heliostat.api.router.v1 import router_pb2_grpc
from heliostat.chassis.database import Migrations
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.chassis.money import MICROS_PER_USD
from heliostat.ledger.admin import LedgerAdmin, check_fixed_key
from heliostat.ledger.arms import Arms
from heliostat.ledger.budgets import Budgets
from heliostat.ledger.callers import Callers
from heliostat.ledger.cancel_orders import CancelOrders
from heliostat.ledger.catching_up import CatchingUp
from heliostat.ledger.desk import Desk
from heliostat.ledger.doors import Doors
from heliostat.ledger.idempotency import Runs
from heliostat.ledger.journal import Journal
from heliostat.ledger.lease import Lease
from heliostat.ledger.lookups import Lookups
from heliostat.ledger.migrations import HEAD
from heliostat.ledger.reconciliation import Reconciliation
from heliostat.ledger.recovery import Recovery
from heliostat.ledger.requests import Requests
from heliostat.ledger.service import LedgerFace
from heliostat.ledger.settings import LedgerSettings
from heliostat.ledger.spool import Spool
from heliostat.ledger.traffic import Traffic
from heliostat.ledger.unknowns import Unknowns

MIGRATIONS = Migrations("ledger", "heliostat.ledger.migrations", HEAD)


class LedgerPart:
    """The ledger of one process."""

    def __init__(self, settings: LedgerSettings, surroundings: Surroundings) -> None:
        self._sandbox_key = settings.sandbox_key
        self._sandbox = surroundings.sandbox
        self._database = surroundings.database()
        journal = Journal(self._database)
        cap = None if settings.spend_cap_usd is None else round(settings.spend_cap_usd * MICROS_PER_USD)
        self._budgets = Budgets(self._database, surroundings.clock, cap)
        self.journal = journal
        folder = Path(settings.spool_dir) if settings.spool_dir else surroundings.state_dir / "spool"
        self._blobs = surroundings.blobs
        self.spool = Spool(folder, settings.spool_max_mb * 1_000_000)
        self._doors = Doors(self._database, self._blobs, self.spool)
        self._database.standing.on_change(lambda up: surroundings.hold(not up))
        owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        desk = Desk(
            router=router_pb2_grpc.RouterServiceStub(surroundings.channel(settings.router)),
            journal=journal,
            budgets=self._budgets,
            blobs=surroundings.blobs,
            spool=self.spool,
            doors=self._doors,
            clock=surroundings.clock,
            settings=settings,
            owner=owner,
            lease=Lease(self._database, owner, settings.lease_s, surroundings.clock),
            lookups=Lookups(self._database),
        )
        self.runs = Runs(desk)
        self.catching_up = CatchingUp(desk, self._database, self.runs)
        self._callers = Callers(
            self._database, surroundings.clock, lambda: surroundings.secret("keys"), is_open=settings.open
        )
        requests = Requests(desk, self.runs)
        self.recovery = Recovery(desk, self.runs)
        self.reconciliation = Reconciliation(desk)
        self._cancel_orders = CancelOrders(desk, self.runs)
        arms = Arms(desk)
        face = LedgerFace(desk, self.runs, self._callers, requests, arms)
        admin = LedgerAdmin(
            self._callers,
            self._budgets,
            requests,
            arms=arms,
            unknowns=Unknowns(journal),
            traffic=Traffic(self.runs, surroundings.draining),
            sandbox=surroundings.sandbox,
        )
        self.services: Sequence[Service] = (
            Service("heliostat.api.router.v1.RouterService", router_pb2_grpc.add_RouterServiceServicer_to_server, face),
            Service("heliostat.api.ledger.v1.LedgerService", ledger_pb2_grpc.add_LedgerServiceServicer_to_server, face),
            Service(
                "heliostat.api.ledger.v1.LedgerAdminService",
                admin_pb2_grpc.add_LedgerAdminServiceServicer_to_server,
                admin,
                admin=True,
            ),
        )

    async def start(self) -> None:
        """Opens the journal, counts what was spent, finishes what an earlier process left open."""
        await self._database.start([MIGRATIONS])
        await self.spool.open()
        self._blobs.overflow = self.spool
        # What an earlier process knew comes before what recovery would have to guess.
        await self.catching_up.catch_up()
        await self._budgets.start()
        if self._sandbox_key is not None:
            key = self._sandbox_key.reveal()
            check_fixed_key(key, sandbox=self._sandbox)
            await self._callers.create(admin_pb2.Key(title="sandbox"), key)
        await self.recovery.start()
        if self._database.is_shared:
            self._cancel_orders.start()
        self.reconciliation.start()
        await self._doors.start()
        self.catching_up.start()

    async def stop(self) -> None:
        """Ends the runs under way, writes their ends, closes the journal."""
        await self._doors.stop()
        await self.reconciliation.stop()
        await self._cancel_orders.stop()
        await self.recovery.stop()
        runs = self.runs.all()
        for run in runs:
            run.stop()
        await asyncio.gather(*(run.wait_end() for run in runs))
        await self.recovery.let_go()
        await self.catching_up.stop()
        await self._database.stop()


MODULE = Module("ledger", ("ledger",), LedgerSettings, LedgerPart, public=True)
