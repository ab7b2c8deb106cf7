"""docs/conformance.md, made of the recorded run: `python -m tests.conformance.page`."""

import json
from collections.abc import Iterable
from pathlib import Path

from heliostat.conformance.rules import LEVELS, Rule
from heliostat.conformance.suite import RULES
from tests.conformance.record import KEPT, Record, read

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "adapters" / "heliostat" / "adapters"

_HEAD = """# Conformance

Made by `make conformance` from a run of the suite; each run of `make test` holds every cell against what happens.
[adapter_quality.md](adapter_quality.md) says what the levels mean and how to run the suite for an adapter of your own.

An emulated provider is written from the same documents as its adapter. What a provider really does is seen by
`heliostat verify <provider> --live` alone: the last column says when somebody did.

"""


def level(cells: Record, adapter: str) -> str:
    """The highest level whose rules the adapter keeps, wherever they apply; gold takes an emulated provider."""
    told = cells[adapter]
    reached = "none"
    for step in LEVELS:
        runs = [name for rule in RULES if rule.level == step for name, _ in rule.runs()]
        if not all(name in told for name in runs):
            break
        if step == "gold" and not any(told[name] == KEPT for name in runs):
            break
        reached = step
    return reached


def verified(adapter: str) -> str:
    """When the adapter was last tried with the real provider: the day, or "never"."""
    file = ADAPTERS / adapter / "verified.json"
    return f"live-verified on {json.loads(file.read_text(encoding='utf-8'))['date']}" if file.exists() else "never"


def mark(told: dict[str, str] | Record, rule: Rule) -> str:
    """✓ where every run that applies is kept, – where none applies."""
    outcomes = [told[name] for name, _ in rule.runs()]
    return "✓" if KEPT in outcomes else "–"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def render(cells: Record) -> str:
    """The whole page."""
    lines = [_HEAD + "## Adapters", ""]
    lines += [_row(("adapter", "level", "kept", "does not apply", "real provider")), _row(["---"] * 5)]
    for adapter, told in sorted(cells.items()):
        kept = sum(outcome == KEPT for outcome in told.values())
        lines.append(_row((f"`{adapter}`", level(cells, adapter), str(kept), str(len(told) - kept), verified(adapter))))
    lines += ["", "## Rules", "", "Some are tried in several ways.", ""]
    lines += [_row(("no.", "level", "rule", "promises")), _row(["---"] * 4)]
    for number, rule in enumerate(RULES, 1):
        lines.append(_row((str(number), rule.level, f"`{rule.name}`", rule.promise)))
    lines += ["", "## Cells", "", "✓ kept; – does not apply. The numbers are those of the rules.", ""]
    lines += [_row(("adapter", *(str(number) for number, _ in enumerate(RULES, 1)))), _row(["---"] * (1 + len(RULES)))]
    for adapter, told in sorted(cells.items()):
        lines.append(_row((f"`{adapter}`", *(mark(dict(told), rule) for rule in RULES))))
    lines += ["", "## Why a rule does not apply", ""]
    lines += [_row(("rule", "why", "adapters")), _row(["---"] * 3)]
    lines += [_row(row) for row in _reasons(cells)]
    return "\n".join(lines) + "\n"


def _reasons(cells: Record) -> Iterable[tuple[str, str, str]]:
    """Rule, reason, and the adapters for which no run of the rule applies, for that reason."""
    for rule in RULES:
        found: dict[str, list[str]] = {}
        for adapter, told in sorted(cells.items()):
            if mark(dict(told), rule) == "–":
                why = "; ".join(sorted({told[name] for name, _ in rule.runs()}))
                found.setdefault(why, []).append(f"`{adapter}`")
        for why, adapters in found.items():
            yield f"`{rule.name}`", why, ", ".join(adapters)


if __name__ == "__main__":
    (ROOT / "docs" / "conformance.md").write_text(render(read()), encoding="utf-8")
