"""What failures at Azure OpenAI cost, beyond those of the dialect: what was processed is charged, whatever its status.

Source: Microsoft's pages on the costs of Azure OpenAI, and its questions and answers (2026), read 2026-11-23.
"""

from heliostat.adapters.sdk.images_api import BLOCKED_PROMPT
from heliostat.adapters.sdk.images_api import OUTCOMES as DIALECT
from heliostat.adapters.sdk.outcomes import REFUSED, UNKNOWN, OutcomeTable, Row

TIMED_OUT = "time-out of its own"

OUTCOMES = OutcomeTable(
    Row("submit", BLOCKED_PROMPT, REFUSED, UNKNOWN, "A 400 of a content filter is charged where it was processed."),
    Row("submit", TIMED_OUT, REFUSED, UNKNOWN, "A 408 is charged for what was processed until then."),
    base=DIALECT,
)
