"""What failures at ByteDance's Ark cost, beyond the kit's table. No job ids: what is cut off is unknown."""

from heliostat.adapters.sdk.outcomes import KIT, NO, REFUSED, OutcomeTable, Row

UNMADE = "no picture"

OUTCOMES = OutcomeTable(
    Row("submit", UNMADE, REFUSED, NO, "Only pictures that were made are charged (ModelArk's price notes, 2026-11)."),
    base=KIT,
)
