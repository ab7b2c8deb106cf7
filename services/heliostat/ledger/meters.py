"""What the ledger counts, with the meter of each set of labels looked up once: a look-up costs more than the count.

A model becomes a label only where an attempt was made for it, so callers cannot make new ones.
"""

from functools import cache
from typing import Any

from heliostat.chassis import telemetry

IN_FLIGHT = telemetry.IN_FLIGHT.labels("ledger")


@cache
def ended(operation: str, model: str, outcome: str) -> Any:
    """Counts requests that ended this way."""
    return telemetry.REQUESTS.labels(operation, model, outcome)


@cache
def duration(operation: str, model: str) -> Any:
    """Measures requests' durations in seconds."""
    return telemetry.DURATION.labels(operation, model)


@cache
def cost(provider: str, model: str) -> Any:
    """Sums costs in micro-dollars."""
    return telemetry.COST.labels(provider, model)
