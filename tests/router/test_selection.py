"""Which targets, and in which order: priorities, weights, preferences, and why some are out."""

import random
from collections import Counter

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.router.selection import (
    Exclusion,
    Out,
    Selection,
    choose,
    decision_of,
    draw_of_cohort,
    merged,
    nothing_left,
    replay,
)
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


NOBODY: dict[str, Exclusion] = {}


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
    selection = choose(FOUR, request_pb2.Routing(**routing), NOBODY, draw)  # type: ignore[arg-type]
    assert "".join(names(selection)) == expected


def test_every_target_is_eligible_or_says_why_not() -> None:
    """The decision lists all targets of the route; exactly those that are not asked have a reason."""
    selection = choose(FOUR, request_pb2.Routing(only=["a", "d"]), NOBODY, 0.3)
    decision = selection.decision()
    assert [candidate.target for candidate in decision.candidates] == ["a/x", "b/x", "c/x", "d/x/y"]
    out = {candidate.target for candidate in decision.candidates if candidate.excluded_because}
    assert out == {"b/x", "c/x"}
    assert (decision.draw, decision.route) == (0.3, "m")


def test_weight_0_is_never_asked() -> None:
    """Not first, not last, not when all others are out."""
    route = table_route(("a/x", 0, 0), ("b/x", 0, 1))
    assert names(choose(route, ANYTHING, NOBODY, 0.0)) == ["b"]
    unfit = Exclusion(Out.UNFIT, "does not draw")
    selection = choose(route, ANYTHING, {"a/x": unfit, "b/x": unfit}, 0.0)
    assert selection.targets == ()
    assert selection.exclusions["a/x"].because == "has a weight of 0"


def test_weights_hold_over_10_000_draws() -> None:
    """Chi-squared of the first and of the second place stay below the 0.1 % bound of their degrees of freedom."""
    weights = {"a": 60.0, "b": 25.0, "c": 10.0, "d": 5.0}
    route = table_route(*((f"{name}/x", 0, weight) for name, weight in weights.items()))
    dice = random.Random(20_261_101)
    orders = Counter(tuple(names(choose(route, ANYTHING, NOBODY, dice.random()))[:2]) for _ in range(10_000))
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


@pytest.mark.parametrize("draw", [0.0, 1 - 2**-53])
def test_the_ends_of_the_draw_are_in_range(draw: float) -> None:
    """The least and the greatest random number give every target once."""
    route = table_route(("a/x", 0, 0.1), ("b/x", 0, 0.2), ("c/x", 0, 0.7))
    assert sorted(names(choose(route, ANYTHING, NOBODY, draw))) == ["a", "b", "c"]


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
    why = {f"{name}/x": Exclusion(kind, f"is {name}") for name, kind in zip("ab", kinds, strict=True)}
    selection = choose(route, ANYTHING, why, 0.5)
    error = nothing_left([selection], "m")
    assert (error.reason, error.field) == (reason, field)
    assert "a/x is a; b/x is b" in error.message


def shares_of(route: Route, outs: dict[str, Exclusion], dice: random.Random, draws: int) -> dict[str, float]:
    """The share of first places that each adapter got."""
    firsts = Counter(names(choose(route, ANYTHING, outs, dice.random()))[0] for _ in range(draws))
    return {name: count / draws for name, count in firsts.items()}


def test_weights_hold_within_a_point_over_100_000_draws() -> None:
    """Also while one target is away, among the others, and after it has returned."""
    route = table_route(("a/x", 0, 60), ("b/x", 0, 30), ("c/x", 0, 10), ("z/x", 1, 5))
    dice = random.Random(20_261_103)
    away = {"b/x": Exclusion(Out.AWAY, "is ejected")}
    phases = (
        (NOBODY, {"a": 0.6, "b": 0.3, "c": 0.1}),
        (away, {"a": 6 / 7, "c": 1 / 7}),
        (NOBODY, {"a": 0.6, "b": 0.3}),
    )
    for outs, expected in phases:
        found = shares_of(route, outs, dice, 100_000)
        for name, share in expected.items():
            assert abs(found[name] - share) < 0.01
        assert "z" not in found


def test_a_share_scales_a_weight() -> None:
    """A target that has just returned may get a tenth of its weight; the decision tells the weight that counted."""
    route = table_route(("a/x", 0, 1), ("b/x", 0, 1))
    dice = random.Random(5)
    made = [choose(route, ANYTHING, NOBODY, dice.random(), shares={"b/x": 0.1}) for _ in range(20_000)]
    assert abs(sum(names(each)[0] == "b" for each in made) / 20_000 - 0.1 / 1.1) < 0.01
    assert [candidate.weight for candidate in made[0].decision().candidates] == [1, 0.1]
    assert choose(route, ANYTHING, NOBODY, 0.9, sticky=True, shares={"b/x": 0.0}).targets[0].name == "b/x"


def test_a_cohort_keeps_its_side() -> None:
    """While another target is away, when it returns, and when a weight moves: only those move that have to."""
    before, after = (table_route(("a/x", 0, first), ("b/x", 0, 20), ("c/x", 0, 30)) for first in (50, 60))
    away = {"b/x": Exclusion(Out.AWAY, "is ejected")}
    moved = 0
    for number in range(2_000):
        draw = draw_of_cohort("m", f"user-{number}")
        side, without_b, wider = (
            names(choose(route, ANYTHING, outs, draw, sticky=True))[0]
            for route, outs in ((before, NOBODY), (before, away), (after, NOBODY))
        )
        assert side in (without_b, "b")
        assert side != "a" or wider == "a"
        moved += side != wider
    assert moved < 2_000 * 0.25


def test_what_a_request_sorts_by_comes_before_priority_and_weight() -> None:
    """The least first, the unknown last in their own order; the request's own order comes before it."""
    route = table_route(("a/x", 0, 1), ("b/x", 0, 1), ("c/x", 1, 1), ("d/x", 2, 1), ("e/x", 3, 1))
    measures = {"c/x": 0.0, "d/x": 0.5, "b/x": 2.0}
    assert names(choose(route, ANYTHING, NOBODY, 0.1, measures=measures)) == ["c", "d", "b", "a", "e"]
    ordered = request_pb2.Routing(order=["e", "d"])
    assert names(choose(route, ordered, NOBODY, 0.1, measures=measures)) == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize("sticky", [False, True])
def test_a_thousand_targets_are_each_asked_at_most_once(sticky: bool) -> None:
    """Every eligible target has one place, those that are out have none, in a large priority as in a small one."""
    route = table_route(*((f"a{number}/x", 0, 1 + number % 7) for number in range(1_000)))
    outs = {f"a{number}/x": Exclusion(Out.AWAY, "is away") for number in range(0, 1_000, 3)}
    dice = random.Random(11)
    for out in (NOBODY, outs):
        selection = choose(route, ANYTHING, out, dice.random(), sticky=sticky)
        assert sorted(target.name for target in selection.targets) == sorted(set(route.places) - set(out))
        assert set(selection.exclusions) == set(out)


def a_decision(dice: random.Random) -> tuple[Selection, ...]:
    """The selections of a request, as wild as the configuration and the request may make them."""
    selections = []
    sticky = dice.random() < 0.3
    for part in range(dice.choice((1, 1, 2, 3))):
        count = dice.choice((1, 2, 3, 8, 40))
        targets = [
            (f"p{dice.randrange(4)}/{part}-{n}", dice.randrange(3), dice.choice((0, 1, 2.5, 70))) for n in range(count)
        ]
        route = table_route(*targets, (f"q/{part}", 1, 1))
        known = [target.name for target in route.targets]
        some = dice.sample(known, dice.randrange(len(known)))
        routing = request_pb2.Routing(
            order=dice.sample([*known, "p1", "nobody"], dice.randrange(3)),
            ignore=dice.sample(["p0", "p2"], dice.randrange(2)),
        )
        if dice.random() < 0.3:
            routing.allow_fallbacks = False
        selections.append(
            choose(
                route,
                routing,
                {name: Exclusion(Out.AWAY, "is away") for name in some if dice.random() < 0.5},
                dice.random(),
                sticky=sticky,
                measures={name: dice.random() for name in some} if dice.random() < 0.3 else None,
                shares=dict.fromkeys(some, 0.1) if dice.random() < 0.3 else None,
            )
        )
    return tuple(selections)


def test_a_decision_is_replayed_to_the_same_targets() -> None:
    """What a decision tells is enough to choose again, after a trip through the wire's bytes as well."""
    dice = random.Random(20_261_102)
    asked = 0
    for _ in range(2_000):
        selections = a_decision(dice)
        told = event_pb2.Decision.FromString(decision_of(selections).SerializeToString())
        chosen = tuple(target.name for target in merged(selections))
        assert replay(told) == chosen
        asked += bool(chosen)
    assert asked > 1_500


def test_only_weights_of_0_are_no_preference_of_the_request() -> None:
    """Where operators have taken every weight away, the request is not to blame: NO_TARGET."""
    route = table_route(("a/x", 0, 1), ("b/x", 0, 0)).with_targets([Target("a/x", "a", "x", 0, 0.0)])
    error = nothing_left([choose(route, ANYTHING, NOBODY, 0.5)], "m")
    assert error.reason == reasons.ERROR_REASON_NO_TARGET
    assert error.retry_after_s is not None
