"""Alert rules and the dashboard name what is measured, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.chassis import telemetry
from heliostat.router.events import KINDS
from heliostat.router.health import State

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "prometheus_rules.yaml"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs" / "grafana_dashboard.json").read_text(encoding="utf-8"))
ROUTING = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")

# Which labels each series carries, as a scrape names them.
METRICS = [metric for name, metric in vars(telemetry).items() if name.isupper() and hasattr(metric, "describe")]
STATES = {*(state.value for state in State), "held"}


def series() -> dict[str, set[str]]:
    """Names of a scrape with their labels."""
    found: dict[str, set[str]] = {}
    for metric in METRICS:
        (told,) = metric.describe()
        labels = set(metric._labelnames)
        names = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(told.type, [""])
        found |= {f"{told.name}{end}": labels | ({"le"} if end == "_bucket" else set()) for end in names}
    return found


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression with where it stands."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def selectors(expression: str) -> list[tuple[str, str]]:
    """Every series of an expression with what is asked of its labels."""
    return re.findall(r"(heliostat_\w+)(?:\{([^}]*)\})?", expression)


@pytest.mark.parametrize(("place", "expression"), list(expressions()), ids=lambda value: value.split("(")[0][:30])
def test_only_what_is_measured_is_asked_for(place: str, expression: str) -> None:
    """Series, labels, and the values that are a closed set."""
    known = series()
    found = selectors(expression)
    assert found, place
    for name, conditions in found:
        assert name in known, f"{place} asks for {name}"
        for label, value in re.findall(r'(\w+)[!=~]+"([^"]*)"', conditions):
            assert label in known[name], f"{place} asks for {label} of {name}"
            allowed = {"state": STATES, "outcome": {"succeeded", "failed", "cancelled", "expired"}}.get(label, set())
            if name == "heliostat_operator_events_total":
                allowed = set(KINDS)
            if value and allowed:
                assert set(value.split("|")) <= allowed, place
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
    assert grouped <= set().union(*(known[name] for name, _ in found)), place


def test_the_check_sees_faults() -> None:
    """A series that is not there is not found, so the check is one."""
    assert "heliostat_target_states" not in series()
    assert selectors('sum(heliostat_a_total{kind="x"}) / heliostat_b') == [
        ("heliostat_a_total", 'kind="x"'),
        ("heliostat_b", ""),
    ]


def test_every_alert_says_what_to_do() -> None:
    """By itself, and in the operators' guide."""
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["alert"] in ROUTING


def test_every_kind_of_event_is_explained() -> None:
    """In the guide's table, with what to do."""
    assert set(re.findall(r"^\| `(\w+)` \|", ROUTING, re.MULTILINE)) == set(KINDS)


def test_a_cluster_gets_the_same_rules() -> None:
    """Kustomize takes no file from outside of its folder, so it has a copy."""
    copy = ROOT / "k8s" / "components" / "telemetry" / "alerts.yaml"
    assert copy.read_text(encoding="utf-8") == RULES.read_text(encoding="utf-8")


def test_panels_have_places_of_their_own() -> None:
    """None lies above another, and each has a title."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["title"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
