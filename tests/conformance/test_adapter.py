"""Every adapter × every rule of `heliostat.conformance`, held against the table that the documents show."""

import pytest

from heliostat.conformance.rules import NotApplicable, Rule
from heliostat.conformance.subject import Subject
from heliostat.conformance.suite import RULES
from tests.conformance import record
from tests.conformance.conftest import FOREIGN

RUNS = [pytest.param(rule, name, arguments, id=name) for rule in RULES for name, arguments in rule.runs()]
CELLS = record.read()


@pytest.mark.parametrize(("rule", "run", "arguments"), RUNS)
async def test_rule(
    adapter_name: str,
    subject: Subject,
    rule: Rule,
    run: str,
    arguments: tuple[object, ...],
    request: pytest.FixtureRequest,
) -> None:
    """What the rule promises holds, or it says why it does not apply; and the documents say the same."""
    outcome = record.KEPT
    try:
        await rule.hold(subject, arguments)
    except NotApplicable as why:
        outcome = str(why)
    request.node.user_properties.append(("conformance", (adapter_name, run, outcome)))
    if adapter_name != FOREIGN and not request.config.getoption("--conformance-record"):
        told = CELLS.get(adapter_name, {}).get(run, "nothing")
        assert told == outcome, f"docs/conformance.md says {told!r}: run `make conformance`"
    if outcome != record.KEPT:
        pytest.skip(outcome)
