"""The configuration: one tree, unknown keys refused, secrets by reference only."""

from pathlib import Path

import pytest
from pydantic import Field

from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import Secret, Section, parse, read_tree


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
