"""What every served call wears, over a wire and in process alike: trace, request id, deadline, identity, errors.

`wear` prepares the context of a servicer's method. `ErrorsOverTheWire` is what a real server needs beside it: it turns
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


def _enter(context: Any) -> Incoming:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    telemetry.continue_trace(metadata.get(TRACEPARENT, ""))
    incoming = Incoming(
        request_id=metadata.get(REQUEST_ID, ""),
        authorization=metadata.get(AUTHORIZATION, ""),
        metadata=metadata,
        time_remaining=context.time_remaining,
    )
    serving(incoming)
    return incoming


def wear(path: str, handler: grpc.RpcMethodHandler) -> Callable[..., Any]:
    """The method behind `handler`, dressed. Streams stay async generators, or cancelling would not reach them."""
    method = handler.unary_stream or handler.unary_unary or handler.stream_unary or handler.stream_stream
    if path.startswith(_FOREIGN):
        return method  # type: ignore[no-any-return]
    if handler.response_streaming:

        async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
            _enter(context)
            messages = method(request, context)
            try:
                async for message in messages:
                    yield message
                    del message
            finally:
                await messages.aclose()

        return streaming

    async def single(request: Any, context: Any) -> Any:
        _enter(context)
        return await method(request, context)

    return single


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

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Gives the dressed handler of one method."""
        handler = await continuation(handler_call_details)
        path = handler_call_details.method
        if handler is None or path.startswith(_FOREIGN):
            return handler
        dressed = wear(path, handler)
        if handler.response_streaming:
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else None
            make = make or grpc.unary_stream_rpc_method_handler
            return make(self._streaming(path, dressed), handler.request_deserializer, handler.response_serializer)
        make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else None
        make = make or grpc.unary_unary_rpc_method_handler
        return make(self._single(path, dressed), handler.request_deserializer, handler.response_serializer)

    def _streaming(self, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
            messages = method(request, context)
            try:
                self._check(context)
                async for message in messages:
                    yield message
                    del message
            except (Exception, asyncio.CancelledError) as error:
                await _abort(path, context, error)
            finally:
                await messages.aclose()

        return streaming

    def _single(self, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def single(request: Any, context: Any) -> Any:
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
