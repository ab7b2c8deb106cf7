"""What operators should know: a log line, a metric, and whoever listens, such as watchers and the webhook."""

from collections.abc import Callable
from dataclasses import dataclass

from heliostat.chassis import telemetry
from heliostat.chassis.clock import Clock
from heliostat.chassis.logs import get_logger

log = get_logger("heliostat.router.events")

EJECTED = "ejected"
RETURNED = "returned"
KEY_REFUSED = "key_refused"
CREDIT_EXHAUSTED = "credit_exhausted"
MODEL_GONE = "model_gone"
ALL_TARGETS_DOWN = "all_targets_down"
CHANGED = "changed"
RELOADED = "reloaded"
RELOAD_REFUSED = "reload_refused"
COST_DRIFT = "cost_drift"
COST_UNKNOWN = "cost_unknown"

KINDS = frozenset(
    {
        EJECTED,
        RETURNED,
        KEY_REFUSED,
        CREDIT_EXHAUSTED,
        MODEL_GONE,
        ALL_TARGETS_DOWN,
        CHANGED,
        RELOADED,
        RELOAD_REFUSED,
        COST_DRIFT,
        COST_UNKNOWN,
    }
)
# Told without alarm: nobody has to do anything.
_GOOD = frozenset({RETURNED, CHANGED, RELOADED})


@dataclass(frozen=True, slots=True)
class OperatorEvent:
    """Something that an operator should know."""

    time: float  # seconds since the epoch
    kind: str  # one of KINDS
    target: str  # empty where it concerns none
    message: str  # a sentence


Sink = Callable[[OperatorEvent], None]


class Bulletin:
    """Where the router's rooms post what operators should know."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sinks: list[Sink] = []

    def post(self, kind: str, message: str, target: str = "") -> OperatorEvent:
        """Tells everybody who listens; `kind` is one of KINDS."""
        event = OperatorEvent(self._clock.time(), kind, target, message)
        write = log.info if kind in _GOOD else log.warning
        write("operator event", kind=kind, target=target, message=message)
        telemetry.OPERATOR_EVENTS.labels(kind).inc()
        for sink in tuple(self._sinks):
            sink(event)
        return event

    def listen(self, sink: Sink) -> None:
        """Has `sink` called with every event from now on; it must not block."""
        self._sinks.append(sink)

    def leave(self, sink: Sink) -> None:
        """Ends what `listen` began."""
        self._sinks.remove(sink)
