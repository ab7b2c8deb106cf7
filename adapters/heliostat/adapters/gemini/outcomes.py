"""What failures at Gemini cost, beyond the kit's table. Synchronous, no job ids: what is cut off stays unknown."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

BLOCKED, NO_PICTURE, SPARED = "blocked", "no picture", "no picture, and said to be free"

OUTCOMES = OutcomeTable(
    Row("submit", BLOCKED, REFUSED, UNKNOWN, "What went in is counted; whether it is charged was not seen (2026-11)."),
    Row("submit", NO_PICTURE, ACCEPTED, UNKNOWN, "It was worked on; what came out may be charged."),
    Row("submit", SPARED, REFUSED, NO, "The answer itself says that the request is not charged (seen in 2026-08)."),
    base=KIT,
)
