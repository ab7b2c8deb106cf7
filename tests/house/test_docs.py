"""Documents that are made from the code say what the code says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.chassis import settings
from heliostat.chassis.settings import Section
from heliostat.launch import reference
from heliostat.launch.config import Process, configure

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "heliostat.example.yaml"
DOCUMENT = ROOT / "docs" / "configuration.md"


def every_key(model: type[Section], place: str) -> Iterator[tuple[str, reference.Key]]:
    """All keys of a section and below it, by their place."""
    for key in reference.keys(model):
        yield f"{place}{key.name}", key
        below = key.below or key.item
        if below is not None:
            yield from every_key(below, f"{place}{key.name}.")


KEYS = [
    *every_key(Process, ""),
    *(found for place, model in reference.sections() for found in every_key(model, ".".join(place) + ".")),
]

UNITS = {"_s": "second", "_bytes": "byte", "_usd": "dollar"}
MEASURES = [(place, key, unit) for place, key in KEYS for ending, unit in UNITS.items() if key.name.endswith(ending)]


@pytest.mark.parametrize(
    ("file", "make"),
    [(EXAMPLE, reference.example), (DOCUMENT, reference.configuration)],
    ids=["example", "configuration"],
)
def test_made_documents_are_fresh(file: Path, make: Callable[[], str]) -> None:
    """A setting that changes is told in the same commit."""
    told = f"run `python -m heliostat.launch.reference {make.__name__} > {file.relative_to(ROOT)}`"
    assert file.read_text(encoding="utf-8") == make(), told


@pytest.mark.parametrize(("place", "key"), KEYS, ids=[place for place, _ in KEYS])
def test_every_key_says_what_it_does(place: str, key: reference.Key) -> None:
    """No key goes without a sentence, and none without a place in both documents."""
    assert key.meaning, place
    document = DOCUMENT.read_text(encoding="utf-8").replace("[]", "")
    assert f"`{place}`" in document or key.below is not None
    assert re.search(rf"^[# -]*{key.name}:", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE), place


@pytest.mark.parametrize(("place", "key", "unit"), MEASURES, ids=[place for place, _, _ in MEASURES])
def test_every_measure_has_a_unit(place: str, key: reference.Key, unit: str) -> None:
    """A duration, a size or a sum says in what it is counted, in words and not in its name alone."""
    assert unit in key.meaning.lower(), f"{place} does not say its unit: {key.meaning}"


def test_the_example_is_the_defaults() -> None:
    """What the example says is what is used where nothing is said."""
    told = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    untold: dict[str, Any] = {"adapters": {name: {} for name in told["adapters"]}}
    assert told["adapters"]
    configured, usual = configure(told, "all"), configure(untold, "all")
    assert configured.process == usual.process
    assert [part.settings for part in configured.parts] == [part.settings for part in usual.parts]


def test_the_route_in_the_example_is_a_route() -> None:
    """The commented route can be used as it stands."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    start = lines.index("  routes: []") + 1
    block = []
    for line in lines[start:]:
        if not line.startswith("  # ") or line.startswith("  # True: a model without a route"):
            break
        block.append(line.removeprefix("  # "))
    tree = yaml.safe_load("\n".join(block))
    (route,) = tree["routes"]
    model = dict(reference.sections())[("router",)]
    (parsed,) = settings.parse(model, tree, "router").routes
    assert parsed.model == route["model"]
    assert parsed.targets[0].target == route["targets"][0]["target"]


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["example", "configuration"]])
def test_an_unknown_document_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The generator names the documents that it knows."""
    assert reference.main(arguments) == 2
    assert "example|configuration" in capsys.readouterr().err
