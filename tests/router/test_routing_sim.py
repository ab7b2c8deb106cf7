"""The simulator on small runs: the figures that routing has to reach, with the router's own code in virtual time."""

from functools import cache
from pathlib import Path

import pytest

from benchmarks.routing_sim.__main__ import figures, plot
from benchmarks.routing_sim.day import hour
from benchmarks.routing_sim.provider import Trouble
from benchmarks.routing_sim.simulation import Line, Outcome, Scenario, simulate


@cache
def outcome_of(kind: str, size: float = 1.0) -> Outcome:
    """Two replicas, three targets with weights 2, 1 and 1, one of them in trouble from 30 s to 90 s; 20 requests/s."""
    trouble = Trouble(kind, 30.0, 90.0, size)  # type: ignore[arg-type]
    lines = (
        Line("a", 0, 2.0, 0.5, (trouble,)),
        Line("b", 0, 1.0, 0.5),
        Line("c", 0, 1.0, 0.5),
    )
    return simulate(Scenario(lines, replicas=2, rate=20.0, seconds=150.0, seed=3))


@pytest.mark.parametrize(
    ("kind", "size"), [("outage", 1.0), ("errors", 0.3), ("unreachable", 0.1), ("storm", 2.0), ("slow", 10.0)]
)
def test_clients_notice_nothing_of_one_target_in_trouble(kind: str, size: float) -> None:
    """99.9 % of the requests succeed, and the providers get at most 120 % of them and 3 per replica."""
    outcome = outcome_of(kind, size)
    assert outcome.error_rate() <= 0.001
    calls = sum(map(len, outcome.calls.values()))
    assert calls <= 1.2 * len(outcome.requests) + 3 * outcome.scenario.replicas


@pytest.mark.parametrize(("kind", "size"), [("outage", 1.0), ("unreachable", 0.1)])
def test_a_dead_target_is_out_after_a_few_calls_and_back_soon(kind: str, size: float) -> None:
    """At most 5 failures per replica (and those under way meanwhile), and back at most 10 s after it recovers."""
    outcome = outcome_of(kind, size)
    away = outcome.times_to("ejected", "a/model", 30.0, 90.0)
    back = outcome.times_to("returned", "a/model", 90.0, 150.0)
    assert len(away) == len(back) == 2
    assert outcome.failed_before_ejection("a/model", 30.0, 90.0) <= 5 + 2
    assert back[-1] <= 10.0 + 1.0  # a probe takes its time


def test_a_slow_target_loses_its_share() -> None:
    """Nothing fails, and yet it is put out while it is slow."""
    outcome = outcome_of("slow", 10.0)
    assert outcome.times_to("ejected", "a/model", 30.0, 90.0)
    assert outcome.error_rate() == 0.0


def test_shares_are_those_of_the_weights_before_and_after() -> None:
    """Also after one target has left and returned; the tolerance is that of so few draws."""
    outcome = outcome_of("outage")
    assert outcome.share_error(0.0, 30.0) < 0.05
    assert outcome.share_error(110.0, 150.0) < 0.04


def test_the_same_seed_gives_the_same_run() -> None:
    """A surprising run can be looked at again."""
    runs = [simulate(hour(120.0, 2, 5.0, seed=9)) for _ in range(2)]
    assert [request.took_s for request in runs[0].requests] == [request.took_s for request in runs[1].requests]
    assert runs[0].calls == runs[1].calls


def test_the_report_and_its_plots(tmp_path: Path) -> None:
    """Figures for every trouble, and an SVG of lines."""
    outcome = simulate(hour(400.0, 2, 8.0, seed=2))
    told = figures(outcome)
    assert told["requests"] == len(outcome.requests)
    assert told["p00 outage: replicas that put it out"] == 2
    plot(outcome, tmp_path / "routing.svg")
    drawn = (tmp_path / "routing.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == 8
