"""Runs the simulation and writes what came of it: `python -m benchmarks.routing_sim --help`."""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.routing_sim.day import AFTERWARDS, QUIET, hour
from benchmarks.routing_sim.plots import chart, per_slot, write
from benchmarks.routing_sim.provider import MODEL
from benchmarks.routing_sim.simulation import Outcome, simulate

_SLOTS = 240
# A return is looked for within so many seconds after a trouble has ended.
_LOOKED_FOR_S = 120.0


def figures(outcome: Outcome) -> dict[str, Any]:
    """What is worth knowing of a run; times in seconds, shares as percentages."""
    scenario = outcome.scenario
    seconds = scenario.seconds
    took = sorted(request.took_s for request in outcome.requests if not request.reason)
    told: dict[str, Any] = {
        "replicas": scenario.replicas,
        "targets": len(scenario.lines),
        "requests": len(outcome.requests),
        "failed requests, %": round(100 * outcome.error_rate(), 4),
        "failed by reason": dict(outcome.errors()),
        "duration P50": round(statistics.median(took), 2),
        "duration P99": round(took[int(0.99 * len(took))], 2),
        "calls per request": round(outcome.amplification(), 4),
        "attempts beyond the first in the worst 10 s, of what is allowed": round(outcome.extra_attempts(), 3),
        "share error while all is quiet, points": round(100 * outcome.share_error(*_span(QUIET, seconds)), 2),
        "share error afterwards, points": round(100 * outcome.share_error(*_span(AFTERWARDS, seconds)), 2),
    }
    for line in scenario.lines:
        for trouble in line.troubles[:1]:
            failed = outcome.error_rate(trouble.start, trouble.end)
            told[f"{line.name} {trouble.kind}: failed requests meanwhile, %"] = round(100 * failed, 4)
            target = f"{line.name}/{MODEL}"
            away = outcome.times_to("ejected", target, trouble.start, trouble.end)
            back = outcome.times_to("returned", target, trouble.end, trouble.end + _LOOKED_FOR_S)
            told[f"{line.name} {trouble.kind}: replicas that put it out"] = len(away)
            if away:
                told[f"{line.name} {trouble.kind}: time to eject, median and longest"] = _two(away)
                told[f"{line.name} {trouble.kind}: calls before that, per replica"] = round(
                    outcome.failed_before_ejection(target, trouble.start, trouble.end), 1
                )
            if back:
                told[f"{line.name} {trouble.kind}: time to return, median and longest"] = _two(back)
    return told


def _span(shares: tuple[float, float], seconds: float) -> tuple[float, float]:
    return shares[0] * seconds, shares[1] * seconds


def _two(times: list[float]) -> list[float]:
    return [round(statistics.median(times), 1), round(times[-1], 1)]


def plot(outcome: Outcome, file: Path) -> None:
    """Calls by target, failed requests and attempts beyond the first, over time."""
    seconds = outcome.scenario.seconds
    slot_s = seconds / _SLOTS
    troubled = [line.name for line in outcome.scenario.lines if len(line.troubles) > 1]
    calls = {name: per_slot(outcome.calls[name], seconds, slot_s) for name in troubled}
    behind = [time for line in outcome.scenario.lines if line.priority for time in outcome.calls[line.name]]
    calls["second priority"] = per_slot(behind, seconds, slot_s)
    failed = [request.began for request in outcome.requests if request.reason]
    extra = [request.began for request in outcome.requests for _ in range(request.attempts - 1)]
    write(
        file,
        chart("Calls by target", "per second", calls, seconds),
        chart(
            "Requests that failed, attempts beyond the first",
            "per second",
            {"failed": per_slot(failed, seconds, slot_s), "further": per_slot(extra, seconds, slot_s)},
            seconds,
        ),
    )


def main(arguments: list[str]) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="routing_sim", description="The router over hours of virtual time.")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--replicas", type=int, default=50)
    parser.add_argument("--rate", type=float, default=50.0, help="requests per second, over all replicas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args(arguments)
    began = time.monotonic()
    outcome = simulate(hour(options.hours * 3600, options.replicas, options.rate, options.seed))
    told = figures(outcome)
    told["simulated in, seconds"] = round(time.monotonic() - began, 1)
    plot(outcome, options.folder / "routing.svg")
    (options.folder / "routing.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    for name, value in told.items():
        print(f"{name:64} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
