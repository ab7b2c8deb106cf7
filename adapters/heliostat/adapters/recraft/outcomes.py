"""What failures at Recraft cost: the kit's table, for it documents none of its own."""

from heliostat.adapters.sdk.outcomes import KIT, OutcomeTable

OUTCOMES = OutcomeTable(base=KIT)
