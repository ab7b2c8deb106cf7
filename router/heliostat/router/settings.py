"""`router:` in the configuration: which model is served by which targets."""

import math
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from heliostat.chassis.settings import PartSettings, Section


class TargetSettings(Section):
    """One way to serve a model."""

    target: str
    """adapter/provider model, split at the first slash: fal/fal-ai/flux/schnell. On a route that ends in * the provider
    model may be *, which stands for the model that was asked for."""
    priority: int = Field(0, ge=0)
    """0 is asked first; the next number when all of it failed."""
    weight: float = Field(1, ge=0)
    """Share within the priority; 0 takes the target out."""
    timeout_s: float | None = Field(None, gt=0)
    """Seconds that one attempt may take; the router's attempt_timeout_s where absent."""
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
    content_failover: bool = False
    """True: what one provider's moderation refuses is asked elsewhere."""
    creator: str = ""
    """Who made the model."""
    description: str = ""
    """A sentence about the model."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self._check_names()
        self._check_targets()
        return self

    def _check_names(self) -> None:
        for name in (self.model, *self.aliases):
            if "*" in name[:-1]:
                raise ValueError(
                    f'route "{self.model}": * may only be the last character of a name, not within "{name}"'
                )
        for alias in self.aliases:
            if alias.endswith("*") or not alias:
                raise ValueError(
                    f'route "{self.model}": alias "{alias}" must be a whole name; give it a route of its own'
                )

    def _check_targets(self) -> None:
        if not any(target.weight > 0 for target in self.targets):
            raise ValueError(f'route "{self.model}" has no target with a weight above 0; it would never answer')
        seen: set[str] = set()
        for target in self.targets:
            if target.target in seen:
                raise ValueError(f'route "{self.model}" names target "{target.target}" twice; keep one of them')
            seen.add(target.target)
            if target.target.endswith("/*") and (self.aliases or not self.model.endswith("*")):
                raise ValueError(
                    f'route "{self.model}" has target "{target.target}": * stands for the model that was asked for, '
                    "which only a route that ends in * and has no aliases leaves open; write the provider model out"
                )


class RouterSettings(PartSettings):
    """The router."""

    routes: tuple[RouteSettings, ...] = ()
    """What is served, and by whom."""
    auto_routes: bool = True
    """True: a model without a route is served by the adapters that know it, in their order."""
    attempt_timeout_s: float = Field(180.0, gt=0)
    """Seconds that one attempt may take."""
    request_timeout_s: float = Field(300.0, gt=0)
    """Seconds for a request whose caller sets no deadline."""
    max_attempts: int = Field(3, ge=1, le=10)
    """Most targets asked for one picture, or for one branch of a request that is split."""
    max_branches: int = Field(4, ge=1, le=10)
    """Calls at once of one request that is split."""
    describe_interval_s: float = Field(30.0, gt=0)
    """Seconds between two looks at what an adapter can do."""
    describe_timeout_s: float = Field(5.0, gt=0)
    """Seconds for an adapter to say what it can do."""
    cancel_timeout_s: float = Field(5.0, gt=0)
    """Seconds for an adapter to cancel an abandoned attempt."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        owner: dict[str, str] = {}
        for route in self.routes:
            for name in (route.model, *route.aliases):
                if name in owner:
                    raise ValueError(
                        f'"{name}" is named by route "{owner[name]}" and by route "{route.model}"; rename or remove one'
                    )
                owner[name] = route.model
        return self
