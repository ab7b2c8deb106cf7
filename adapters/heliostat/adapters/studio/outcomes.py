"""What failures of the studio cost: nothing, for it works here."""

from heliostat.adapters.sdk.outcomes import KIT, NO, REFUSED, OutcomeTable, Row

OUTCOMES = OutcomeTable(
    Row("submit", "failed work", REFUSED, NO, "It works in this house; nobody charges."),
    base=KIT,
)
