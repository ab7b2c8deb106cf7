"""What failures at Stability AI cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

BLURRED, BLOCKED_JOB = "blurred picture", "job refused as unsafe"

OUTCOMES = OutcomeTable(
    Row("submit", BLURRED, REFUSED, UNKNOWN, "A blurred picture is a success to the API; its bill is not documented."),
    Row("poll", BLURRED, REFUSED, UNKNOWN, "The same of a job."),
    Row("poll", BLOCKED_JOB, REFUSED, NO, "What moderation flags is not charged (v2beta reference, 403)."),
    base=KIT,
)
