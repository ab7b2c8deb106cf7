"""Why the router chose the targets that a run went to: kept with the attempts' intents, and told in the trace."""

from collections.abc import Mapping

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis import telemetry

_TOLD_CHARS = 1_000


class DecisionLog:
    """The decisions of one run. Attempts that follow from the same decision share it: it is kept once."""

    __slots__ = ("_last", "_route")

    def __init__(self) -> None:
        self._last = b""
        self._route = ""

    def keep(self, started: event_pb2.AttemptStarted) -> bytes | None:
        """What the attempt's row keeps: its decision, or None where that of the attempt before holds, or none came."""
        if not started.HasField("decision"):
            return None
        decision = started.decision.SerializeToString()
        if decision == self._last:
            return None
        self._last, self._route = decision, started.decision.route
        return decision

    def model(self, asked: str) -> str:
        """The model whose route was taken, as metrics call it: a caller may write its name in any number of ways."""
        return self._route or asked

    def tell(self, span: telemetry.span) -> None:
        """Puts the last decision on a span, where that is recorded at all."""
        if span.is_recorded:
            for name, value in self.attributes().items():
                span.set(name, value)

    def attributes(self) -> Mapping[str, str | int | float]:
        """The last decision as attributes of a span; empty where there was none."""
        if not self._last:
            return {}
        decision = event_pb2.Decision.FromString(self._last)
        out = [f"{each.target} {each.excluded_because}" for each in decision.candidates if each.excluded_because]
        return {
            telemetry.DECISION_ROUTE: decision.route,
            telemetry.DECISION_DRAW: decision.draw,
            telemetry.DECISION_CANDIDATE_COUNT: len(decision.candidates),
            telemetry.DECISION_EXCLUDED_COUNT: len(out),
            telemetry.DECISION_EXCLUDED: "; ".join(out)[:_TOLD_CHARS],
        }
