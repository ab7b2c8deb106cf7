"""What failures at fal cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FAILED_JOB, BLOCKED_JOB = "failed job", "blocked job"
CANCELLED_JOB, CONTRADICTED_JOB = "cancelled job", "contradicted job"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED_JOB, REFUSED, NO, "Jobs that fail are not billed (fal.ai/docs, errors and pricing, 2026-11)."),
    Row("poll", BLOCKED_JOB, ACCEPTED, UNKNOWN, "A refusal over contents after the model ran may be billed: not said."),
    Row("poll", CANCELLED_JOB, ACCEPTED, UNKNOWN, "Work that began before the cancel may be billed: not said."),
    Row("poll", CONTRADICTED_JOB, ACCEPTED, UNKNOWN, "Its status and its result say opposite things."),
    base=KIT,
)
