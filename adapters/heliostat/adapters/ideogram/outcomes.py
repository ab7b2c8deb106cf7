"""What failures at Ideogram cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, YES, OutcomeTable, Row

FAILED, UNSAFE = "failed generation", "unsafe pictures only"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED, REFUSED, NO, "Generations that fail are not billed (developer.ideogram.ai, errors, 2026-11)."),
    Row(
        "poll", UNSAFE, ACCEPTED, YES, "Pictures with is_image_safe: false are billed (developer.ideogram.ai, 2026-11)."
    ),
    base=KIT,
)
