"""What failures at fal cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FAILED_JOB, REFUSED_JOB = "failed job", "refused job"
CANCELLED_JOB, CONTRADICTED_JOB = "cancelled job", "contradicted job"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED_JOB, REFUSED, NO, "5xx are never charged (fal.ai/docs, pricing and FAQ, 2026-11)."),
    Row("poll", REFUSED_JOB, ACCEPTED, UNKNOWN, "A 4xx may be charged where a runner worked on it (FAQ, 2026-11)."),
    Row("poll", CANCELLED_JOB, ACCEPTED, UNKNOWN, "Work that began before the cancel may be billed: not said."),
    Row("poll", CONTRADICTED_JOB, ACCEPTED, UNKNOWN, "Its status and its result say opposite things."),
    base=KIT,
)
