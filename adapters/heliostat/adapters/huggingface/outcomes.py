"""What failures behind Hugging Face's router cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

FAILED_JOB, BLOCKED_JOB, BLACKENED = "failed job", "blocked job", "blackened picture"
UNTOLD_JOB, CANCELED_JOB = "failed job of a provider that says nothing of it", "canceled job"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED_JOB, REFUSED, NO, "fal and Replicate bill what succeeds (their billing pages, 2026-11)."),
    Row("poll", UNTOLD_JOB, ACCEPTED, UNKNOWN, "No page of WaveSpeed's says that what failed is free (2026-11)."),
    Row("poll", CANCELED_JOB, ACCEPTED, UNKNOWN, "Replicate charges some canceled runs for their time (docs, 2026)."),
    Row("poll", BLOCKED_JOB, ACCEPTED, UNKNOWN, "A refusal over contents after the model ran may be billed: not said."),
    Row("poll", BLACKENED, ACCEPTED, UNKNOWN, "The steps were run; whether they are charged is not documented."),
    base=KIT,
)
