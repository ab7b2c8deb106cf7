"""What failures of the Images API cost, beyond the kit's table. No job ids: what is cut off stays unknown."""

from heliostat.adapters.sdk.outcomes import KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

BLOCKED_PROMPT, BLOCKED_PICTURE = "blocked prompt", "blocked picture"

OUTCOMES = OutcomeTable(
    Row("submit", BLOCKED_PROMPT, REFUSED, NO, "The input is moderated before the work (image guide, 2026-11)."),
    Row("submit", BLOCKED_PICTURE, REFUSED, UNKNOWN, "The picture was made; its tokens may be charged: not said."),
    base=KIT,
)
