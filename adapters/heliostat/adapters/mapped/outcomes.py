"""What failures at mapped providers cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FAILED, FREE_FAILED = "failed job", "failed job that is free"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED, ACCEPTED, UNKNOWN, "Its mapping does not say whether such a job is charged."),
    Row("poll", FREE_FAILED, REFUSED, NO, "Its mapping says, from the provider's page, that it is not charged."),
    base=KIT,
)
