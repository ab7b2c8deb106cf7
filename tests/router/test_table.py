"""Routes as the configuration writes them: what is refused, and what a name leads to."""

import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table, did_you_mean


def settings(*routes: dict[str, Any]) -> RouterSettings:
    """The router's section with these routes."""
    return RouterSettings.model_validate({"routes": routes})


def simple(model: str, target: str = "a/x", **fields: Any) -> dict[str, Any]:
    """A route to one target."""
    return {"model": model, "targets": [{"target": target}], **fields}


@pytest.mark.parametrize(
    ("routes", "sentence"),
    [
        ([simple("m"), simple("m")], '"m" is named by route "m" and by route "m"'),
        ([simple("m"), simple("n", aliases=["m"])], '"m" is named by route "m" and by route "n"'),
        ([simple("m", aliases=["k", "k"])], '"k" is named by route "m"'),
        ([simple("m", target="no-slash")], 'target "no-slash" is not adapter/provider model'),
        ([simple("m", target="/x")], 'target "/x" is not adapter/provider model'),
        ([simple("m", target="a/*")], 'route "m" has target "a/*"'),
        ([simple("m*", target="a/*", aliases=["k"])], 'route "m*" has target "a/*"'),
        ([simple("m*n")], "* may only be the last character"),
        ([simple("m", aliases=["k*"])], 'alias "k*" must be a whole name'),
        ([{"model": "m", "targets": []}], 'route "m" has no target with a weight above 0'),
        (
            [{"model": "m", "targets": [{"target": "a/x", "weight": 0}]}],
            'route "m" has no target with a weight above 0',
        ),
        ([{"model": "m", "targets": [{"target": "a/x"}, {"target": "a/x"}]}], 'names target "a/x" twice'),
        ([{"model": "m", "targets": [{"target": "a/x", "weight": -1}]}], "greater than or equal to 0"),
        ([{"model": "m", "targets": [{"target": "a/x", "weight": "inf"}]}], "finite"),
        ([{"model": "m", "targets": [{"target": "a/x", "priority": -1}]}], "greater than or equal to 0"),
        ([simple("m", on_unknown="again")], "'next', 'wait' or 'fail'"),
        ([simple("m", target_s=[])], "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_route_is_refused(routes: list[dict[str, Any]], sentence: str) -> None:
    """The sentence says what is wrong and where."""
    with pytest.raises(ValidationError) as refusal:
        settings(*routes)
    assert sentence in str(refusal.value)


def test_a_route_to_an_unknown_adapter_is_refused() -> None:
    """The sentence names the route, the target, and the adapter that may have been meant."""
    with pytest.raises(MeshError) as refusal:
        Table(settings(simple("m", target="opnai/x")), ["openai", "fal"])
    assert refusal.value.reason == reasons.ERROR_REASON_INVALID_FIELD
    assert 'Route "m" names target "opnai/x"' in refusal.value.message
    assert 'did you mean "openai"?' in refusal.value.message


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("m", "m"),
        ("alias", "m"),
        ("flux-pro-2", "flux-pro-2"),
        ("flux-schnell", "flux-schnell"),
        ("M", None),
        ("fluxx", None),
        ("", None),
    ],
)
def test_names_lead_to_routes(name: str, route: str | None) -> None:
    """A name is exact, an alias, or begins as a glob does; the longest beginning wins."""
    globs = [simple("flux-*", "a/general"), simple("flux-pro*", "a/pro")]
    table = Table(settings(*globs, simple("m", aliases=["alias"])), ["a"])
    found = table.configured(name) or table.matching(name)
    assert (found.model if found else None) == route
    if name.startswith("flux-"):
        assert found is not None
        assert found.targets[0].name == ("a/pro" if "pro" in name else "a/general")


def test_an_open_target_takes_the_name_that_was_asked_for() -> None:
    """`*` in a target stands for the model; a provider model may hold slashes."""
    table = Table(settings(simple("gpt-*", "a/*"), simple("*", "b/fal-ai/flux")), ["a", "b"])
    asked = table.matching("gpt-image-2")
    assert asked is not None
    assert [target.name for target in asked.targets] == ["a/gpt-image-2"]
    assert asked.tiers[0] == asked.targets
    rest = table.matching("whatever")
    assert rest is not None
    assert rest.targets[0].provider_model == "fal-ai/flux"


def test_a_name_with_a_known_adapter_forces_a_target() -> None:
    """The first slash divides; what stands before it must be an adapter."""
    table = Table(settings(), ["fal"])
    forced = table.forced("fal/fal-ai/flux/schnell")
    assert forced is not None
    assert (forced.adapter, forced.provider_model) == ("fal", "fal-ai/flux/schnell")
    assert table.forced("other/flux") is None
    assert table.forced("fal/") is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("flux-schnel", '; did you mean "flux-schnell"?'),
        ("FLUX-SCHNELL", '; did you mean "flux-schnell"?'),
        ("entirely-else", ""),
        ("f" * 100_000, ""),
    ],
)
def test_did_you_mean(name: str, hint: str) -> None:
    """What is near is named as it is spelled; what is far is not guessed at."""
    assert did_you_mean(name, ["flux-schnell", "mock-image"]) == hint


def test_options_that_cannot_be_sent_are_refused() -> None:
    """A date of YAML is no JSON: the sentence names the target, before anything is taken up."""
    options = {"since": datetime.date(2026, 11, 1)}
    targets = [{"target": "a/x", "options": options}, {"target": "a/y", "options": {"style": ["raw", 1, None]}}]
    with pytest.raises(MeshError) as refusal:
        Table(settings({"model": "m", "targets": targets}), ["a"])
    assert 'options of target "a/x" hold a value that JSON does not have' in refusal.value.message
    assert "a/y" not in refusal.value.message


def test_a_route_is_the_same_one_whoever_asks() -> None:
    """Routes are made when they are first asked for, and once: by name, by alias, in the list of all."""
    table = Table(settings(simple("m", aliases=["k"]), simple("glob-*", aliases=["g"])), ["a"])
    first = table.configured("m")
    assert first is not None
    assert table.configured("k") is first
    assert table.routes == (first, table.configured("g"))
    assert table.routes[0] is first
    assert table.globs[0] is table.configured("g")
    assert set(table.entries) == {"m", "glob-*"}
    assert table.target_names == {"a/x"}


def test_a_wrong_name_among_very_many_is_compared_with_its_neighbours_only() -> None:
    """The near one is still found, and comparing takes a few of ten thousand names: it runs between two requests."""
    compared: list[str] = []

    class Noted(str):
        __slots__ = ()

        def lower(self) -> str:
            compared.append(self)
            return super().lower()

    names = [Noted(f"model-{number}") for number in range(10_000)]
    assert did_you_mean("model-5000-turb", names) == '; did you mean "model-5000", "model-500" or "model-5060"?'
    assert len(compared) <= 200
