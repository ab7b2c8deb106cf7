"""Which targets a request may go to, and in which order. Pure.

One random number decides the whole order: after a draw, the place of the number within the winner's share is a fresh
number for the next draw. So a decision can be replayed from `Decision.draw` alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.router.table import Route, Target

_BELOW_ONE = 1.0 - 2.0**-53
# Places of a priority that are drawn; nobody is asked beyond them (`max_attempts` ends at 10).
_DRAWN = 10


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Eligible targets in the order in which they are asked, and the others with their reasons, by target name."""

    targets: tuple[Target, ...]
    exclusions: dict[str, Exclusion]
    draw: float
    route: Route

    def decision(self) -> event_pb2.Decision:
        """The choice as it is told and kept: every target of the route as it stands, and the number drawn."""
        decision = event_pb2.Decision(draw=self.draw, route=self.route.model)
        for target in self.route.targets:
            candidate = decision.candidates.add(target=target.name, priority=target.priority, weight=target.weight)
            exclusion = self.exclusions.get(target.name)
            if exclusion is not None:
                candidate.excluded_because = exclusion.because
        return decision


def choose(
    route: Route, routing: request_pb2.Routing, why_out: Callable[[Target], Exclusion | None], draw: float
) -> Selection:
    """Orders the targets of `route`: by priority, within a priority by weight, then by the request's own `order`.

    `why_out` tells what keeps a target out, None where nothing does; `draw` is a random number, 0 <= draw < 1.
    """
    exclusions: dict[str, Exclusion] = {}
    ordered: list[Target] = []
    number = draw
    picky = bool(routing.only or routing.ignore)
    for target in route.targets:
        if target.weight <= 0:
            exclusions[target.name] = Exclusion(Out.UNWANTED, "has a weight of 0")
    for tier in route.tiers:
        eligible = []
        for target in tier:
            exclusion = (_unwanted(target, routing) if picky else None) or why_out(target)
            if exclusion is None:
                eligible.append(target)
            else:
                exclusions[target.name] = exclusion
        number = _draw_into(ordered, eligible, number)
    if routing.order:
        ordered.sort(key=lambda target: _place(target, routing.order))
    if routing.HasField("allow_fallbacks") and not routing.allow_fallbacks:
        for target in ordered[1:]:
            exclusions[target.name] = Exclusion(Out.UNWANTED, "is not asked, as the request allows no fallbacks")
        del ordered[1:]
    return Selection(tuple(ordered), exclusions, draw, route)


def draw_of_cohort(route: str, cohort: str) -> float:
    """The number that requests of one cohort share on one route, 0 <= number < 1. Pure."""
    digest = hashlib.sha256(f"{route}\n{cohort}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2.0**53


def nothing_left(selections: Sequence[Selection], model: str) -> MeshError:
    """Why no target of `model`, or of the models that may stand in for it, can be asked. Pure."""
    exclusions = {name: exclusion for part in selections for name, exclusion in part.exclusions.items()}
    kind = max((exclusion.kind for exclusion in exclusions.values()), key=lambda kind: kind.value)
    told = "; ".join(f"{name} {exclusion.because}" for name, exclusion in exclusions.items())
    reason, what = _NOTHING_LEFT[kind]
    return MeshError(
        reason,
        f'No target of model "{model}" {what}: {told}.',
        field="routing" if kind is Out.UNWANTED else None,
        retry_after_s=2.0 if kind is Out.AWAY else None,
        model=model,
    )


_NOTHING_LEFT = {
    Out.AWAY: (reasons.ERROR_REASON_NO_TARGET, "can be asked now; try again later"),
    Out.UNFIT: (reasons.ERROR_REASON_UNSUPPORTED, "can do what is asked; change the request or the model"),
    Out.UNWANTED: (reasons.ERROR_REASON_INVALID_FIELD, "is left by the request's routing preferences; loosen them"),
}


def _names(target: Target, name: str) -> bool:
    return name in (target.name, target.adapter)


def _unwanted(target: Target, routing: request_pb2.Routing) -> Exclusion | None:
    if routing.only and not any(_names(target, name) for name in routing.only):
        return Exclusion(Out.UNWANTED, "is not among the providers that the request allows")
    if any(_names(target, name) for name in routing.ignore):
        return Exclusion(Out.UNWANTED, "is among the providers that the request ignores")
    return None


def _place(target: Target, order: Sequence[str]) -> int:
    for place, name in enumerate(order):
        if _names(target, name):
            return place
    return len(order)


def _draw_into(ordered: list[Target], pool: list[Target], number: float) -> float:
    """Moves `pool` into `ordered` by weighted draws without replacement; gives the number for the next draws.

    Beyond the drawn places the order is the configuration's.
    """
    total = sum(target.weight for target in pool)
    for _ in range(min(_DRAWN, len(pool) - 1)):
        point = number * total
        below = 0.0
        place = 0
        # Rounding may carry the point past the last share: the last one has it then.
        while place < len(pool) - 1 and point >= below + pool[place].weight:
            below += pool[place].weight
            place += 1
        drawn = pool.pop(place)
        number = min(max((point - below) / drawn.weight, 0.0), _BELOW_ONE)
        total -= drawn.weight
        ordered.append(drawn)
    ordered.extend(pool)
    return number
