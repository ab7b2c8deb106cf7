"""`rehearsal:` in the config file; the sandbox writes it, nobody else can use it."""

from pydantic import Field

from heliostat.chassis.settings import PartSettings


class RehearsalSettings(PartSettings):
    """The sandbox's controls: faults of the emulated providers, and the two counters. They run where this section
    stands, in a sandbox only."""

    emulators: str = Field("http://127.0.0.1:8090", pattern=r"^http://127\.0\.0\.1:\d+$")
    """Address of the emulated providers."""
    ledger_admin: str = "local:ledger"
    """Address of LedgerAdminService: it tells which calls were repetitions."""
    providers: dict[str, str] = Field({})
    """Adapter -> name of the emulated provider that it speaks to."""
    processes_file: str = ""
    """File with the process ids of the adapters, where each is a process of its own; `heliostat mesh` keeps it. Empty:
    none can be killed."""
