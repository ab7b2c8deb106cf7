"""What failures at DashScope cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

UNMADE, LOST_TASK = "no picture", "task unknown"

OUTCOMES = OutcomeTable(
    Row("submit", UNMADE, REFUSED, NO, "Only pictures that succeed are charged (Model Studio's prices, 2026-07)."),
    Row("poll", UNMADE, REFUSED, NO, "Only pictures that succeed are charged (Model Studio's prices, 2026-07)."),
    Row("poll", LOST_TASK, ACCEPTED, UNKNOWN, "The task was taken, and cannot be looked up any more."),
    base=KIT,
)
