"""What attempts cost, held against what was computed and expected: operators hear of what drifts or is unknown."""

from collections.abc import Callable

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.clock import Clock
from heliostat.chassis.money import MICROS_PER_USD, to_micros
from heliostat.router.events import COST_DRIFT, COST_UNKNOWN
from heliostat.router.settings import CostSettings

REPORTED = "reported"
ESTIMATE = "estimate"

# (target, kind of event, sentence)
Tell = Callable[[str, str, str], None]


class CostWatch:
    """Looks at every attempt that delivered. Counts all of them, and tells of a target once in a while."""

    def __init__(self, settings: CostSettings, clock: Clock, tell: Tell) -> None:
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._told: dict[tuple[str, str], float] = {}

    def look(self, record: event_pb2.Attempt, label: str) -> None:
        """Looks at one; `label` is its target as metrics name it."""
        if record.outcome != event_pb2.OUTCOME_DELIVERED:
            return
        if record.cost_doubt or not record.HasField("cost"):
            telemetry.COSTS_UNKNOWN.labels(record.provider, label).inc()
            self._say(label, COST_UNKNOWN, record.cost_doubt or "Nobody can tell what a delivered picture cost.")
        if record.HasField("reported_cost") and record.HasField("computed_cost"):
            self._compare(record, label, REPORTED)
        elif record.HasField("cost") and record.HasField("estimated_cost") and not record.cost_doubt:
            self._compare(record, label, ESTIMATE)

    def _compare(self, record: event_pb2.Attempt, label: str, kind: str) -> None:
        if kind == REPORTED:
            is_, should = to_micros(record.reported_cost), to_micros(record.computed_cost)
            allowed, words = self._settings.reported_drift, "The provider reported {} where the price table gives {}"
        else:
            is_, should = to_micros(record.cost), to_micros(record.estimated_cost)
            allowed, words = self._settings.estimate_drift, "An attempt cost {} where {} was expected"
        if abs(is_ - should) <= max(allowed * should, self._settings.least_drift_usd * MICROS_PER_USD):
            return
        telemetry.COST_DRIFTS.labels(record.provider, label, kind).inc()
        amounts = (f"{micros / MICROS_PER_USD:.6f} USD" for micros in (is_, should))
        version = f" ({record.price_version})" if record.price_version else ""
        self._say(label, COST_DRIFT, f"{words.format(*amounts)}{version}; look whether the prices have changed.")

    def _say(self, label: str, kind: str, sentence: str) -> None:
        now = self._clock.monotonic()
        last = self._told.get((label, kind))
        if last is not None and now - last < self._settings.quiet_s:
            return
        self._told[label, kind] = now
        self._tell(label, kind, sentence)
