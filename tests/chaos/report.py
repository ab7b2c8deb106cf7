"""The figures of a campaign, counted from its evidence: what was bought, what was lost, what nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from heliostat.api.ledger.v1 import ledger_pb2
from tests.support.checker import bills_of, count_second_purchases
from tests.support.evidence import Evidence

_UNKNOWN = ledger_pb2.ATTEMPT_STATE_UNKNOWN
_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED


@dataclass(frozen=True)
class Report:
    """Counts; money in micro-dollars."""

    asked: int
    rows: int
    succeeded: int
    open_after_s: int
    """Requests and attempts without a terminal state sixty seconds after the last blow."""
    attempts: int
    billed: int
    second_purchases: int
    unlisted_purchases: int
    """Second purchases that the ledger's attempts do not tell of, or that went to the target of the first."""
    unknown: int
    unknown_reserved_micros: int
    unknown_billed_micros: int
    ledger_micros: int
    providers_micros: int
    """What the providers billed for all attempts but the unknown ones."""
    lost_pictures: int
    """Paid pictures that the provider could still give, by the job id in the row, and that are not kept."""
    took_s: float
    title: str = ""
    blows: Mapping[str, int] = field(default_factory=dict)
    slowest_ready_s: Mapping[str, float] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        away = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sorted(self.slowest_ready_s.items()))
        lines = {
            "asked, rows, succeeded": f"{self.asked}, {self.rows}, {self.succeeded}",
            "callers' ends": ", ".join(f"{count} x {end}" for end, count in sorted(self.ends.items())),
            "blows": ", ".join(f"{count} x {blow}" for blow, count in sorted(self.blows.items())),
            "ready again, slowest": away,
            "open after 60 s": self.open_after_s,
            "attempts, billed": f"{self.attempts}, {self.billed}",
            "second purchases": f"{self.second_purchases}, of these not listed or of one target: "
            f"{self.unlisted_purchases}",
            "unknown attempts": f"{self.unknown}: reserved {self.unknown_reserved_micros}, billed "
            f"{self.unknown_billed_micros} micro-dollars",
            "ledger, providers": f"{self.ledger_micros}, {self.providers_micros} micro-dollars",
            "lost pictures": self.lost_pictures,
            "took": f"{self.took_s:.0f} s",
        }
        return "\n".join([self.title, *(f"  {name:24}{value}" for name, value in lines.items())])


def report_of(evidence: Evidence, *, asked: int, open_after_s: int, took_s: float) -> Report:
    """Counts. `open_after_s` is how much was open when the time for it was over."""
    bills = bills_of(evidence)
    unknown = {name for name, row in evidence.attempts.items() if row["state"] == _UNKNOWN}
    second = count_second_purchases(evidence)
    return Report(
        asked=asked,
        rows=len(evidence.requests),
        succeeded=sum(row["state"] == _SUCCEEDED for row in evidence.requests.values()),
        open_after_s=open_after_s,
        attempts=len(evidence.attempts),
        billed=sum(bool(entry["billed"]) for entry in evidence.submits),
        second_purchases=sum(len(entries) - 1 for entries in second.values()),
        unlisted_purchases=sum(not _is_listed(evidence, name) for name in second),
        unknown=len(unknown),
        unknown_reserved_micros=sum(evidence.attempts[name]["reserved_micros"] for name in unknown),
        unknown_billed_micros=sum(bills.get(name, 0) for name in unknown),
        ledger_micros=sum(row["cost_micros"] for row in evidence.requests.values()),
        providers_micros=sum(micros for name, micros in bills.items() if name not in unknown),
        lost_pictures=len(lost_pictures(evidence)),
        took_s=took_s,
    )


def _is_listed(evidence: Evidence, request_id: str) -> bool:
    """True where every purchase of a request is an attempt with a cost or a reservation, each at another target."""
    entries = count_second_purchases(evidence)[request_id]
    rows = [evidence.attempts.get(entry["attempt_id"]) for entry in entries]
    known = [row for row in rows if row is not None and row["cost_micros"] + row["reserved_micros"] > 0]
    return len(known) == len(entries) == len({row["target"] for row in known})


def lost_pictures(evidence: Evidence) -> list[str]:
    """Attempts whose picture was paid and is not kept although its row has the job id to ask for it."""
    kept = {row["attempt_id"] for row in evidence.media}
    lost = []
    for entry in evidence.submits:
        row = evidence.attempts.get(entry["attempt_id"])
        if entry["billed"] and row is not None and row["provider_job_id"] and row["attempt_id"] not in kept:
            lost.append(row["attempt_id"])
    return lost
