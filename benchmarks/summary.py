"""From samples to figures: medians over the rounds, ratios and differences paired by round."""

from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.cells import ADDED, LOAD_CELLS
from benchmarks.measures import Sample
from benchmarks.run import Outcome
from benchmarks.targets import OURS, PEERS

MB = 1e6
KB = 1e3
LOAD_FIGURES = ("cpu_ms", "rps", "p50_ms", "p99_ms")

Spread = dict[str, float]
Figures = dict[str, dict[str, Spread]]

_LIFE_FIGURES: dict[str, tuple[str, float]] = {
    "start to first answer s": ("start_s", 1),
    "idle PSS MB": ("idle_pss", MB),
    "idle RSS MB": ("idle_rss", MB),
    "1,000 in flight: KB each": ("flight_bytes", KB),
    "1,000 in flight: last answer s": ("flight_last_s", 1),
    "1,000 in flight: peak RSS MB": ("flight_peak_rss", MB),
    "2 MB answer in flight: MB each": ("picture_bytes", MB),
}


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median, least and greatest of the values there are; None when there are none."""
    known = [value for value in values if value is not None]
    return {"median": median(known), "min": min(known), "max": max(known)} if known else None


def summarize(outcome: Outcome) -> dict[str, Any]:
    """`load[cell][target][figure]`, `ratios[cell][target][peer]`, `figures[target][figure]`, `faults`.

    A sample with a failed request or a changed answer counts for no figure but memory: it is among the faults.
    """
    clean = [sample for sample in outcome.load if sample["checked"] and not sample["errors"]]
    return {
        "load": _load(clean),
        "ratios": _ratios(clean),
        "figures": _figures(outcome, clean),
        "faults": faults(outcome),
    }


def faults(outcome: Outcome) -> list[str]:
    """One sentence for each cell in which a target failed a request or answered something else than the provider."""
    found = []
    for sample in outcome.load:
        if sample["errors"] or not sample["checked"]:
            found.append(_fault(sample, sample["cell"], sample["errors"]))
    for sample in outcome.life:
        for kind in ("flight", "picture"):
            if sample.get(f"{kind}_errors"):
                found.append(_fault(sample, kind, sample[f"{kind}_errors"]))
    return found


def _fault(sample: Sample, cell: str, errors: dict[str, int]) -> str:
    said = ", ".join(f"{count} x {reason}" for reason, count in errors.items()) or "no answer was checked"
    return f"{sample['target']}, {cell}, round {sample['round'] + 1}: {said}"


def _load(samples: list[Sample]) -> dict[str, Figures]:
    load: dict[str, Figures] = {}
    for cell in LOAD_CELLS:
        for target in _targets(sample for sample in samples if sample["cell"] == cell):
            rows = [sample for sample in samples if sample["cell"] == cell and sample["target"] == target]
            spreads = {name: spread(row[name] for row in rows) for name in LOAD_FIGURES}
            load.setdefault(cell, {})[target] = {name: value for name, value in spreads.items() if value}
    return load


def _ratios(samples: list[Sample]) -> dict[str, Figures]:
    """The peer's CPU time per request divided by ours, round by round."""
    ratios: dict[str, Figures] = {}
    for cell in LOAD_CELLS:
        for ours in OURS:
            for peer in PEERS:
                pairs = _paired(samples, cell, (peer, ours), "cpu_ms")
                value = spread(theirs / own for theirs, own in pairs if own)
                if value:
                    ratios.setdefault(cell, {}).setdefault(ours, {})[peer] = value
    return ratios


def _paired(samples: list[Sample], cell: str, names: tuple[str, str], key: str) -> list[tuple[float, float]]:
    """The two targets' values of a figure in each round in which both have one."""
    rounds: dict[int, dict[str, float]] = {}
    for sample in samples:
        value = sample[key]
        if sample["cell"] == cell and sample["target"] in names and value is not None:
            rounds.setdefault(sample["round"], {})[sample["target"]] = value
    first, second = names
    return [(row[first], row[second]) for row in rounds.values() if first in row and second in row]


def _figures(outcome: Outcome, clean: list[Sample]) -> Figures:
    figures: Figures = {}

    def note(target: str, figure: str, value: Spread | None) -> None:
        if value:
            figures.setdefault(target, {})[figure] = value

    for target in _targets(outcome.load):
        if target == "direct":
            continue
        for figure, key in (("added p50 ms", "p50_ms"), ("added p99 ms", "p99_ms")):
            pairs = _paired(clean, ADDED, (target, "direct"), key)
            note(target, figure, spread(own - base for own, base in pairs))
        peak = max(row["peak_rss"] for row in outcome.load if row["target"] == target)
        note(target, "peak RSS MB", spread([peak / MB]))
    for target in _targets(outcome.life):
        rows = [row for row in outcome.life if row["target"] == target]
        for figure, (key, unit) in _LIFE_FIGURES.items():
            kind = key.partition("_")[0]
            known = [row[key] for row in rows if row.get(key) is not None and not row.get(f"{kind}_errors")]
            note(target, figure, spread(value / unit for value in known))
    for target, spans in outcome.spans.items():
        note(target, "spans exported per request", spread([spans]))
    return figures


def _targets(samples: Iterable[Sample]) -> list[str]:
    """The targets of the samples, each once, in the order of the target table."""
    present = {sample["target"] for sample in samples}
    return [name for name in ("direct", *OURS, *PEERS) if name in present]
