"""Short campaigns with a seed each; `make chaos MINUTES=…` runs long ones. The figures are printed with `-rP`."""

import os
from pathlib import Path
from typing import Literal

import pytest

from tests.chaos.campaign import Plan, run
from tests.chaos.verdict import complaints

_SEED = int(os.environ.get("SEED", "20261122"))
_REQUESTS = 50


@pytest.mark.parametrize("on_unknown", ["wait", "next"])
async def test_nothing_is_bought_twice_or_lost_while_processes_are_killed(
    on_unknown: Literal["wait", "next"], tmp_path: Path
) -> None:
    """kill -9 of every part at random: all invariants hold, and so do the figures that money.md promises."""
    plan = Plan(_SEED, _REQUESTS, on_unknown, requests_per_s=8, pause_s=(0.4, 1.2), blow_count=4)
    outcome = await run(plan, tmp_path)
    print(outcome.report)
    assert complaints(outcome, on_unknown) == []
    assert outcome.report.blows
