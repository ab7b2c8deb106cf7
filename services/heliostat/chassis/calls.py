"""Outgoing calls: one way to add metadata and a deadline, one kind of error, and whoever opens a stream closes it.

`call` and `stream` take a stub's method, whichever kind of channel the stub was made of.
"""

import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.context import Incoming, current_call, serving
from heliostat.chassis.errors import MeshError, from_status

__all__ = [
    "AUTHORIZATION",
    "MESH_TOKEN",
    "REQUEST_ID",
    "TRACEPARENT",
    "Incoming",
    "Metadata",
    "call",
    "current_call",
    "detached_context",
    "stream",
]

AUTHORIZATION = "authorization"
REQUEST_ID = "x-heliostat-request-id"
MESH_TOKEN = "x-heliostat-mesh-token"  # noqa: S105 - the header's name, not a token
TRACEPARENT = "traceparent"

# The phase of a failure that is the loss of a connection inside the mesh.
MESH_PHASE = "mesh"

Metadata = Sequence[tuple[str, str]]
_Answer = TypeVar("_Answer")


def outgoing_metadata(extra: Metadata) -> Metadata:
    """What every call carries: trace context, request id, and what the caller of this function adds."""
    metadata = [(TRACEPARENT, telemetry.traceparent())]
    incoming = current_call()
    if incoming is not None and incoming.request_id and not any(key == REQUEST_ID for key, _ in extra):
        metadata.append((REQUEST_ID, incoming.request_id))
    metadata.extend(extra)
    return metadata


# How gRPC says that a connection could not be made at all; pinned by a test against the real library.
# gRPC's own words for a call that no server was given: none could be reached, or none says that it serves.
_NOT_CONNECTED = (
    "failed to connect", "Connection refused", "name resolution", "DNS resolution failed", "backend unhealthy",
    "connections to all backends failing",
)  # fmt: skip


def from_rpc_error(error: grpc.aio.AioRpcError) -> MeshError:
    """The MeshError behind an error of gRPC.

    A connection that was never made is marked NOT_SENT; one that was lost says by its phase that it was a connection
    of the mesh, and that nobody knows what became of the call.
    """
    status = rpc_status.from_call(error)
    if status is not None:
        return from_status(status)
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE:
        failure = event_pb2.AttemptFailure(billed=event_pb2.BILLED_UNKNOWN, phase=MESH_PHASE)
        if any(text in details for text in _NOT_CONNECTED):
            failure = event_pb2.AttemptFailure(
                outcome=event_pb2.OUTCOME_NOT_SENT, billed=event_pb2.BILLED_NO, phase="connect"
            )
        return MeshError(
            reasons.ERROR_REASON_MESH_UNAVAILABLE,
            "A service of the mesh cannot be reached; check that it runs and that its address is right.",
            failure=failure,
            retry_after_s=2.0,
        )
    return from_status(status_pb2.Status(code=code.value[0], message=f"The call failed: {_words(code)}."))


def _words(code: grpc.StatusCode) -> str:
    return str(code.name).lower().replace("_", " ")


async def call(
    method: Callable[..., Awaitable[_Answer]], request: Any, *, timeout_s: float | None = None, metadata: Metadata = ()
) -> _Answer:
    """Calls a method that gives one message. `timeout_s` is in seconds. Raises MeshError only."""
    try:
        return await method(request, timeout=timeout_s, metadata=outgoing_metadata(metadata))
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


class stream:
    """A call that gives many messages, open for as long as the `async with` block; iterate over it inside.

    Raises MeshError only. Leaving the block cancels what is still under way.
    """

    __slots__ = ("_call", "_messages", "_open")

    def __init__(
        self, method: Callable[..., Any], request: Any, *, timeout_s: float | None = None, metadata: Metadata = ()
    ) -> None:
        self._open = lambda: method(request, timeout=timeout_s, metadata=outgoing_metadata(metadata))

    async def __aenter__(self) -> Self:
        self._call = self._open()
        self._messages = self._call.__aiter__()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._messages.__anext__()
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()


def detached_context(request_id: str) -> contextvars.Context:
    """An empty context that knows the running span as its parent and `request_id` as its request, and nothing else.

    For tasks that outlive the call that began them.
    """
    context = contextvars.Context()
    context.run(telemetry.continue_trace, telemetry.traceparent())
    context.run(serving, Incoming(request_id=request_id))
    return context
