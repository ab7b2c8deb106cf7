"""The result as Markdown tables."""

from typing import Any

from benchmarks.cells import LOAD_CELLS
from benchmarks.goals import GOALS, Goal
from benchmarks.targets import OURS, PEERS

LOAD_TITLES = {
    "cpu_ms": "CPU ms per request, all processes of the target",
    "rps": "Requests per second",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
}
FIGURE_ORDER = (
    "added p50 ms",
    "added p99 ms",
    "peak RSS MB",
    "1,000 in flight: KB each",
    "1,000 in flight: last answer s",
    "1,000 in flight: peak RSS MB",
    "2 MB answer in flight: MB each",
    "start to first answer s",
    "idle PSS MB",
    "idle RSS MB",
    "spans exported per request",
)


def markdown(result: dict[str, Any]) -> str:
    """All tables of a result, as written to `latest.json`; a missing value is a dash, never a number."""
    summary = result["summary"]
    parts = [_heading(result)]
    parts += [_load_table(title, figure, summary["load"]) for figure, title in LOAD_TITLES.items()]
    parts += [_ratio_table(summary["ratios"]), _figure_table(summary["figures"]), _goal_table(summary)]
    parts += [_list("Absent", [f"{name}: {why}" for name, why in result["absent"].items()])]
    parts += [_list("Requests that failed, or answers that were not the provider's", summary["faults"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def number(value: float) -> str:
    """Three figures that mean something, no exponent."""
    places = next((places for least, places in ((100, 0), (10, 1), (1, 2)) if abs(value) >= least), 3)
    return f"{value:.{places}f}"


def _heading(result: dict[str, Any]) -> str:
    where = result["machine"]
    return (
        f"Measured {result['when']} at {where['commit']}: {where['cores']} cores of {where['processor']}, "
        f"{where['memory']}, Linux {where['kernel']}, Python {where['python']}, Node {where['node']}; "
        f"LiteLLM {where['litellm']}, Portkey {where['portkey']}. {result['options']['rounds']} rounds, "
        f"{result['options']['seconds']} s per cell, {result['took_s']:.0f} s in all. Medians."
    )


def _table(title: str, head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return f"### {title}\n\n" + "\n".join(lines)


def _load_table(title: str, figure: str, load: dict[str, Any]) -> str:
    cells = [cell for cell in LOAD_CELLS if cell in load]
    targets = [name for name in ("direct", *OURS, *PEERS) if any(name in load[cell] for cell in cells)]
    rows = [[name, *(_median(load[cell].get(name, {}).get(figure)) for cell in cells)] for name in targets]
    rows = [row for row in rows if set(row[1:]) != {"–"}]
    return _table(title, ["target", *cells], rows) if rows else ""


def _median(value: dict[str, float] | None) -> str:
    return number(value["median"]) if value else "–"


def _spread(value: dict[str, float] | None) -> str:
    return f"{number(value['median'])} [{number(value['min'])}–{number(value['max'])}]" if value else "–"


def _ratio_table(ratios: dict[str, Any]) -> str:
    cells = [cell for cell in LOAD_CELLS if cell in ratios]
    rows = [
        [f"{peer} ÷ {ours}", *(_spread(ratios[cell].get(ours, {}).get(peer)) for cell in cells)]
        for ours in OURS
        for peer in PEERS
    ]
    title = "The peer's CPU per request divided by ours, paired by round: median [min–max]"
    return _table(title, ["ratio", *cells], rows) if cells else ""


def _figure_table(figures: dict[str, Any]) -> str:
    names = [name for name in FIGURE_ORDER if any(name in of_target for of_target in figures.values())]
    targets = list(figures)
    rows = [[name, *(_spread(figures[target].get(name)) for target in targets)] for name in names]
    return _table("Latency, memory, start: median [min–max]", ["figure", *targets], rows) if rows else ""


def goal_value(goal: Goal, summary: dict[str, Any]) -> float | None:
    """The measured median that a goal is about; None when it was not measured."""
    cell, _, peer = goal.figure.partition(" cpu ")
    by_target = summary["ratios"].get(cell, {}) if peer else summary["figures"]
    value = by_target.get(goal.target, {}).get(peer or goal.figure)
    return value["median"] if value else None


def _goal_table(summary: dict[str, Any]) -> str:
    rows = []
    for goal in GOALS:
        value = goal_value(goal, summary)
        if value is not None:
            bounds = f"{goal.way} {number(goal.must)}" + (f", aim {number(goal.aim)}" if goal.aim else "")
            rows.append([goal.target, goal.figure, bounds, number(value), goal.verdict(value)])
    title = "Goals (`cpu <peer>`: the peer's CPU per request divided by ours)"
    return _table(title, ["target", "figure", "goal", "measured", "verdict"], rows) if rows else ""


def _list(title: str, lines: list[str]) -> str:
    return f"### {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
