"""What a failure means for the bill: (phase, what happened) -> how far the attempt came, whether it is charged. Tables.

The kit's table holds for every provider; a provider's own rows stand before it. What no row knows is unknown, which is
the careful answer. Money is decided here and nowhere else: the code asks for a row by its words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from heliostat.api.image.v1 import event_pb2

NOT_SENT, REFUSED = event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED
ACCEPTED, UNSAID = event_pb2.OUTCOME_ACCEPTED, event_pb2.OUTCOME_UNSPECIFIED
NO, YES, UNKNOWN = event_pb2.BILLED_NO, event_pb2.BILLED_YES, event_pb2.BILLED_UNKNOWN

ANYTHING, CONFIRMED_FREE = "anything", "confirmed free"
PHASES = ("prepare", "connect", "submit", "poll", "download", "convert", "cancel")


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `because`: the fact behind it, with its source where it is the provider's."""

    phase: str
    what: str
    outcome: event_pb2.Outcome
    billed: event_pb2.Billed
    because: str


class OutcomeTable:
    """The rows of one provider, its own before the kit's."""

    def __init__(self, *rows: Row, base: "OutcomeTable | None" = None) -> None:
        self.own = rows
        self._base = base
        own = {(row.phase, row.what): row for row in rows}
        self._rows: dict[tuple[str, str], Row] = own if base is None else {**base._rows, **own}

    def __iter__(self) -> Iterator[Row]:
        """Every row that holds, the provider's own first."""
        yield from self.own
        mine = {(row.phase, row.what) for row in self.own}
        for row in self._base or ():
            if (row.phase, row.what) not in mine:
                yield row

    def row(self, phase: str, what: str) -> Row:
        """The row of what happened; that of anything in the phase where there is none of its own."""
        found = self._rows.get((phase, what)) or self._rows.get((phase, ANYTHING))
        return found or Row(phase, what, UNSAID, UNKNOWN, "Nobody knows.")

    def failure(self, phase: str, what: str = ANYTHING, job_id: str = "") -> event_pb2.AttemptFailure:
        """The row as it is told."""
        row = self.row(phase, what)
        return event_pb2.AttemptFailure(outcome=row.outcome, billed=row.billed, provider_job_id=job_id, phase=phase)


KIT = OutcomeTable(
    Row("prepare", ANYTHING, NOT_SENT, NO, "Nothing that could be charged was sent."),
    Row("connect", ANYTHING, NOT_SENT, NO, "There was no connection."),
    Row("submit", "error answer", REFUSED, NO, "The provider itself says that it did not do it."),
    Row("submit", "error of a proxy", UNSAID, UNKNOWN, "A 502, 503, 504 or 52x of one in between says nothing of it."),
    Row("submit", ANYTHING, UNSAID, UNKNOWN, "It was sent; no answer, or a broken one, says nothing of what was done."),
    Row("poll", ANYTHING, ACCEPTED, UNKNOWN, "A look that fails says nothing of the job, which goes on."),
    Row("download", ANYTHING, ACCEPTED, UNKNOWN, "The work is done; that its picture did not come changes no bill."),
    Row("convert", ANYTHING, ACCEPTED, UNKNOWN, "The work is done; that we cannot convert it changes no bill."),
    Row("cancel", CONFIRMED_FREE, REFUSED, NO, "The provider confirmed that nothing is charged."),
    Row("cancel", ANYTHING, ACCEPTED, UNKNOWN, "A cancel that fails leaves the work as it was."),
)
