"""Routes and targets: built once from the configuration, immutable, looked up by the name that a caller sends."""

import difflib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from google.protobuf.struct_pb2 import Struct

from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.settings import Fault, Refusal
from heliostat.router.settings import RouterSettings, RouteSettings, TargetSettings

_ON_UNKNOWN = {
    "next": request_pb2.ON_UNKNOWN_NEXT,
    "wait": request_pb2.ON_UNKNOWN_WAIT,
    "fail": request_pb2.ON_UNKNOWN_FAIL,
}
_ANY = "*"
# Names that a wrong one is compared with, on either side of it.
_COMPARED = 75


@dataclass(frozen=True, slots=True)
class Target:
    """One way to serve a model: an adapter, or one account of it, and the provider's own name of the model.

    `name` is "fal/fal-ai/flux/schnell", or "fal@team-b/fal-ai/flux/schnell" where it is one account's.
    """

    name: str
    adapter: str
    provider_model: str
    priority: int = 0
    weight: float = 1.0
    timeout_s: float | None = None
    options: Struct | None = None
    first_event_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    held: str = ""  # why an operator keeps it out, as a sentence without a subject; empty where nobody does
    account: str = ""  # the one account of the provider that it is; empty: the adapter has one key, or decides itself

    @property
    def plain(self) -> str:
        """Its name without the account."""
        return f"{self.adapter}/{self.provider_model}" if self.account else self.name

    @property
    def scope(self) -> str:
        """What its key belongs to: "fal", or "fal@team-b"."""
        return f"{self.adapter}@{self.account}" if self.account else self.adapter

    @property
    def names(self) -> tuple[str, ...]:
        """All that a request's preferences may call it."""
        return (self.name, self.plain, self.scope, self.adapter) if self.account else (self.name, self.adapter)


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
    content_targets: frozenset[str] | None = None  # names that alone may be asked for what was refused; None: any
    max_wait_s: float | None = None
    short_wait_s: float | None = None
    hedge: bool = False
    hedge_after_s: float | None = None
    creator: str = ""
    description: str = ""
    asked_as: str = ""  # the name that a caller used for it though it has others; empty for each of its own
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
    """The target "adapter/provider model" or "adapter@account/provider model", with a share of 1."""
    adapter, account, provider_model = parts_of(name)
    return Target(name, adapter, provider_model, priority, account=account)


def parts_of(name: str) -> tuple[str, str, str]:
    """Adapter, account (mostly empty) and provider model of a target's name. Pure."""
    scope, _, provider_model = name.partition("/")
    adapter, _, account = scope.partition("@")
    return adapter, account, provider_model


def route_of(model: str, targets: Sequence[Target]) -> Route:
    """A route over `targets`, with the default rules."""
    return Route(model, tuple(targets), _tiers(targets))


def _tiers(targets: Iterable[Target]) -> tuple[tuple[Target, ...], ...]:
    by_priority: dict[int, list[Target]] = {}
    for target in targets:
        if target.weight > 0:
            by_priority.setdefault(target.priority, []).append(target)
    return tuple(tuple(by_priority[priority]) for priority in sorted(by_priority))


def _names_of(listed: bool | Sequence[str]) -> frozenset[str] | None:
    return None if isinstance(listed, bool) else frozenset(listed)


def _options_as(options: Mapping[str, Any]) -> Struct | None:
    """Options as the contract carries them. Raises ValueError for a value that JSON does not have."""
    if not options:
        return None
    made = Struct()
    made.update(options)
    return made


def _target_as(entry: TargetSettings) -> Target:
    adapter, account, provider_model = parts_of(entry.target)
    return Target(
        name=entry.target,
        adapter=adapter,
        account=account,
        provider_model=provider_model,
        priority=entry.priority,
        weight=entry.weight,
        timeout_s=entry.timeout_s,
        options=_options_as(entry.options),
        first_event_timeout_s=entry.first_event_timeout_s,
        idle_timeout_s=entry.idle_timeout_s,
    )


def check(settings: RouterSettings, adapters: Collection[str]) -> None:
    """Raises INVALID_FIELD, naming every target whose adapter is not among `adapters`, or whose options cannot be sent,
    and what to write instead.
    """
    faults = []
    for place, route in enumerate(settings.routes):
        for below, target in enumerate(route.targets):
            adapter = parts_of(target.target)[0]
            if adapter not in adapters:
                near = did_you_mean(adapter, adapters) or "; configure it under adapters, or name one that is there"
                sentence = f'Route "{route.model}" names target "{target.target}", and there is no adapter "{adapter}"'
                faults.append(Fault(("router", "routes", place, "targets", below, "target"), sentence + near))
            try:
                _options_as(target.options)
            except (ValueError, TypeError):
                sentence = f'options of target "{target.target}" hold a value that JSON does not have; write it as text'
                faults.append(Fault(("router", "routes", place, "targets", below, "options"), sentence))
    if faults:
        raise Refusal(faults)


class Table:
    """All routes of the configuration."""

    def __init__(self, settings: RouterSettings, adapters: Iterable[str]) -> None:
        """`adapters` are the names of those that are configured. Raises INVALID_FIELD for a target of another one."""
        self._adapters = frozenset(adapters)
        check(settings, self._adapters)
        self._entries: dict[str, RouteSettings] = {}
        self._open: list[RouteSettings] = []
        # Routes are made when they are first asked for: most of many are not.
        self._made: dict[str, Route] = {}
        for entry in settings.routes:
            if entry.model.endswith(_ANY):
                self._open.append(entry)
            else:
                self._entries[entry.model] = entry
            self._entries.update(dict.fromkeys(entry.aliases, entry))
        self._open.sort(key=lambda entry: -len(entry.model))
        self.target_names = frozenset(target.target for entry in settings.routes for target in entry.targets)

    @cached_property
    def entries(self) -> Mapping[str, RouteSettings]:
        """What the configuration says of each route, by its model."""
        return {entry.model: entry for entry in (*self._entries.values(), *self._open)}

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """All routes that a whole name leads to, in the configuration's order."""
        entries = {entry.model: entry for entry in self._entries.values()}
        return tuple(map(self._route, entries.values()))

    @cached_property
    def globs(self) -> tuple[Route, ...]:
        """All routes that the beginning of a name leads to, the longest first."""
        return tuple(map(self._route, self._open))

    def _route(self, entry: RouteSettings) -> Route:
        route = self._made.get(entry.model)
        if route is None:
            route = self._made[entry.model] = self._build(entry)
        return route

    def _build(self, entry: RouteSettings) -> Route:
        targets = tuple(map(_target_as, entry.targets))
        return Route(
            model=entry.model,
            targets=targets,
            tiers=_tiers(targets),
            aliases=entry.aliases,
            on_unknown=_ON_UNKNOWN[entry.on_unknown],
            content_failover=bool(entry.content_failover),
            content_targets=_names_of(entry.content_failover),
            max_wait_s=entry.max_wait_s,
            short_wait_s=entry.short_wait_s,
            hedge=entry.hedge,
            hedge_after_s=entry.hedge_after_s,
            creator=entry.creator,
            description=entry.description,
        )

    def configured(self, model: str) -> Route | None:
        """The route of that name or alias; None where there is none."""
        entry = self._entries.get(model)
        return None if entry is None else self._route(entry)

    def forced(self, model: str) -> Target | None:
        """The one target that "adapter/provider model" names; None where it is no such name."""
        adapter, _, provider_model = parts_of(model)
        return target_of(model) if provider_model and adapter in self._adapters else None

    def matching(self, model: str) -> Route | None:
        """The route with the longest beginning of `model`, its open targets filled in; None where none fits."""
        for entry in self._open:
            if model.startswith(entry.model[:-1]):
                return _fill(self._route(entry), model)
        return None

    def names(self) -> set[str]:
        """Every name that a caller may send, globs apart."""
        return set(self._entries)


def _fill(route: Route, model: str) -> Route:
    if not any(target.provider_model == _ANY for target in route.targets):
        return replace(route, model=model, aliases=(), memo={})
    targets = tuple(
        replace(target, name=f"{target.scope}/{model}", provider_model=model)
        if target.provider_model == _ANY
        else target
        for target in route.targets
    )
    return replace(route, model=model, aliases=()).with_targets(targets)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence, such as '; did you mean "flux-schnell"?', or empty where nothing is near. Pure."""
    near = nearest(name, known, 3)
    return f"; did you mean {one_of(near)}?" if near else ""


def nearest(name: str, known: Iterable[str], most: int) -> list[str]:
    """The names that are spelled most like this one, the nearest first. Pure.

    Of very many names only those are compared that stand near it in the alphabet: each comparison takes 25 µs.
    """
    names = sorted(known)
    if len(names) > 2 * _COMPARED:
        place = bisect_left(names, name[:200])
        names = names[max(0, place - _COMPARED) : place + _COMPARED]
    spelled = {entry.lower(): entry for entry in names}
    near = difflib.get_close_matches(name[:200].lower(), spelled, n=most, cutoff=0.55)
    return [spelled[entry] for entry in near]


def one_of(names: Sequence[str]) -> str:
    """'"a", "b" or "c"'. Pure."""
    quoted = [f'"{name}"' for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))
