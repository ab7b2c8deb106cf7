"""Names of models that all providers share."""

import json
from importlib import resources

import pytest

from heliostat.adapters.sdk import Model, ModelTable, per_image
from heliostat.adapters.sdk.canon import Canon, Known, canon, with_names


def named(model: Model) -> Model:
    """The model as it is served."""
    return next(iter(with_names(ModelTable(model))))


def test_a_catalogue_may_use_any_name_of_a_model() -> None:
    """Describe tells the canonical one first, all spellings after it, and what people say by mistake apart."""
    told = named(Model("google/flash-image-2.5", names=("gemini-2.5-flash-image", "nano-banana"))).capability()
    assert list(told.model_names)[:2] == ["nano-banana", "gemini-2.5-flash-image"]
    assert "gemini-2.5-flash-image-preview" in told.loose_names
    assert told.creator == "Google"
    assert told.provider_model == "google/flash-image-2.5"


def test_what_a_provider_says_of_a_model_stands_after_what_is_said_everywhere() -> None:
    """Neither is lost."""
    told = named(Model("flux", names=("flux-dev",), creator="BFL", description="Ends in May"))
    assert told.description == f"{canon().models['flux-dev'].text}. Ends in May"
    assert told.creator == "Black Forest Labs"


def test_a_model_that_the_file_does_not_know_keeps_its_catalogues_words() -> None:
    """A new adapter edits no shared file."""
    model = Model("moonlight-1", names=("moonlight",), creator="Nobody", description="Draws", price=per_image("0.01"))
    assert named(model) == model


def test_a_wildcard_has_no_name() -> None:
    """It stays the last one, as it was."""
    table = with_names(ModelTable(wildcard=Model("", description="Any")))
    assert [each.provider_model for each in table.capabilities()] == ["*"]


def test_a_name_means_one_model() -> None:
    """A file that says otherwise is refused where it is read."""
    with pytest.raises(ValueError, match="sd3 means a and b"):
        Canon({"a": Known(text="A", also=("sd3",)), "b": Known(text="B", also=("sd3",))})


def test_the_file_is_in_order() -> None:
    """One line a model, in alphabetical order: two people who add one meet in no merge."""
    text = resources.files("heliostat.adapters.sdk").joinpath("canon.json").read_text("utf-8")
    lines = text.splitlines()[1:-1]
    names = [next(iter(json.loads("{" + line.strip().rstrip(",") + "}"))) for line in lines]
    assert names == sorted(set(names)) == sorted(canon().models)
