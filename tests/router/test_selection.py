"""Which targets, and in which order: priorities, weights, preferences, and why some are out."""

import random
from collections import Counter

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.router.selection import Exclusion, Out, Selection, choose, draw_of_cohort, nothing_left
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Route, Table, Target

ANYTHING = request_pb2.Routing()


def table_route(*targets: tuple[str, int, float]) -> Route:
    """A route over (target, priority, weight)."""
    entries = [{"target": name, "priority": priority, "weight": weight} for name, priority, weight in targets]
    settings = RouterSettings.model_validate({"routes": [{"model": "m", "targets": entries}]})
    route = Table(settings, {name.partition("/")[0] for name, _, _ in targets}).configured("m")
    assert route is not None
    return route


def nobody_out(target: Target) -> Exclusion | None:
    """Every target is fit."""
    return None


def names(selection: Selection) -> list[str]:
    """The eligible targets' adapters, in order."""
    return [target.adapter for target in selection.targets]


FOUR = table_route(("a/x", 0, 1), ("b/x", 0, 1), ("c/x", 1, 1), ("d/x/y", 2, 1))


@pytest.mark.parametrize(
    ("routing", "draw", "expected"),
    [
        ({}, 0.1, "abcd"),
        ({}, 0.9, "bacd"),
        ({"order": ["c"]}, 0.1, "cabd"),
        ({"order": ["d/x/y", "b"]}, 0.1, "dbac"),
        ({"order": ["nobody"]}, 0.1, "abcd"),
        ({"only": ["c", "a"]}, 0.9, "ac"),
        ({"only": ["d/x/y"]}, 0.9, "d"),
        ({"ignore": ["a", "c/x"]}, 0.1, "bd"),
        ({"ignore": ["a"], "order": ["d"]}, 0.1, "dbc"),
        ({"allow_fallbacks": False}, 0.9, "b"),
        ({"allow_fallbacks": False, "order": ["c"]}, 0.9, "c"),
        ({"allow_fallbacks": True}, 0.1, "abcd"),
    ],
)
def test_order(routing: dict[str, object], draw: float, expected: str) -> None:
    """Priority first, then the draw, then what the request prefers."""
    selection = choose(FOUR, request_pb2.Routing(**routing), nobody_out, draw)  # type: ignore[arg-type]
    assert "".join(names(selection)) == expected


def test_every_target_is_eligible_or_says_why_not() -> None:
    """The decision lists all targets of the route; exactly those that are not asked have a reason."""
    selection = choose(FOUR, request_pb2.Routing(only=["a", "d"]), nobody_out, 0.3)
    decision = selection.decision()
    assert [candidate.target for candidate in decision.candidates] == ["a/x", "b/x", "c/x", "d/x/y"]
    out = {candidate.target for candidate in decision.candidates if candidate.excluded_because}
    assert out == {"b/x", "c/x"}
    assert (decision.draw, decision.route) == (0.3, "m")


def test_weight_0_is_never_asked() -> None:
    """Not first, not last, not when all others are out."""
    route = table_route(("a/x", 0, 0), ("b/x", 0, 1))
    assert names(choose(route, ANYTHING, nobody_out, 0.0)) == ["b"]
    unfit = Exclusion(Out.UNFIT, "does not draw")
    selection = choose(route, ANYTHING, lambda target: unfit, 0.0)
    assert selection.targets == ()
    assert selection.exclusions["a/x"].because == "has a weight of 0"


def test_weights_hold_over_10_000_draws() -> None:
    """Chi-squared of the first and of the second place stay below the 0.1 % bound of their degrees of freedom."""
    weights = {"a": 60.0, "b": 25.0, "c": 10.0, "d": 5.0}
    route = table_route(*((f"{name}/x", 0, weight) for name, weight in weights.items()))
    dice = random.Random(20_261_101)
    orders = Counter(tuple(names(choose(route, ANYTHING, nobody_out, dice.random()))[:2]) for _ in range(10_000))
    total = sum(weights.values())
    expected = {
        (first, second): 10_000 * weights[first] / total * weights[second] / (total - weights[first])
        for first in weights
        for second in weights
        if first != second
    }
    chi_squared = sum((orders[pair] - count) ** 2 / count for pair, count in expected.items())
    assert len(expected) == 12
    assert chi_squared < 31.26  # 11 degrees of freedom


def test_a_decision_can_be_replayed_from_its_draw() -> None:
    """The same number gives the same order, of all tiers."""
    route = table_route(*((f"{name}{tier}/x", tier, 1 + place) for tier in (0, 1) for place, name in enumerate("abcd")))
    assert len(route.targets) == 8
    dice = random.Random(3)
    for _ in range(100):
        draw = dice.random()
        first, again = (choose(route, ANYTHING, nobody_out, draw) for _ in range(2))
        assert first.targets == again.targets
        assert sorted(first.targets, key=lambda target: target.priority) == list(first.targets)


@pytest.mark.parametrize("draw", [0.0, 1 - 2**-53])
def test_the_ends_of_the_draw_are_in_range(draw: float) -> None:
    """The least and the greatest random number give every target once."""
    route = table_route(("a/x", 0, 0.1), ("b/x", 0, 0.2), ("c/x", 0, 0.7))
    assert sorted(names(choose(route, ANYTHING, nobody_out, draw))) == ["a", "b", "c"]


def test_a_cohort_goes_one_way_and_cohorts_spread() -> None:
    """One cohort has one number; many cohorts share as the weights say, within two percentage points."""
    assert draw_of_cohort("m", "user-1") == draw_of_cohort("m", "user-1")
    assert draw_of_cohort("m", "user-1") != draw_of_cohort("other", "user-1")
    draws = [draw_of_cohort("m", f"user-{number}") for number in range(5_000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert abs(sum(draw < 0.3 for draw in draws) / 5_000 - 0.3) < 0.02


@pytest.mark.parametrize(
    ("kinds", "reason", "field"),
    [
        ((Out.UNWANTED, Out.UNWANTED), reasons.ERROR_REASON_INVALID_FIELD, "routing"),
        ((Out.UNWANTED, Out.UNFIT), reasons.ERROR_REASON_UNSUPPORTED, None),
        ((Out.UNFIT, Out.AWAY), reasons.ERROR_REASON_NO_TARGET, None),
    ],
)
def test_why_nothing_is_left(kinds: tuple[Out, Out], reason: int, field: str | None) -> None:
    """The most hopeful reason wins, and the sentence names every target with its own."""
    route = table_route(("a/x", 0, 1), ("b/x", 0, 1))
    why = dict(zip(("a/x", "b/x"), kinds, strict=True))
    selection = choose(route, ANYTHING, lambda target: Exclusion(why[target.name], f"is {target.adapter}"), 0.5)
    error = nothing_left([selection], "m")
    assert (error.reason, error.field) == (reason, field)
    assert "a/x is a; b/x is b" in error.message
