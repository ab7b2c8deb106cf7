"""Addresses become channels here, and nowhere else: `local:name`, `unix:/path`, `dns:///host:port` or `host:port`.

A default channel of gRPC hangs to its deadline in a partition and waits a second before it connects anew. Ours send
keepalive pings (10 s, answered within 5 s; servers allow it) and reconnect after 50 ms.
"""

import json
from collections.abc import Callable
from typing import Any

import grpc

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.calls import MESH_TOKEN
from heliostat.chassis.errors import MeshError
from heliostat.chassis.local import MAX_MESSAGE_BYTES, LocalChannel, LocalServer
from heliostat.chassis.settings import MeshSettings
from heliostat.chassis.tls import Certificates

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
}

CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # gRPC 1.85 waits this long for the answer to any ping, a minute by default, whatever the keepalive's time-out says.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    # So long may a connection take to be made, in spite of the name: far away, or while a machine is busy.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    # Shorter than a rollout waits between two replicas: the one that is back is found before the other one goes.
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
)


class WireChannel:
    """A gRPC channel that adds the mesh's token and follows changed certificates."""

    def __init__(self, address: str, certificates: Certificates, token: Callable[[], str] | None) -> None:
        self._address = address
        self._certificates = certificates
        self._token = token
        self._channel = self._open()
        self._methods: dict[tuple[str, str], Any] = {}
        self._left: list[grpc.aio.Channel] = []

    def _open(self) -> grpc.aio.Channel:
        options = list(CHANNEL_OPTIONS)
        if self._certificates.enabled and not self._address.startswith("unix:"):
            self._certificates.changed()
            if self._certificates.server_name:
                options.append(("grpc.ssl_target_name_override", self._certificates.server_name))
            return grpc.aio.secure_channel(self._address, self._certificates.for_channel(), options=options)
        return grpc.aio.insecure_channel(self._address, options=options)

    def _current(self) -> grpc.aio.Channel:
        if self._certificates.enabled and self._certificates.changed():
            # Calls under way end on the channel that they began on.
            self._left.append(self._channel)
            self._channel = self._open()
            self._methods.clear()
        return self._channel

    def _callable(self, kind: str, path: str, serialize: Any, deserialize: Any) -> Callable[..., Any]:
        def invoke(request: Any, timeout: float | None = None, metadata: Any = ()) -> Any:
            channel = self._current()
            method = self._methods.get((kind, path))
            if method is None:
                method = getattr(channel, kind)(path, serialize, deserialize)
                self._methods[kind, path] = method
            if self._token is not None:
                metadata = [*metadata, (MESH_TOKEN, self._token())]
            return method(request, timeout=timeout, metadata=metadata)

        return invoke

    def unary_unary(self, path: str, request_serializer: Any, response_deserializer: Any, **_: Any) -> Any:
        """A method that takes and gives one message."""
        return self._callable("unary_unary", path, request_serializer, response_deserializer)

    def unary_stream(self, path: str, request_serializer: Any, response_deserializer: Any, **_: Any) -> Any:
        """A method that takes one message and gives many."""
        return self._callable("unary_stream", path, request_serializer, response_deserializer)

    def stream_unary(self, path: str, request_serializer: Any, response_deserializer: Any, **_: Any) -> Any:
        """A method that takes many messages and gives one."""
        return self._callable("stream_unary", path, request_serializer, response_deserializer)

    async def close(self) -> None:
        """Closes every connection that this channel made."""
        for channel in (*self._left, self._channel):
            await channel.close()


Channel = LocalChannel | WireChannel


class Channels:
    """The channels of one process, one per address."""

    def __init__(self, mesh: MeshSettings) -> None:
        self._mesh = mesh
        self._servers: dict[str, LocalServer] = {}
        self._channels: dict[str, Channel] = {}

    def offer(self, name: str, server: LocalServer) -> None:
        """Makes `server` reachable as `local:name` in this process."""
        self._servers[name] = server

    def channel(self, address: str) -> Channel:
        """The channel to `address`, made at first use. Raises INVALID_FIELD for a local part that is not here."""
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._make(address)
        return channel

    def _make(self, address: str) -> Channel:
        if address.startswith("local:"):
            name = address.removeprefix("local:")
            if name not in self._servers:
                raise MeshError(
                    reasons.ERROR_REASON_INVALID_FIELD,
                    f"{address} is not in this process; run its target here or set its address.",
                    field="configuration",
                )
            return LocalChannel(self._servers[name])
        secret = self._mesh.token
        return WireChannel(address, Certificates(self._mesh.tls), None if secret is None else secret.reveal)

    async def close(self) -> None:
        """Closes all channels, in the loop that made them."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
