"""The scenario of `make routing-sim`: twenty targets, and everything that goes wrong with them in an hour."""

from benchmarks.routing_sim.provider import Trouble
from benchmarks.routing_sim.simulation import Line, Scenario

QUIET = (0.0, 0.1)
"""From when to when nothing is wrong, as shares of the whole time."""
AFTERWARDS = (0.9, 1.0)
"""And again, when all is over: shares are back to their weights."""


def hour(seconds: float, replicas: int, rate: float, seed: int) -> Scenario:
    """Twelve targets of the first priority, eight behind them.

    In turn: an outage, a brown-out, random errors, a black hole, a storm of rate limits, and an outage of the whole
    first priority at once, which returns as a herd.
    """

    def trouble(kind: str, start: float, end: float, size: float = 1.0) -> Trouble:
        return Trouble(kind, start * seconds, end * seconds, size)  # type: ignore[arg-type]

    own = {
        0: [trouble("outage", 0.10, 0.20)],
        1: [trouble("slow", 0.22, 0.32, 6.0)],
        2: [trouble("errors", 0.34, 0.44, 0.3)],
        3: [trouble("unreachable", 0.46, 0.54, 3.0)],
        4: [trouble("storm", 0.56, 0.66, max(1.0, rate / 40))],
    }
    lines = []
    for number in range(20):
        troubles = own.get(number, [])
        if number < 12:
            troubles = [*troubles, trouble("outage", 0.72, 0.76)]
        lines.append(
            Line(
                f"p{number:02}",
                priority=0 if number < 12 else 1,
                weight=1.0 + number % 4,
                typical_s=2.0 + number % 3,
                troubles=tuple(troubles),
            )
        )
    return Scenario(tuple(lines), replicas, rate, seconds, seed)
