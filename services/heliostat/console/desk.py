"""What every page of the console needs, in one place: stubs, settings, clock, and the operator's name on every call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heliostat.api.ledger.v1.admin_pb2_grpc import LedgerAdminServiceStub
from heliostat.api.ledger.v1.ledger_pb2_grpc import LedgerServiceStub
from heliostat.api.router.v1.admin_pb2_grpc import RouterAdminServiceStub
from heliostat.api.router.v1.router_pb2_grpc import RouterServiceStub
from heliostat.api.sandbox.v1.sandbox_pb2_grpc import SandboxServiceStub
from heliostat.chassis.calls import AUTHORIZATION, Metadata, call, stream
from heliostat.chassis.clock import Clock
from heliostat.console.settings import ConsoleSettings

# How long a page waits for what it shows, in seconds.
ASK_S = 10.0
_OPERATOR = "heliostat-operator"


@dataclass(slots=True)
class Desk:
    """The console's tools. `ledger_admin` and `router_admin` are the operators' services; `ledger` and `router` are the
    callers' ones, which want a key."""

    settings: ConsoleSettings
    clock: Clock
    sandbox: bool
    secret: bytes
    draining: Callable[[], bool]
    ledger_admin: LedgerAdminServiceStub
    router_admin: RouterAdminServiceStub
    ledger: LedgerServiceStub
    router: RouterServiceStub
    controls: SandboxServiceStub | None = None
    """Faults and counters of a sandbox; None elsewhere."""

    async def ask(self, method: Callable[..., Any], request: Any, *, who: str = "", timeout_s: float = ASK_S) -> Any:
        """One answer of an operators' service; `who` is written down with what it changes. Raises MeshError."""
        return await call(method, request, timeout_s=timeout_s, metadata=_as_operator(who))

    def watch(self, method: Callable[..., Any], request: Any) -> stream:
        """A stream of an operators' service, open as long as its `async with` block. Raises MeshError."""
        return stream(method, request, metadata=_as_operator(""))

    def as_caller(self) -> Metadata:
        """The playground's key, as metadata of a call of the callers' services; nothing where it has none."""
        key = self.settings.playground_key
        return [(AUTHORIZATION, f"Bearer {key.reveal()}")] if key is not None else []


def _as_operator(who: str) -> Metadata:
    said = f"console: {who}" if who else "console"
    # Metadata holds ASCII only.
    return [(_OPERATOR, said.encode("ascii", "replace").decode())]
