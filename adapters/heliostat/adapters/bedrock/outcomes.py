"""What failures at Bedrock cost, beyond the kit's table. Synchronous, no job ids: what is cut off stays unknown."""

from heliostat.adapters.sdk.outcomes import KIT, REFUSED, UNKNOWN, OutcomeTable, Row

FILTERED, FAILED = "filtered under status 200", "inference error under status 200"

OUTCOMES = OutcomeTable(
    Row("submit", FILTERED, REFUSED, UNKNOWN, "Bedrock's pages do not say whether a filtered request is charged."),
    Row("submit", FAILED, REFUSED, UNKNOWN, "The same of one whose inference failed."),
    base=KIT,
)
