"""What failures of a ComfyUI server cost, beyond the kit's table: nobody is billed for an engine of one's own."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, OutcomeTable, Row

ENDED_BADLY, LOST, NO_PICTURE = "prompt that failed", "prompt not found", "prompt without a picture"

_OWN = "The GPU is the operator's own."

OUTCOMES = OutcomeTable(
    Row("poll", ENDED_BADLY, REFUSED, NO, _OWN),
    Row("poll", NO_PICTURE, REFUSED, NO, _OWN),
    Row("poll", LOST, ACCEPTED, NO, "The server was started anew and has forgotten it."),
    base=KIT,
)
