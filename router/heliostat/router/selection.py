"""Which targets a request may go to, and in which order. Pure.

One random number decides the whole order: it is the first draw itself, and the numbers of further draws follow from it.
So a decision can be replayed from what it tells: see `replay`.
"""

import hashlib
from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import accumulate, islice
from typing import Any

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.router.table import Route, Target, route_of

# Places of a priority that are drawn; nobody is asked beyond them (`max_attempts` ends at 10).
_DRAWN = 10
# Draws for a cohort end here, however many of the drawn ones are out.
_DRAWS = 64
_WORD = 2**64 - 1
_LAST = float("inf")


class Out(Enum):
    """What kind of reason keeps a target out; a later one explains an empty choice better than an earlier one."""

    UNWANTED = 0  # the request's own preferences, or a weight of 0
    UNFIT = 1  # it cannot do what is asked
    AWAY = 2  # it could, and is out for now


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a target is out, as a sentence without a subject and a full stop."""

    kind: Out
    because: str


NO_WEIGHT = Exclusion(Out.UNWANTED, "has a weight of 0")
NO_FALLBACK = Exclusion(Out.UNWANTED, "is not asked, as the request allows no fallbacks")
NOT_ALLOWED = Exclusion(Out.UNWANTED, "is not among the providers that the request allows")
IGNORED = Exclusion(Out.UNWANTED, "is among the providers that the request ignores")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What moves targets beside their priority and weight, each by target name.

    `places`: the request's own order, 0 first. `measures`: what it sorts by, the least first. What is not named comes
    after what is. `shares`: factors of weights, such as those of targets that have just returned; 1 where absent.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)

    def rank(self, target: Target) -> tuple[float, float]:
        """What the targets are sorted by after the draws."""
        return self.places.get(target.name, _LAST), self.measures.get(target.name, _LAST)


_NO_WISHES = Wishes()


@dataclass(frozen=True)
class Selection:
    """Eligible targets of a route in the order in which they are asked, and why the others are out."""

    targets: tuple[Target, ...]
    route: Route
    draw: float
    outs: Mapping[str, Exclusion]
    wishes: Wishes = _NO_WISHES
    sticky: bool = False

    @cached_property
    def exclusions(self) -> Mapping[str, Exclusion]:
        """Why targets of the route are out, by name."""
        asked = {target.name for target in self.targets}
        return {
            target.name: NO_WEIGHT if target.weight <= 0 else self.outs.get(target.name, NO_FALLBACK)
            for target in self.route.targets
            if target.name not in asked
        }

    def decision(self) -> event_pb2.Decision:
        """The choice as it is told and kept: every target of the route as it stands, and the number drawn."""
        decision = event_pb2.Decision()
        decision.CopyFrom(skeleton(self.route))
        decision.draw = self.draw
        decision.sticky = self.sticky
        candidates, places = decision.candidates, self.route.places
        if len(self.targets) < len(places):
            for name, exclusion in self.exclusions.items():
                candidates[places[name]].excluded_because = exclusion.because
        for name, share in self.wishes.shares.items():
            if name in places:
                candidates[places[name]].weight *= share
        for name, place in self.wishes.places.items():
            candidates[places[name]].place = place
        for name, measure in self.wishes.measures.items():
            if name in places:
                candidates[places[name]].measure = measure
        return decision


def skeleton(route: Route) -> event_pb2.Decision:
    """The part of every decision about `route` that never changes; made once, not to be changed."""
    made: event_pb2.Decision | None = route.memo.get("skeleton")
    if made is None:
        made = event_pb2.Decision(route=route.model)
        for target in route.targets:
            made.candidates.add(target=target.name, priority=target.priority, weight=target.weight)
        route.memo["skeleton"] = made
    return made


def choose(
    route: Route,
    routing: request_pb2.Routing,
    outs: Mapping[str, Exclusion],
    draw: float,
    *,
    sticky: bool = False,
    measures: Mapping[str, float] | None = None,
    shares: Mapping[str, float] | None = None,
) -> Selection:
    """Orders the targets of `route`: by priority, within a priority by weight, then by what the request prefers.

    `outs` tells what keeps targets out, by name; `draw` is a random number, 0 <= draw < 1. With `sticky` a target that
    is out leaves the order of the others as it was: requests of one cohort keep their side, and `shares` do not count.
    `measures` is what the request sorts by; `shares` scales weights (see `Wishes`).
    """
    if routing.only or routing.ignore:
        outs = {**outs, **unwanted(route, routing)}
    wishes = _NO_WISHES
    if routing.order or measures or (shares and not sticky):
        wishes = Wishes(_places(route, routing.order), measures or {}, {} if sticky else shares or {})
    targets = _ordered(route, outs, draw, wishes, sticky=sticky)
    if routing.HasField("allow_fallbacks") and not routing.allow_fallbacks:
        targets = targets[:1]
    return Selection(targets, route, draw, outs, wishes, sticky)


def _ordered(
    route: Route, outs: Mapping[str, Exclusion], draw: float, wishes: Wishes, *, sticky: bool
) -> tuple[Target, ...]:
    numbers = _numbers(draw)
    ordered: list[Target] = []
    for tier, sums in zip(route.tiers, route.sums, strict=True):
        if sticky:
            out_count = sum(target.name in outs for target in tier) if outs else 0
            drawn = _drawn(tier, sums, numbers, min(_DRAWN + out_count, _DRAWS))
            ordered += [target for target in drawn if target.name not in outs] if out_count else drawn
            continue
        pool: Sequence[Target] = tier
        if outs:
            pool = [target for target in tier if target.name not in outs]
        if len(pool) != len(tier) or wishes.shares:
            shares = wishes.shares
            sums = tuple(accumulate(target.weight * shares.get(target.name, 1.0) for target in pool))
        ordered += _drawn(pool, sums, numbers, _DRAWN)
    if wishes.places or wishes.measures:
        ordered.sort(key=wishes.rank)
    return tuple(ordered)


def _numbers(draw: float) -> Iterator[float]:
    """The draw, then numbers that follow from it (splitmix64: Steele, Lea, Flood 2014), all 0 <= number < 1."""
    yield draw
    state = int(draw * 2**53)
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _WORD
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        yield ((mixed ^ (mixed >> 31)) >> 11) / 2.0**53


def _drawn(pool: Sequence[Target], sums: Sequence[float], numbers: Iterator[float], count: int) -> list[Target]:
    """`pool` by weighted draws without replacement; `sums` are its weights, added up.

    Beyond `count` drawn places the order is the configuration's.
    """
    order: list[int] = []
    taken: list[int] = []
    left = sums[-1] if sums else 0.0
    for number in islice(numbers, min(count, len(pool) - 1) if pool else 0):
        place = _place_of(number * left, sums, taken)
        order.append(place)
        insort(taken, place)
        left -= sums[place] - (sums[place - 1] if place else 0.0)
    drawn = [pool[place] for place in order]
    start = 0
    for place in taken:
        drawn += pool[start:place]
        start = place + 1
    drawn += pool[start:]
    return drawn


def _place_of(point: float, sums: Sequence[float], taken: Sequence[int]) -> int:
    """The place whose share holds `point`, when those of `taken` (in ascending order) are left out."""
    for place in taken:
        below = sums[place - 1] if place else 0.0
        if point < below:
            break
        point += sums[place] - below
    place = bisect_right(sums, point)
    # Rounding may carry the point past the last share, or into one that is taken: the next free one has it then.
    while place < len(sums) and place in taken:
        place += 1
    if place == len(sums):
        place = next(free for free in range(len(sums) - 1, -1, -1) if free not in taken)
    return place


def draw_of_cohort(route: str, cohort: str) -> float:
    """The number that requests of one cohort share on one route, 0 <= number < 1. Pure."""
    digest = hashlib.sha256(f"{route}\n{cohort}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2.0**53


def merged(selections: Sequence[Selection]) -> tuple[Target, ...]:
    """The targets of several models in order, each name once. Pure."""
    if len(selections) == 1:
        return selections[0].targets
    by_name: dict[str, Target] = {}
    for part in selections:
        for target in part.targets:
            by_name.setdefault(target.name, target)
    return tuple(by_name.values())


def decision_of(selections: Sequence[Selection]) -> event_pb2.Decision:
    """What was decided for a request: its own model's selection first, then those of its fallback models. Pure."""
    decision = selections[0].decision()
    if len(selections) == 1:
        return decision
    told = [decision, *(further.decision() for further in selections[1:])]
    for each in told:
        decision.parts.add(route=each.route, draw=each.draw, candidate_count=len(each.candidates))
    for each in told[1:]:
        decision.candidates.extend(each.candidates)
    return decision


def replay(decision: event_pb2.Decision) -> tuple[str, ...]:
    """Names of the targets in the order in which `decision` had them asked, chosen anew from what it tells. Pure.

    The first name is the target that was asked first; a request that allows nobody else may have asked no other.
    """
    parts = decision.parts or [
        event_pb2.Decision.Part(route=decision.route, draw=decision.draw, candidate_count=len(decision.candidates))
    ]
    names: dict[str, None] = {}
    candidates = iter(decision.candidates)
    for part in parts:
        own = list(islice(candidates, part.candidate_count))
        names.update(dict.fromkeys(_chosen_again(own, part.draw, sticky=decision.sticky)))
    return tuple(names)


def _chosen_again(candidates: Sequence[Any], draw: float, *, sticky: bool) -> Iterator[str]:
    route = route_of("", [Target(each.target, "", "", each.priority, each.weight) for each in candidates])
    outs = {each.target: Exclusion(Out.UNWANTED, each.excluded_because) for each in candidates if each.excluded_because}
    wishes = Wishes(
        {each.target: each.place for each in candidates if each.HasField("place")},
        {each.target: each.measure for each in candidates if each.HasField("measure")},
    )
    return (target.name for target in _ordered(route, outs, draw, wishes, sticky=sticky))


def nothing_left(selections: Sequence[Selection], model: str, elsewhere: Sequence[str] = ()) -> MeshError:
    """Why no target of `model`, or of the models that may stand in for it, can be asked. Pure.

    `elsewhere` are models that can do what is asked.
    """
    exclusions = {name: exclusion for part in selections for name, exclusion in part.exclusions.items()}
    kind = max((exclusion.kind for exclusion in exclusions.values()), key=lambda kind: kind.value)
    if all(exclusion is NO_WEIGHT for exclusion in exclusions.values()):
        kind = Out.AWAY
    told = "; ".join(f"{name} {exclusion.because}" for name, exclusion in exclusions.items())
    reason, what = _NOTHING_LEFT[kind]
    who = f" These models can: {', '.join(elsewhere)}." if elsewhere else ""
    return MeshError(
        reason,
        f'No target of model "{model}" {what}: {told}.{who}',
        field="routing" if kind is Out.UNWANTED else None,
        retry_after_s=2.0 if kind is Out.AWAY else None,
        model=model,
    )


_NOTHING_LEFT = {
    Out.AWAY: (reasons.ERROR_REASON_NO_TARGET, "can be asked now; try again later"),
    Out.UNFIT: (reasons.ERROR_REASON_UNSUPPORTED, "can do what is asked; change the request or the model"),
    Out.UNWANTED: (reasons.ERROR_REASON_INVALID_FIELD, "is left by the request's routing preferences; loosen them"),
}


def unwanted(route: Route, routing: request_pb2.Routing) -> dict[str, Exclusion]:
    """Targets that the request's own preferences leave out, by name. Pure."""
    only, ignored = frozenset(routing.only), frozenset(routing.ignore)
    unwanted = {}
    for target in route.targets:
        if only and only.isdisjoint(target.names):
            unwanted[target.name] = NOT_ALLOWED
        elif not ignored.isdisjoint(target.names):
            unwanted[target.name] = IGNORED
    return unwanted


def _places(route: Route, order: Sequence[str]) -> dict[str, int]:
    """The place of each target that the request's order names, itself or by its adapter; the first mention counts."""
    if not order:
        return {}
    wanted: dict[str, int] = {}
    for place, name in enumerate(order):
        wanted.setdefault(name, place)
    places = {}
    for target in route.targets:
        named = [wanted[name] for name in target.names if name in wanted]
        if named:
            places[target.name] = min(named)
    return places
