"""Traces and metrics: the one room that knows OpenTelemetry and Prometheus, and the list of all names.

Every request has a trace id, whether spans are exported or not: without an exporter a span is two numbers, and the
OpenTelemetry SDK is not even imported. Prompts, keys and pictures are never attributes or labels.
"""

import asyncio
import contextvars
import random
import re
import time
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
DECISION_ROUTE = "heliostat.decision.route"
DECISION_DRAW = "heliostat.decision.draw"
DECISION_CANDIDATE_COUNT = "heliostat.decision.candidate_count"
DECISION_EXCLUDED_COUNT = "heliostat.decision.excluded_count"
DECISION_EXCLUDED = "heliostat.decision.excluded"
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
TARGET_STATE = Gauge(
    "heliostat_target_state",
    "1 for the state that a target is in: healthy, paused, ejected, probing, held; absent while it was never out.",
    ("target", "state"),
)
QUEUE_DEPTH = Gauge("heliostat_queue_depth", "Requests that wait for a target that asked to slow down.")
EJECTIONS = Counter(
    "heliostat_ejections",
    "Times that a target was put out: ejected, key_refused, credit_exhausted, model_gone.",
    ("target", "kind"),
)
PAUSES = Counter("heliostat_pauses", "Times that a target asked to slow down.", ("target",))
SPOOL_FILES = Gauge("heliostat_spool_files", "Ends of requests that wait for the database or the media store.")
SPOOL_BYTES = Gauge("heliostat_spool_bytes", "Bytes of the files in which they wait.")
COST_DRIFTS = Counter(
    "heliostat_cost_drifts",
    "Attempts that cost otherwise than computed (kind reported) or expected (kind estimate) by more than is allowed.",
    ("provider", "target", "kind"),
)
COSTS_UNKNOWN = Counter(
    "heliostat_costs_unknown",
    "Attempts that delivered without telling for certain what they cost.",
    ("provider", "target"),
)
OPERATOR_EVENTS = Counter("heliostat_operator_events", "Events that operators should know of.", ("kind",))

Kind = Literal["internal", "server", "client", "producer"]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

# Spans are recorded only where they are exported.
_recorder: Any = None
_record: Any = None

# (trace id, span id) of the span that encloses the running code.
_PLACE: contextvars.ContextVar[tuple[int, int] | None] = contextvars.ContextVar("heliostat_span", default=None)


def configure(service: str, otlp_endpoint: str = "", attributes: Mapping[str, str] | None = None) -> None:
    """Starts exporting spans by OTLP over gRPC; nothing happens where `otlp_endpoint` is empty."""
    global _recorder, _record
    if not otlp_endpoint:
        return
    from heliostat.chassis.spans import Record, Recorder

    _recorder, _record = Recorder(service, otlp_endpoint, attributes or {}), Record


def shutdown() -> None:
    """Exports what is still waiting; blocks for some seconds at most."""
    global _recorder
    recorder, _recorder = _recorder, None
    if recorder is not None:
        recorder.shutdown()


def continue_trace(traceparent: str) -> None:
    """Takes up the caller's W3C trace context in this task's context; a malformed one is ignored."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return
    trace_id, span_id = int(match[1], 16), int(match[2], 16)
    if trace_id and span_id:
        _PLACE.set((trace_id, span_id))


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

    __slots__ = ("_attributes", "_kind", "_name", "_record", "_token", "_trace")

    def __init__(self, name: str, kind: Kind = "internal", attributes: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._kind = kind
        self._attributes = attributes

    def __enter__(self) -> Self:
        trace, parent = _PLACE.get() or (random.getrandbits(128) or 1, 0)
        own = random.getrandbits(64) or 1
        self._trace = trace
        self._token = _PLACE.set((trace, own))
        self._record: Any = None
        if _recorder is not None:
            attributes = dict(self._attributes) if self._attributes else {}
            self._record = _record(self._name, self._kind, (trace, own, parent), time.time_ns(), attributes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _PLACE.reset(self._token)
        record = self._record
        if record is not None:
            if error is not None:
                self.fail(error)
            record.end_ns = time.time_ns()
            if _recorder is not None:
                _recorder.record(record)

    @property
    def is_recorded(self) -> bool:
        """True where attributes are exported: only then is it worth making long ones."""
        return self._record is not None

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return f"{self._trace:032x}"

    def set(self, key: str, value: str | int | float | bool) -> None:
        """Adds an attribute; `key` is one of the names above."""
        if self._record is not None:
            self._record.attributes[key] = value

    def fail(self, error: BaseException) -> None:
        """Marks the span as failed, by reason or by exception type; a cancelled block has not failed."""
        if self._record is None or isinstance(error, GeneratorExit | asyncio.CancelledError):
            return
        what = reason_name(error.reason) if isinstance(error, MeshError) else type(error).__name__
        self._record.error = what
        self._record.attributes["error.type"] = what


def render_metrics() -> bytes:
    """All metrics of this process in Prometheus' text form."""
    return generate_latest()


def serve_metrics(address: str) -> None:
    """Serves the metrics over HTTP at `host:port`, in a thread; for processes that have no edge."""
    from prometheus_client import start_http_server

    host, _, port = address.rpartition(":")
    start_http_server(int(port), host or "127.0.0.1")
