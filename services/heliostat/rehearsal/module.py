"""MODULE: the sandbox's controls as a runnable part. It is built in a sandbox only."""

from collections.abc import AsyncGenerator, Mapping

from heliostat.api.ledger.v1 import admin_pb2
from heliostat.api.ledger.v1.admin_pb2_grpc import LedgerAdminServiceStub
from heliostat.api.sandbox.v1 import sandbox_pb2_grpc
from heliostat.chassis.calls import stream
from heliostat.chassis.modules import Module, Service, Surroundings
from heliostat.chassis.settings import refused
from heliostat.rehearsal.processes import Processes
from heliostat.rehearsal.service import SandboxFace
from heliostat.rehearsal.settings import RehearsalSettings
from heliostat.rehearsal.stage import Stage


class RehearsalPart:
    """The sandbox's controls while they run."""

    def __init__(self, settings: RehearsalSettings, surroundings: Surroundings) -> None:
        processes = Processes(settings.processes_file)
        ledger = LedgerAdminServiceStub(surroundings.channel(settings.ledger_admin))

        async def repeats() -> AsyncGenerator[Mapping[str, int], None]:
            async with stream(ledger.WatchRepeats, admin_pb2.WatchRepeatsRequest()) as messages:
                async for message in messages:
                    yield {each.request_id: each.repeat_count for each in message.repeats}

        self.stage = Stage(settings, processes, repeats)
        self.services = (
            Service(
                "heliostat.api.sandbox.v1.SandboxService",
                sandbox_pb2_grpc.add_SandboxServiceServicer_to_server,
                SandboxFace(self.stage, processes),
                admin=True,
            ),
        )

    async def start(self) -> None:
        """Begins to follow emulators and ledger."""
        self.stage.start()

    async def stop(self) -> None:
        """Ends all streams."""
        await self.stage.stop()


def build(settings: RehearsalSettings, surroundings: Surroundings) -> RehearsalPart:
    """The controls. Raises INVALID_FIELD outside of a sandbox."""
    if not surroundings.sandbox:
        raise refused("Faults are for a sandbox only: take the section `rehearsal` away, or set sandbox: true.")
    return RehearsalPart(settings, surroundings)


MODULE = Module("rehearsal", ("rehearsal",), RehearsalSettings, build)
