"""What failures at Fireworks AI cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FILTERED, ENDED_BADLY, LOST_JOB = "blackened picture", "job without a picture", "job not found"

OUTCOMES = OutcomeTable(
    Row("submit", FILTERED, REFUSED, UNKNOWN, "The steps were run; whether they are charged is not documented."),
    Row("poll", ENDED_BADLY, REFUSED, NO, "Kontext's maker charges only what is Ready (docs.bfl.ai, 2026-11)."),
    Row("poll", LOST_JOB, ACCEPTED, UNKNOWN, "The job was taken, and cannot be looked up any more."),
    base=KIT,
)
