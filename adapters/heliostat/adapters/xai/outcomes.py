"""What failures at xAI cost, beyond the kit's table. Synchronous, no job ids: what is cut off stays unknown."""

from heliostat.adapters.sdk.outcomes import KIT, REFUSED, UNKNOWN, OutcomeTable, Row

BLOCKED = "blocked"

OUTCOMES = OutcomeTable(
    Row("submit", BLOCKED, REFUSED, UNKNOWN, "Whether what is moderated is charged is not said (docs.x.ai, 2026-11)."),
    base=KIT,
)
