"""What every served call wears, over a wire and in process alike: trace, request id, deadline, identity, errors.

`enter` prepares the context of a served call. `ErrorsOverTheWire` is what a real server needs beside it: it turns
errors into google.rpc.Status, and into an INTERNAL without text where they were not foreseen.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from grpc_status import rpc_status

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.calls import AUTHORIZATION, MESH_TOKEN, REQUEST_ID, TRACEPARENT
from heliostat.chassis.context import Incoming, serving
from heliostat.chassis.errors import MeshError, internal, reason_name, to_status
from heliostat.chassis.logs import get_logger

log = get_logger("heliostat.rpc")

# gRPC's own services take and give what they like; our rules do not concern them.
_FOREIGN = ("/grpc.health.", "/grpc.reflection.")


def enter(context: Any) -> None:
    """Begins a served call in its task's context: trace, request id, caller's key and deadline are known from here."""
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    telemetry.continue_trace(metadata.get(TRACEPARENT, ""))
    serving(Incoming(metadata.get(REQUEST_ID, ""), metadata.get(AUTHORIZATION, ""), metadata, context.time_remaining))


def check_mesh_token(context: Any, expected: str) -> None:
    """Refuses a caller without the mesh's token, in constant time. Raises CALLER_UNKNOWN."""
    given = next((value for key, value in context.invocation_metadata() or () if key == MESH_TOKEN), "")
    if not hmac.compare_digest(str(given).encode(), expected.encode()):
        raise MeshError(
            reasons.ERROR_REASON_CALLER_UNKNOWN,
            "This service takes calls of the mesh only; set mesh.token to the same secret on both sides.",
        )


class ErrorsOverTheWire(grpc.aio.ServerInterceptor):
    """Dresses each method of a real server; `mesh_token`, where set, is demanded of every call."""

    def __init__(self, mesh_token: str | None = None) -> None:
        self._mesh_token = mesh_token
        self._dressed: dict[str, grpc.RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Gives the dressed handler of one method, made at its first call."""
        path = handler_call_details.method
        dressed = self._dressed.get(path)
        if dressed is not None:
            return dressed
        handler = await continuation(handler_call_details)
        if handler is None or path.startswith(_FOREIGN):
            return handler
        dressed = self._dressed[path] = self._dress(path, handler)
        return dressed

    def _dress(self, path: str, handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
        formats = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._streaming(path, handler.unary_stream), *formats)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._single(path, handler.stream_unary), *formats)
        return grpc.unary_unary_rpc_method_handler(self._single(path, handler.unary_unary), *formats)

    def _streaming(self, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        # An async generator, or cancelling would not reach the servicer.
        async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
            enter(context)
            messages = method(request, context)
            try:
                self._check(context)
                async for message in messages:
                    yield message
                    # While the servicer makes the next message nobody here may hold the last one.
                    del message
            except (Exception, asyncio.CancelledError) as error:
                await _abort(path, context, error)
            finally:
                await messages.aclose()

        return streaming

    def _single(self, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def single(request: Any, context: Any) -> Any:
            enter(context)
            try:
                self._check(context)
                return await method(request, context)
            except (Exception, asyncio.CancelledError) as error:
                await _abort(path, context, error)

        return single

    def _check(self, context: Any) -> None:
        if self._mesh_token is not None:
            check_mesh_token(context, self._mesh_token)


async def _abort(path: str, context: Any, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError | grpc.aio.AbortError):
        raise error
    if not isinstance(error, MeshError):
        log.unforeseen("a call failed unforeseen", error, rpc=path)
        error = internal(error)
    else:
        log.debug("a call failed", rpc=path, reason=reason_name(error.reason))
    await context.abort_with_status(rpc_status.to_status(to_status(error)))
