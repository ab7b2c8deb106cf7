"""What Describe says of parameters follows from what the adapters ignore."""

from typing import Literal

import pytest
from pydantic import Field

from heliostat.adapters.fal.catalog import MODELS as FAL
from heliostat.adapters.openai.catalog import MODELS as OPENAI
from heliostat.adapters.sdk import Model, ModelTable, Options
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.descriptors import described
from heliostat.adapters.sdk.models import Parameter


class Knobs(Options):
    """Options of every kind."""

    steps: int | None = Field(None, ge=1, le=50, description="Steps")
    speed: Literal["slow", "fast"] | None = None
    raw: bool | None = None
    colours: list[str] | None = None


def names_of(model: Model, *, ignores: tuple[str, ...] = ()) -> set[str]:
    """Names of the parameters that are told."""
    return {parameter.name for parameter in described(model, ignores, Options)}


def test_what_is_ignored_is_not_told() -> None:
    """By the adapter or by the model."""
    told = names_of(Model("m", ignores=("style",)), ignores=("seed",))
    assert {"negative_prompt", "quality"} <= told
    assert not told & {"style", "seed"}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("strength", Model("m", operations=("edit",))),
        ("similarity", Model("m", operations=("variation",))),
        ("creativity", Model("m", operations=("upscale",))),
        ("feather", Model("m", operations=("edit",), mask="exact")),
        ("reference_role", Model("m", max_references=1)),
        ("partial_images", Model("m", max_partials=3)),
    ],
)
def test_what_an_operation_cannot_ask_is_not_told(name: str, model: Model) -> None:
    """A parameter of one operation is told by models that do it, and by no other."""
    assert name in names_of(model)
    assert name not in names_of(Model("m"))


def test_options_are_told_with_their_bounds() -> None:
    """The provider's own options, as far as the model takes them."""
    told = {each.name: each for each in described(Model("m"), NAMES, Knobs, {"steps", "speed", "colours"})}
    assert told == {
        "steps": Parameter("steps", "integer", 1, 50, provider_option=True, description="Steps"),
        "speed": Parameter("speed", "enum", values=("slow", "fast"), provider_option=True),
        "colours": Parameter("colours", "", provider_option=True),
    }


def test_a_models_own_word_stands_above() -> None:
    """A model may narrow what is told in general."""
    own = Parameter("quality", "enum", values=("low",))
    assert own in described(Model("m", parameters=(own,)), (), Options)


@pytest.mark.parametrize("table", [FAL, OPENAI], ids=["fal", "openai"])
def test_every_model_can_be_described(table: ModelTable) -> None:
    """No name is told twice, and none that is ignored."""
    for model in table:
        names = [parameter.name for parameter in described(model, (), Options)]
        assert len(names) == len(set(names)), model.name
        assert not set(names) & set(model.ignores), model.name
