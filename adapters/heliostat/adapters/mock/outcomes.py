"""What failures of the mock provider cost, as its models' names say."""

from heliostat.adapters.sdk.outcomes import ACCEPTED, KIT, NO, REFUSED, UNKNOWN, OutcomeTable, Row

OUTCOMES = OutcomeTable(
    Row("submit", "mock-fail", REFUSED, NO, "It refuses before it works."),
    Row("poll", "mock-lost", ACCEPTED, UNKNOWN, "It is lost with the job in its hands."),
    base=KIT,
)
