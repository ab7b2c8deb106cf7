"""What failures at Runware cost, beyond the kit's table."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, UNKNOWN, YES, OutcomeTable, Row

FAILED, UNSAFE = "failed task", "unsafe pictures only"

OUTCOMES = OutcomeTable(
    Row("poll", FAILED, ACCEPTED, UNKNOWN, "No page says whether a task that fails under way is charged (2026-11)."),
    Row(
        "poll",
        UNSAFE,
        ACCEPTED,
        YES,
        "Each picture has its cost, safe or not (runware.ai/docs, 2026-11).",
    ),
    base=KIT,
)
