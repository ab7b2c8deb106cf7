"""The configuration: one tree, unknown keys refused, secrets by reference only."""

from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, model_validator

from heliostat.chassis.errors import MeshError
from heliostat.chassis.lines import Lines
from heliostat.chassis.settings import Refusal, Secret, Section, fault, parse, read_tree, tree_of


class Example(Section):
    """A section."""

    port: int = Field(1, ge=0)
    key: Secret | None = None


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """Values of the environment are read as YAML."""
    file = tmp_path / "heliostat.yaml"
    file.write_text("edge: {port: 1, host: a}")
    environment = {"HELIOSTAT__EDGE__PORT": "2", "HELIOSTAT__SANDBOX": "true", "OTHER": "x"}
    assert read_tree(str(file), environment) == {"edge": {"port": 2, "host": "a"}, "sandbox": True}


@pytest.mark.parametrize(
    ("text", "sentence"), [("a: [", "is not YAML"), ("- a", "must hold sections"), (None, "cannot be read")]
)
def test_unusable_files_are_refused_with_a_sentence(text: str | None, sentence: str, tmp_path: Path) -> None:
    """The sentence names the file."""
    file = tmp_path / "heliostat.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(MeshError, match=sentence):
        read_tree(str(file), {})


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"prot": 1}, "edge.prot: unknown key"),
        ({"port": -1}, "edge.port: Input should be greater than or equal to 0"),
        ({"key": "sk-literal"}, "never in the configuration itself"),
    ],
)
def test_every_wrong_key_is_named(tree: dict[str, object], sentence: str) -> None:
    """A typing error is not a default."""
    with pytest.raises(MeshError, match=sentence):
        parse(Example, tree, "edge")


def test_a_secret_prints_as_its_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is printed or dumped can be pasted into an issue."""
    monkeypatch.setenv("SOME_KEY", "sk-1")
    section = parse(Example, {"key": "env:SOME_KEY"}, "x")
    assert section.key.reveal() == "sk-1"
    assert "sk-1" not in repr(section) + str(section.model_dump(mode="json"))
    (tmp_path / "key").write_text("sk-2\n")
    assert Secret(f"file:{tmp_path}/key").reveal() == "sk-2"


def test_a_missing_secret_is_named() -> None:
    """The sentence says which variable to set."""
    assert not Secret("env:NOT_SET_ANYWHERE").present()
    with pytest.raises(MeshError, match="NOT_SET_ANYWHERE"):
        Secret("env:NOT_SET_ANYWHERE").reveal()


class Item(Section):
    """One of many."""

    weight: float = Field(1, ge=0)


class Many(Section):
    """A section with a list."""

    items: tuple[Item, ...] = ()

    @model_validator(mode="after")
    def _few(self) -> Self:
        if len(self.items) > 2:
            raise fault("two are enough; remove this one", "items", 2)
        return self


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("many:\n  items:\n  - {}\n  - weight: -1\n", "f.yaml:4: many.items.1.weight: Input should be greater than"),
        ("many:\n  items:\n  - {}\n  - weight: -1\n", "write 0 or more instead of -1"),
        ("many:\n  # a comment\n  itens: []\n", "f.yaml:3: many.itens: unknown key"),
        ("many:\n  items:\n  - {}\n  - {}\n  - weight: 2\n", "f.yaml:5: many.items.2: two are enough; remove this"),
        ("other: 1\nmany: 7\n", "f.yaml:2: many: Input should be a valid dictionary"),
        ("many:\n  items: [{weight: [1\n    ]}]\n", "f.yaml:2: many.items.0.weight: Input should be a valid number"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(text: str, told: str) -> None:
    """Also where a rule over several keys is broken, and in flow style."""
    with pytest.raises(Refusal) as refusal:
        parse(Many, tree_of(text, "f.yaml", {})["many"], "many")
    assert told in refusal.value.located("f.yaml", text).message


def test_what_the_environment_says_has_no_line() -> None:
    """Its place is enough."""
    tree = tree_of("", "f.yaml", {"HELIOSTAT__MANY__ITENS": "[]"})
    with pytest.raises(Refusal) as refusal:
        parse(Many, tree["many"], "many")
    assert "f.yaml" not in refusal.value.located("f.yaml", "").message


def test_a_value_that_holds_itself_is_refused() -> None:
    """YAML can say so, and nobody waits for its end."""
    text = "many:\n  items: &all\n  - *all\n"
    with pytest.raises(Refusal) as refusal:
        parse(Many, tree_of(text, "f.yaml", {})["many"], "many")
    assert "f.yaml:2: many.items.0" in refusal.value.located("f.yaml", text).message


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("a:\n  b: 1\n", ("a", "b"), 2),
        ("a:\n  b:\n    - x\n    - y: 1\n      z: 2\n", ("a", "b", 1, "z"), 5),
        ("a:\n  b:\n    - x\n", ("a", "b", 7), 2),
        ("a:\n  [1,\n   2]\n", ("a", 1), 3),
        ("a: &x\n  b: 1\nc: *x\n", ("c", "b"), 2),
        ("? [a, b]\n: 1\nc: 2\n", ("c",), 3),
        ("a: {b: {c: 1}}\n", ("a", "b", "c", "d"), 1),
        ("a: 1\n", ("b",), None),
        ("", ("a",), None),
        ("7", ("a",), None),
    ],
)
def test_places_have_lines(text: str, place: tuple[str | int, ...], line: int | None) -> None:
    """The nearest place around where there is none; a value's line is that of its key."""
    assert Lines(text).of(place) == line
