"""One real gRPC server: addresses, TLS, interceptors, health, reflection, drain."""

import errno
import os
import socket
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.interceptors import ErrorsOverTheWire
from heliostat.chassis.local import MAX_MESSAGE_BYTES
from heliostat.chassis.modules import Service
from heliostat.chassis.readiness import Readiness
from heliostat.chassis.settings import MeshSettings
from heliostat.chassis.tls import Certificates

SERVER_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    # Clients behind a headless name look it up anew when their connection ends: new replicas get their share.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 330_000),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
)

# Of a unix socket, in bytes: the system's bound.
_LONGEST_PATH = 107
_LOOPBACK = ("127.", "localhost", "[::1]")


def is_private(address: str) -> bool:
    """True for a unix socket or loopback: only this machine can call."""
    return address.startswith(("unix:", *_LOOPBACK))


def _is_taken(address: str) -> bool:
    """True where somebody listens at a host and port. gRPC would write a line of its own about it."""
    host, _, port = address.rpartition(":")
    if address.startswith("unix:") or not port.isdecimal():
        return False
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host.strip("[]"), int(port)))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _refused(message: str, field: str = "configuration") -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=field)


class MeshServer:
    """A grpc.aio server for some services. Made, started and stopped in one event loop.

    `public` services know their callers themselves; others demand the mesh's token or mutual TLS beyond this machine.
    """

    def __init__(self, services: Sequence[Service], mesh: MeshSettings, *, public: bool = False) -> None:
        self._services = tuple(services)
        self._mesh = mesh
        self._public = public
        self.readiness = Readiness(tuple(service.full_name for service in services))
        self._servers: list[grpc.aio.Server] = []

    async def listen(self, address: str) -> str:
        """Serves at `address` ("unix:/path", "host:port"; port 0 picks one); gives the address as bound.

        Raises INVALID_FIELD where it cannot, or may not, be served there.
        """
        private = is_private(address)
        certificates = Certificates(self._mesh.tls)
        mutual = certificates.enabled and bool(self._mesh.tls.authority)
        if not (private or self._public or mutual or self._mesh.token):
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"{address} is open to other machines: set mesh.token or mesh.tls, or listen on loopback.",
                field="configuration",
            )
        token = self._mesh.token.reveal() if self._mesh.token and not (self._public or private) else None
        server = grpc.aio.server(interceptors=[ErrorsOverTheWire(token)], options=SERVER_OPTIONS)
        for service in self._services:
            service.add(service.servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self.readiness, server)
        self._reflect(server)
        bound = self._bind(server, address, certificates)
        await server.start()
        if address.startswith("unix:"):
            os.chmod(address.removeprefix("unix:"), 0o600)
        self._servers.append(server)
        return bound

    def _bind(self, server: grpc.aio.Server, address: str, certificates: Certificates) -> str:
        if _is_taken(address):
            raise _refused(f"{address} is taken; choose another address or end the process that holds it.", "listen")
        if len(os.fsencode(address.removeprefix("unix:"))) > _LONGEST_PATH:
            raise _refused(f"{address}: a socket's path has at most {_LONGEST_PATH} bytes; choose a shorter folder.")
        try:
            if certificates.enabled and not address.startswith("unix:"):
                port = server.add_secure_port(address, certificates.for_server())
            else:
                port = server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if port == 0:
            raise _refused(f"{address} cannot be served; choose an address of this machine, or a folder that is there.")
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    def _reflect(self, server: grpc.aio.Server) -> None:
        from grpc_reflection.v1alpha import reflection

        names = [service.full_name for service in self._services]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)

    def ready(self) -> None:
        """Says SERVING from now on."""
        self.readiness.set(True)

    def drain(self) -> None:
        """Says NOT_SERVING from now on; calls under way go on."""
        self.readiness.set(False)

    async def stop(self, grace_s: float) -> None:
        """Takes no new calls, waits up to `grace_s` seconds for those under way, then ends them."""
        self.drain()
        for server in self._servers:
            await server.stop(grace_s)
        self._servers.clear()
