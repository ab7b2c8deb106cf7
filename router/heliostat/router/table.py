"""Routes and targets: built once from the configuration, immutable, looked up by the name that a caller sends."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from google.protobuf.struct_pb2 import Struct

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError
from heliostat.router.settings import RouterSettings, RouteSettings, TargetSettings

_ON_UNKNOWN = {
    "next": request_pb2.ON_UNKNOWN_NEXT,
    "wait": request_pb2.ON_UNKNOWN_WAIT,
    "fail": request_pb2.ON_UNKNOWN_FAIL,
}
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Target:
    """One way to serve a model: an adapter and the provider's own name of the model."""

    name: str
    adapter: str
    provider_model: str
    priority: int = 0
    weight: float = 1.0
    timeout_s: float | None = None
    options: Struct | None = None
    held: str = ""  # why an operator keeps it out, as a sentence without a subject; empty where nobody does


@dataclass(frozen=True)
class Route:
    """A public model and its targets.

    `tiers` groups those with a weight above 0 by priority, the first one first. Those that are held are among them, so
    that cohorts of the others keep their side. What is asked of every choice is made once, when it is first asked for.
    """

    model: str
    targets: tuple[Target, ...]
    tiers: tuple[tuple[Target, ...], ...]
    aliases: tuple[str, ...] = ()
    on_unknown: request_pb2.OnUnknown = request_pb2.ON_UNKNOWN_NEXT
    content_failover: bool = False
    creator: str = ""
    description: str = ""
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What other rooms have made of this route once, by a name of their choice."""

    @cached_property
    def sums(self) -> tuple[tuple[float, ...], ...]:
        """The weights of each tier, added up from its first target on."""
        return tuple(tuple(accumulate(target.weight for target in tier)) for tier in self.tiers)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each target stands among `targets`, by name."""
        return {target.name: place for place, target in enumerate(self.targets)}

    def with_targets(self, targets: Sequence[Target]) -> "Route":
        """The same route over other targets, or over the same ones with other priorities and weights."""
        return replace(self, targets=tuple(targets), tiers=_tiers(targets), memo={})


def target_of(name: str, *, priority: int = 0) -> Target:
    """The target "adapter/provider model" with a share of 1."""
    adapter, _, provider_model = name.partition("/")
    return Target(name, adapter, provider_model, priority)


def route_of(model: str, targets: Sequence[Target]) -> Route:
    """A route over `targets`, with the default rules."""
    return Route(model, tuple(targets), _tiers(targets))


def _tiers(targets: Iterable[Target]) -> tuple[tuple[Target, ...], ...]:
    by_priority: dict[int, list[Target]] = {}
    for target in targets:
        if target.weight > 0:
            by_priority.setdefault(target.priority, []).append(target)
    return tuple(tuple(by_priority[priority]) for priority in sorted(by_priority))


class Table:
    """All routes of the configuration."""

    def __init__(self, settings: RouterSettings, adapters: Iterable[str]) -> None:
        """`adapters` are the names of those that are configured. Raises INVALID_FIELD for a target of another one."""
        self._adapters = frozenset(adapters)
        self._exact: dict[str, Route] = {}
        self._globs: list[Route] = []
        for entry in settings.routes:
            route = self._build(entry)
            if entry.model.endswith(_ANY):
                self._globs.append(route)
                self._exact.update(dict.fromkeys(entry.aliases, route))
            else:
                self._exact.update(dict.fromkeys((entry.model, *entry.aliases), route))
        self._globs.sort(key=lambda route: -len(route.model))
        self.routes: tuple[Route, ...] = tuple({id(route): route for route in self._exact.values()}.values())
        self.globs: tuple[Route, ...] = tuple(self._globs)
        self.target_names = frozenset(target.name for route in (*self.routes, *self.globs) for target in route.targets)

    def _build(self, entry: RouteSettings) -> Route:
        targets = tuple(self._target(entry.model, target) for target in entry.targets)
        return Route(
            model=entry.model,
            targets=targets,
            tiers=_tiers(targets),
            aliases=entry.aliases,
            on_unknown=_ON_UNKNOWN[entry.on_unknown],
            content_failover=entry.content_failover,
            creator=entry.creator,
            description=entry.description,
        )

    def _target(self, model: str, entry: TargetSettings) -> Target:
        adapter, _, provider_model = entry.target.partition("/")
        if adapter not in self._adapters:
            near = did_you_mean(adapter, self._adapters)
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f'Route "{model}" names target "{entry.target}", and there is no adapter "{adapter}"'
                f"{near or '; configure it under adapters.'}",
                field="router.routes",
            )
        options = None
        if entry.options:
            options = Struct()
            options.update(entry.options)
        return Target(entry.target, adapter, provider_model, entry.priority, entry.weight, entry.timeout_s, options)

    def configured(self, model: str) -> Route | None:
        """The route of that name or alias; None where there is none."""
        return self._exact.get(model)

    def forced(self, model: str) -> Target | None:
        """The one target that "adapter/provider model" names; None where it is no such name."""
        adapter, slash, provider_model = model.partition("/")
        return target_of(model) if slash and provider_model and adapter in self._adapters else None

    def matching(self, model: str) -> Route | None:
        """The route with the longest beginning of `model`, its open targets filled in; None where none fits."""
        for route in self._globs:
            if model.startswith(route.model[:-1]):
                return _fill(route, model)
        return None

    def names(self) -> set[str]:
        """Every name that a caller may send, globs apart."""
        return set(self._exact)


def _fill(route: Route, model: str) -> Route:
    if not any(target.provider_model == _ANY for target in route.targets):
        return replace(route, model=model, aliases=(), memo={})
    targets = tuple(
        replace(target, name=f"{target.adapter}/{model}", provider_model=model)
        if target.provider_model == _ANY
        else target
        for target in route.targets
    )
    return replace(route, model=model, aliases=()).with_targets(targets)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence, such as '; did you mean "flux-schnell"?', or empty where nothing is near. Pure."""
    spelled = {entry.lower(): entry for entry in sorted(known)}
    near = difflib.get_close_matches(name[:200].lower(), spelled, n=2, cutoff=0.55)
    if not near:
        return ""
    return "; did you mean " + " or ".join(f'"{spelled[entry]}"' for entry in near) + "?"
