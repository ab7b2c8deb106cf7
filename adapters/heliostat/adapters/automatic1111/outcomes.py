"""What failures of a web UI cost, beyond the kit's table: nobody is billed for an engine of one's own."""

from heliostat.adapters.sdk.outcomes import KIT, NO, REFUSED, OutcomeTable, Row

OTHER_CHECKPOINT = "drawn by another checkpoint"

OUTCOMES = OutcomeTable(Row("submit", OTHER_CHECKPOINT, REFUSED, NO, "The GPU is the operator's own."), base=KIT)
