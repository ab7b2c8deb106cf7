"""Traces and metrics: the one room that knows OpenTelemetry and Prometheus, and the list of all names.

Every request has a trace id, whether spans are exported or not: without an exporter a span is two numbers, and the
OpenTelemetry SDK is not even imported. Prompts, keys and pictures are never attributes or labels.
"""

import contextvars
import random
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from heliostat.chassis.errors import MeshError, reason_name

# Attributes. gen_ai.* are OpenTelemetry's (read 2026-11); its conventions have no operation for images, hence ours.
OPERATION = "gen_ai.operation.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
PROVIDER = "gen_ai.provider.name"
OUTPUT_TYPE = "gen_ai.output.type"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
REQUEST_ID = "heliostat.request.id"
TARGET = "heliostat.target"
ATTEMPT_ID = "heliostat.attempt.id"
OUTCOME = "heliostat.attempt.outcome"
BILLED = "heliostat.attempt.billed"
REASON = "heliostat.reason"
COST_MICROS = "heliostat.cost_micros"
IMAGE_COUNT = "heliostat.image.count"
IMAGE_BYTES = "heliostat.image.bytes"
SIZE_REQUESTED = "heliostat.image.size_requested"
SIZE_DELIVERED = "heliostat.image.size_delivered"
ADJUSTMENT_COUNT = "heliostat.adjustment.count"
PROVIDER_JOB_ID = "heliostat.provider.job_id"
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
URL_PATH = "url.path"
SERVER_ADDRESS = "server.address"

_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)

REQUESTS = Counter("heliostat_requests", "Requests that ended, by how they ended.", ("operation", "model", "outcome"))
ATTEMPTS = Counter(
    "heliostat_attempts", "Attempts that ended; reason is empty on success.", ("provider", "target", "reason")
)
COST = Counter("heliostat_cost_micros", "Cost of billed attempts in millionths of a US dollar.", ("provider", "model"))
DURATION = Histogram(
    "heliostat_request_duration_seconds", "Duration of requests.", ("operation", "model"), buckets=_SECONDS
)
ATTEMPT_DURATION = Histogram(
    "heliostat_attempt_duration_seconds", "Duration of attempts.", ("provider",), buckets=_SECONDS
)
IN_FLIGHT = Gauge("heliostat_in_flight", "Requests under way, by room.", ("room",))

Kind = Literal["internal", "server", "client", "producer"]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

_tracer: Any = None
_provider: Any = None
_kinds: Mapping[str, Any] = {}
_in_context: Any = None
_EMPTY: Any = None

# (trace id, span id, OpenTelemetry span or None) of the span that encloses the running code.
_Place = tuple[int, int, Any]
_PLACE: contextvars.ContextVar[_Place | None] = contextvars.ContextVar("heliostat_span", default=None)


def configure(service: str, otlp_endpoint: str = "", attributes: Mapping[str, str] | None = None) -> None:
    """Starts exporting spans by OTLP over gRPC; nothing happens where `otlp_endpoint` is empty."""
    global _tracer, _provider, _kinds, _in_context, _EMPTY  # noqa: PLW0603 - a process exports to one place
    if not otlp_endpoint:
        return
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, set_span_in_context

    _in_context, _EMPTY = set_span_in_context, Context()
    resource = Resource.create({"service.name": service, "service.namespace": "heliostat", **(attributes or {})})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=otlp_endpoint, insecure=not otlp_endpoint.startswith("https://"), timeout=5)
    # Small batches: encoding one must not hold the interpreter long enough to be felt by the event loop.
    _provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=16384, max_export_batch_size=256, schedule_delay_millis=500)
    )
    _tracer = _provider.get_tracer("heliostat")
    _kinds = {
        "internal": SpanKind.INTERNAL,
        "server": SpanKind.SERVER,
        "client": SpanKind.CLIENT,
        "producer": SpanKind.PRODUCER,
    }


def shutdown() -> None:
    """Exports what is still waiting; blocks for up to five seconds."""
    global _tracer, _provider  # noqa: PLW0603 - see configure
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None


def _remote_parent(trace_id: int, span_id: int) -> Any:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    return NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1)))


def continue_trace(traceparent: str) -> None:
    """Takes up the caller's W3C trace context in this task's context; a malformed one is ignored."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return
    trace_id, span_id = int(match[1], 16), int(match[2], 16)
    if trace_id and span_id:
        _PLACE.set((trace_id, span_id, _remote_parent(trace_id, span_id) if _tracer is not None else None))


def traceparent() -> str:
    """The W3C trace context of the running code, for the next hop."""
    place = _PLACE.get()
    if place is None:
        return f"00-{random.getrandbits(128) or 1:032x}-{random.getrandbits(64) or 1:016x}-01"
    return f"00-{place[0]:032x}-{place[1]:016x}-01"


def current_trace_id() -> str:
    """32 hexadecimal digits, or empty outside of a span."""
    place = _PLACE.get()
    return "" if place is None else f"{place[0]:032x}"


class span:
    """A span around a block. A MeshError that leaves the block is recorded by its reason, never by its text."""

    __slots__ = ("_attributes", "_kind", "_name", "_otel", "_token", "_trace")

    def __init__(self, name: str, kind: Kind = "internal", attributes: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._kind = kind
        self._attributes = attributes

    def __enter__(self) -> Self:
        parent = _PLACE.get()
        self._otel: Any = None
        if _tracer is not None:
            # An empty context where there is no parent: OpenTelemetry's own current span is not ours.
            context = _in_context(parent[2], _EMPTY) if parent is not None and parent[2] is not None else _EMPTY
            self._otel = _tracer.start_span(self._name, context, _kinds[self._kind], self._attributes)
            own = self._otel.get_span_context()
            self._trace, span_id = own.trace_id, own.span_id
        else:
            self._trace = parent[0] if parent is not None else random.getrandbits(128) or 1
            span_id = random.getrandbits(64) or 1
        self._token = _PLACE.set((self._trace, span_id, self._otel))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _PLACE.reset(self._token)
        if self._otel is not None:
            if error is not None:
                self.fail(error)
            self._otel.end()

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return f"{self._trace:032x}"

    def set(self, key: str, value: str | int | float | bool) -> None:
        """Adds an attribute; `key` is one of the names above."""
        if self._otel is not None:
            self._otel.set_attribute(key, value)

    def fail(self, error: BaseException) -> None:
        """Marks the span as failed, by reason or by exception type; a cancelled block has not failed."""
        if self._otel is None or isinstance(error, GeneratorExit):
            return
        from opentelemetry.trace import Status, StatusCode

        what = reason_name(error.reason) if isinstance(error, MeshError) else type(error).__name__
        self._otel.set_attribute("error.type", what)
        self._otel.set_status(Status(StatusCode.ERROR, what))


def render_metrics() -> bytes:
    """All metrics of this process in Prometheus' text form."""
    return generate_latest()


def serve_metrics(address: str) -> None:
    """Serves the metrics over HTTP at `host:port`, in a thread; for processes that have no edge."""
    from prometheus_client import start_http_server

    host, _, port = address.rpartition(":")
    start_http_server(int(port), host or "127.0.0.1")
