"""`console:` in the config file."""

from pydantic import Field

from heliostat.chassis.settings import PartSettings, Secret

MIB = 1024 * 1024


class ConsoleSettings(PartSettings):
    """The pages for people: where they are served, who may see them, and whom they ask. They run where this section
    stands."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(8081, ge=0, le=65_535)
    """Port to listen on; 0 lets the system choose one."""
    public_url: str = Field("", pattern=r"^(https?://[^\s/?#]+)?$")
    """Address under which people reach the console, such as https://console.example.com; other names are refused, and
    with https its cookies travel encrypted only. Empty: the address it listens on."""
    password_hash: Secret | None = None
    """Where the hash of the login's password is; `heliostat console-password` makes one. A sandbox on loopback needs
    none; anything else does not start without it."""
    session_hours: float = Field(12.0, gt=0, le=720)
    """How long a login lasts, in hours."""
    core: str = "local:ledger"
    """Address of the callers' services, as `edge.router`: the playground asks there."""
    ledger_admin: str = "local:ledger"
    """Address of LedgerAdminService: the operators' door, where it is not in this process."""
    router_admin: str = "local:router"
    """Address of RouterAdminService: the operators' door, where it is not in this process."""
    sandbox_controls: str = ""
    """Address of SandboxService, in a sandbox that has it: faults of the emulated providers, and the two counters.
    Empty: the console shows neither."""
    playground_key: Secret | None = None
    """Key with which the playground asks, as any caller. Empty: the playground shows, and sends nothing."""
    playground_model: str = "flux-schnell"
    """Model that the playground begins with; where nobody serves it, the first one that can be asked."""
    playground_step_model: str = "studio"
    """Model that works on the playground's pictures where the chosen one cannot; where it cannot either, the cheapest
    one that can be asked."""
    edge_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Address of the edge, for the commands that the playground shows. Empty: http://127.0.0.1:8080."""
    grpc_address: str = Field("", max_length=255, pattern=r"^[^\s'\"\\$`]*$")
    """Address of the public gRPC face, for the commands that the playground shows. Empty: 127.0.0.1:50051."""
    trace_url: str = Field("", pattern=r"^(https?://\S*\{trace_id\}\S*)?$")
    """Address of a trace in a viewer, with {trace_id} in it, such as http://127.0.0.1:16686/trace/{trace_id}. Empty:
    trace ids are shown without a link."""
    max_body_bytes: int = Field(64 * MIB, ge=65_536, le=512 * MIB)
    """Longest body of a request, in bytes."""
