"""What a verification found: for people, for the file of a recording, for the table in the documents. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from heliostat.conformance.recording import Difference, Heard
from heliostat.launch.verification.purse import Purse
from heliostat.launch.verification.trial import BROKEN, IDLE, KEPT, UNTRIED, Verdict

_MARKS = {KEPT: "✓", BROKEN: "✗", IDLE: "–", UNTRIED: "?"}


@dataclass(frozen=True)
class Findings:
    """All of one verification."""

    provider: str
    model: str
    date: str
    """The day, such as "2026-11-22"."""
    verdicts: Sequence[Verdict]
    heard: Sequence[Heard]
    differences: Sequence[Difference]
    purse: Purse

    def count(self, outcome: str) -> int:
        """Runs that ended so."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """True where every rule was tried and none is broken."""
        return self.count(BROKEN) == self.count(UNTRIED) == 0

    def lines(self) -> Iterable[str]:
        """For people."""
        for verdict in self.verdicts:
            why = f": {verdict.why}" if verdict.why else ""
            yield f"  {_MARKS[verdict.outcome]} {verdict.level:<6} {verdict.run.replace('_', ' ')}{why}"
        yield ""
        yield f"{self.count(KEPT)} kept, {self.count(BROKEN)} broken, {self.count(UNTRIED)} not tried."
        yield f"Bought {self.purse.picture_count} pictures for {_usd(self.purse.spent_micros)} USD"
        if self.purse.unsettled_micros:
            yield f"  of which {_usd(self.purse.unsettled_micros)} USD are expected costs that nobody confirmed"
        yield ""
        if not self.differences:
            yield "The provider's answers have the shapes of the emulated one's."
            return
        yield "Where the provider and its emulation differ:"
        for one in self.differences:
            yield f"  {one.call} {one.status}: {one.what} (only the {one.only})"

    def recording(self) -> dict[str, Any]:
        """For the file: shapes, no contents."""
        return {
            **self.summary(),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "differences": [asdict(one) for one in self.differences],
            "heard": [one.as_json() for one in self.heard],
        }

    def summary(self) -> dict[str, Any]:
        """What stands beside the adapter, and behind "live-verified on" in the documents."""
        return {
            "provider": self.provider,
            "model": self.model,
            "date": self.date,
            "kept": self.count(KEPT),
            "broken": self.count(BROKEN),
            "not_tried": self.count(UNTRIED),
            "difference_count": len(self.differences),
            "cost_usd": _usd(self.purse.spent_micros),
        }


def _usd(micros: int) -> str:
    return f"{micros / 1_000_000:.6f}".rstrip("0").rstrip(".") or "0"
