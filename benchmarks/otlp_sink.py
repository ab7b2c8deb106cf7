"""An OTLP trace collector that counts spans and keeps nothing, so that a measured gateway really exports its spans."""

import asyncio

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from benchmarks.worker_pipe import messages, say

MESSAGE_LIMIT = 64 * 1024 * 1024


class SpanCounter(TraceServiceServicer):
    """Counts the spans of every export."""

    def __init__(self) -> None:
        self.spans = 0

    async def Export(
        self, request: ExportTraceServiceRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> ExportTraceServiceResponse:
        """Count and answer with full success."""
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += len(scope.spans)
        return ExportTraceServiceResponse()


async def serve() -> None:
    """Collect on a free loopback port until the benchmark closes the pipe; any message asks for the count."""
    counter = SpanCounter()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_LIMIT)])
    add_TraceServiceServicer_to_server(counter, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    say({"port": port})
    async for _ in messages():
        say({"spans": counter.spans})
    await server.stop(grace=None)


if __name__ == "__main__":
    asyncio.run(serve())
