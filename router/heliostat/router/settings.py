"""`router:` in the configuration: which model is served by which targets."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from heliostat.chassis.settings import PartSettings, Secret, Section, fault

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HealthSettings(Section):
    """When a target is put out, and how it comes back."""

    consecutive_failures: int = Field(5, ge=1)
    """Failures in a row that put a target out."""
    window_s: float = Field(30.0, gt=0)
    """Seconds in which calls are counted."""
    many_calls: int = Field(5, ge=1)
    """Calls within the window from which on many_share is looked at."""
    many_share: float = Field(0.5, gt=0, le=1)
    """Out where more than this share of them failed."""
    some_calls: int = Field(10, ge=1)
    """Calls within the window from which on some_share is looked at."""
    some_share: float = Field(0.2, gt=0, le=1)
    """Out where more than this share of them failed."""
    slow_factor: float = Field(3.0, ge=0)
    """An answer is slow beyond this many times what 99 of 100 good ones take; slow ones count towards many_share. 0:
    never."""
    slow_floor_s: float = Field(2.0, ge=0)
    """Seconds up to which no answer is slow."""
    out_s: float = Field(10.0, gt=0)
    """Seconds that a target is out, before one real call tries it."""
    out_jitter: float = Field(0.1, ge=0, lt=1)
    """Up to this share of these seconds is taken off by chance, so that replicas do not come back together."""
    probes_before_doubling: int = Field(12, ge=0)
    """Failed tries after which the time out doubles each time."""
    longest_out_s: float = Field(300.0, gt=0)
    """Seconds that it doubles to at most."""
    cause_out_s: float = Field(600.0, gt=0)
    """Seconds out after the provider said that credit is exhausted, a key is refused, or a model is gone."""
    longest_pause_s: float = Field(60.0, gt=0)
    """Seconds of a rate limit's pause at most, whatever the provider says."""
    longest_backoff_s: float = Field(30.0, gt=0)
    """Seconds of pause at most after rate limits that name no time: up to 1, 2, 4 … by chance."""
    ramp_s: float = Field(10.0, ge=0)
    """Seconds in which a target that has come back gets its full share again; 0: at once."""


class PacingSettings(Section):
    """What a target, or all targets of an adapter, are given at most. It holds for each replica of the router."""

    at_once: int | None = Field(None, ge=1)
    """Calls under way."""
    per_minute: int | None = Field(None, ge=1)
    """Calls begun in any 60 seconds."""


class BudgetSettings(Section):
    """How many attempts beyond the first are allowed, over all requests."""

    share: float = Field(0.2, ge=0)
    """Attempts beyond the first, per request under way."""
    least: int = Field(3, ge=0)
    """As many are always allowed."""
    window_s: float = Field(10.0, gt=0)
    """Seconds over which requests and attempts are compared as well."""


class EventSettings(Section):
    """Where operators are told of what happens to targets, beside the log, a metric and `heliostat admin watch`."""

    webhook_url: str = ""
    """Address that events are POSTed to, signed as Standard Webhooks: https, or http on loopback. Empty: none."""
    webhook_secret: Secret | None = None
    """What they are signed with: whsec_ and base64, or any text of at least 24 bytes."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.webhook_url:
            return self
        parts = urlsplit(self.webhook_url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not secure or not parts.hostname or parts.username is not None:
            raise ValueError(
                f'webhook_url "{self.webhook_url}" is not https://host/path; http is for loopback only, and a name or '
                "password in it is not used"
            )
        if self.webhook_secret is None:
            raise ValueError("webhook_url needs webhook_secret, such as env:WEBHOOK_SECRET")
        return self


class TargetSettings(Section):
    """One way to serve a model."""

    target: str
    """adapter/provider model, split at the first slash: fal/fal-ai/flux/schnell, or one account of the adapter only:
    fal@team-b/fal-ai/flux/schnell. On a route that ends in * the provider model may be *, which stands for the model
    that was asked for."""
    priority: int = Field(0, ge=0)
    """0 is asked first; the next number when all of it failed."""
    weight: float = Field(1, ge=0)
    """Share within the priority; 0 takes the target out."""
    timeout_s: float | None = Field(None, gt=0)
    """Seconds that one attempt may take; the router's attempt_timeout_s where absent."""
    first_event_timeout_s: float | None = Field(None, gt=0)
    """Seconds until the first sign of life, such as that the provider took the work; no own limit where absent."""
    idle_timeout_s: float | None = Field(None, gt=0)
    """Seconds between two signs of life; no own limit where absent."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Provider options that every request gets; the caller's own win."""

    @field_validator("target")
    @classmethod
    def _names_both(cls, value: str) -> str:
        adapter, _, provider_model = value.partition("/")
        if not (adapter and provider_model):
            raise ValueError(
                f'target "{value}" is not adapter/provider model; write for example fal/fal-ai/flux/schnell'
            )
        return value

    @field_validator("weight")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("weight must be a finite number, 0 or more")
        return value


class RouteSettings(Section):
    """One public model."""

    model: str = Field(min_length=1)
    """Public name; one that ends in * serves every name that begins so."""
    aliases: tuple[str, ...] = ()
    """Other names of it."""
    targets: tuple[TargetSettings, ...]
    """Ways to serve it, in any order."""
    on_unknown: Literal["next", "wait", "fail"] = "next"
    """When nobody knows whether an attempt was bought: ask the next target, keep waiting for this one up to the
    request's deadline, or fail with the provider's job id."""
    content_failover: bool | tuple[str, ...] = False
    """Targets that may be asked for what another one's moderation refused; true means all of them."""
    max_wait_s: float | None = Field(None, ge=0)
    """Seconds that a request may wait for a target that asked to slow down; the router's max_wait_s where absent."""
    short_wait_s: float | None = Field(None, ge=0)
    """Seconds of a pause that are waited for before a lower priority is asked; the router's where absent."""
    hedge: bool = False
    """True: where the first target takes longer than 95 of 100 of its answers did, a second one is asked beside it.
    Both may charge."""
    hedge_after_s: float | None = Field(None, gt=0)
    """Seconds after which the second one is asked instead; also before enough answers are known."""
    creator: str = ""
    """Who made the model."""
    description: str = ""
    """A sentence about the model."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self._check_names()
        self._check_targets()
        self._check_content_targets()
        return self

    def _check_content_targets(self) -> None:
        if isinstance(self.content_failover, bool):
            return
        known = {target.target for target in self.targets}
        for place, name in enumerate(self.content_failover):
            if name not in known:
                raise fault(
                    f'route "{self.model}" lists "{name}" under content_failover; list targets of this route, such as '
                    f'"{next(iter(known), "")}"',
                    *("content_failover", place),
                )

    def _check_names(self) -> None:
        if "*" not in self.model and all(alias and "*" not in alias for alias in self.aliases):
            return
        for name, place in self.names():
            if "*" in name[:-1]:
                raise fault(
                    f'route "{self.model}": * may only be the last character of a name, not within "{name}"', *place
                )
            if place[0] == "aliases" and (name.endswith("*") or not name):
                raise fault(
                    f'route "{self.model}": alias "{name}" must be a whole name; give it a route of its own', *place
                )

    def names(self) -> Iterator[tuple[str, Sequence[str | int]]]:
        """Its name and its aliases, each with its place in the section."""
        yield self.model, ("model",)
        for place, alias in enumerate(self.aliases):
            yield alias, ("aliases", place)

    def _check_targets(self) -> None:
        if not any(target.weight > 0 for target in self.targets):
            raise fault(
                f'route "{self.model}" has no target with a weight above 0; it would never answer: give one a weight '
                "above 0, or remove the route",
                "targets",
            )
        seen: set[str] = set()
        for place, target in enumerate(self.targets):
            if target.target in seen:
                raise fault(
                    f'route "{self.model}" names target "{target.target}" twice; keep one of them', "targets", place
                )
            seen.add(target.target)
            if target.target.endswith("/*") and (self.aliases or not self.model.endswith("*")):
                raise fault(
                    f'route "{self.model}" has target "{target.target}": * stands for the model that was asked for, '
                    "which only a route that ends in * and has no aliases leaves open; write the provider model out",
                    *("targets", place, "target"),
                )


class CostSettings(Section):
    """When operators are told that costs are not what they should be."""

    reported_drift: float = Field(0.05, ge=0)
    """Share by which a reported cost may differ from what the price table gives."""
    estimate_drift: float = Field(0.5, ge=0)
    """Share by which a cost may differ from its estimate."""
    least_drift_usd: float = Field(0.001, ge=0)
    """US dollars by which any cost may differ."""
    quiet_s: float = Field(3600.0, ge=0)
    """Seconds until operators are told of the same target again; metrics count every attempt."""


class RouterSettings(PartSettings):
    """The router."""

    routes: tuple[RouteSettings, ...] = ()
    """What is served, and by whom."""
    auto_routes: bool = True
    """True: a model without a route is served by the adapters that know it, the cheapest first."""
    attempt_timeout_s: float = Field(180.0, gt=0)
    """Seconds that one attempt may take."""
    request_timeout_s: float = Field(300.0, gt=0)
    """Seconds for a request whose caller sets no deadline."""
    max_attempts: int = Field(3, ge=1, le=10)
    """Most targets asked for one picture, or for one branch of a request that is split."""
    max_branches: int = Field(4, ge=1, le=10)
    """Calls at once of one request that is split."""
    max_wait_s: float = Field(30.0, ge=0)
    """Seconds that a request may wait for targets that asked to slow down; 0: not at all. Callers may ask for less."""
    short_wait_s: float = Field(2.0, ge=0)
    """Seconds of a pause that are waited for before a lower priority is asked."""
    queue_size: int = Field(1000, ge=0)
    """Requests that may wait at once."""
    health: HealthSettings = HealthSettings()
    """When a target is put out, and how it comes back."""
    budget: BudgetSettings = BudgetSettings()
    """How many attempts beyond the first are allowed."""
    pacing: dict[str, PacingSettings] = Field(default_factory=dict)
    """Limits by adapter (bfl), account (bfl@team-b) or target (bfl/flux-pro-1.1), held to before the provider has to
    say so. Those of an adapter or target hold for each of its accounts that has none of its own."""
    costs: CostSettings = CostSettings()
    """When operators are told that costs are not what they should be."""
    events: EventSettings = EventSettings()
    """Where operators are told of what happens to targets."""
    follow_interval_s: float = Field(0.5, gt=0, le=1)
    """Seconds between two looks at what operators changed and other replicas were told."""
    describe_interval_s: float = Field(30.0, gt=0)
    """Seconds between two looks at what an adapter can do."""
    describe_timeout_s: float = Field(5.0, gt=0)
    """Seconds for an adapter to say what it can do."""
    cancel_timeout_s: float = Field(5.0, gt=0)
    """Seconds for an adapter to cancel an abandoned attempt."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        _refuse_loops(self.routes)
        owner: dict[str, str] = {}
        for index, route in enumerate(self.routes):
            for name, place in route.names():
                if name in owner:
                    raise fault(
                        f'"{name}" is named by route "{owner[name]}" and by route "{route.model}"; '
                        "rename or remove one",
                        *("routes", index, *place),
                    )
                owner[name] = route.model
        return self


def _refuse_loops(routes: Sequence[RouteSettings]) -> None:
    """An alias is another name of a route, never the name of another route; said plainly where aliases go in a ring."""
    index_of = {route.model: index for index, route in enumerate(routes)}
    if not any(alias in index_of for route in routes for alias in route.aliases):
        return
    over: set[str] = set()
    for route in routes:
        trail: list[str] = []
        name: str | None = route.model
        while name is not None and name not in over and name not in trail:
            trail.append(name)
            name = next((alias for alias in routes[index_of[name]].aliases if alias in index_of), None)
        if name is not None and name in trail and len(trail) - trail.index(name) > 1:
            ring = [*trail[trail.index(name) :], name]
            last = routes[index_of[ring[-2]]]
            raise fault(
                f"aliases go in a ring: {' -> '.join(ring)}; an alias is a further name of its route, "
                "so take the names of other routes out of aliases",
                *("routes", index_of[ring[-2]], "aliases", last.aliases.index(name)),
            )
        over.update(trail)
