"""What failures at Black Forest Labs cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

ENDED_BADLY, LOST_TASK = "task without a picture", "task not found"

OUTCOMES = OutcomeTable(
    Row("poll", ENDED_BADLY, REFUSED, NO, "Only what is Ready is charged (docs.bfl.ai, pricing, 2026-11)."),
    Row("poll", LOST_TASK, ACCEPTED, UNKNOWN, "The task was taken, and cannot be looked up any more."),
    base=KIT,
)
