"""What failures at Replicate cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FAILED, FAILED_TIMED = "failed prediction", "failed prediction of a model billed by time"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED, REFUSED, NO, "Official models charge for what succeeds (billing page, 2026-11)."),
    Row("poll", FAILED_TIMED, ACCEPTED, UNKNOWN, "The time that it ran may be charged (billing page, 2026-11)."),
    base=KIT,
)
