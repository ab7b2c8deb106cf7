"""All rules, in one tuple."""

from heliostat.conformance import faults, paid, reliable, usable
from heliostat.conformance.rules import Rule, listed

# Each of these rooms has put its rules into the list.
ROOMS = (usable, reliable, paid, faults)
RULES: tuple[Rule, ...] = listed()
