"""Documents that are made from the code say what the code says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import settings, telemetry
from heliostat.chassis.errors import GRPC_CODE, reason_name
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
    [
        (EXAMPLE, reference.example),
        (DOCUMENT, reference.configuration),
        (ROOT / "docs" / "errors.md", reference.errors),
        (ROOT / "docs" / "telemetry.md", reference.telemetry),
    ],
    ids=["example", "configuration", "errors", "telemetry"],
)
def test_made_documents_are_fresh(file: Path, make: Callable[[], str]) -> None:
    """A setting, a reason or a name that changes is told in the same commit."""
    assert file.read_text(encoding="utf-8") == make(), f"{file.relative_to(ROOT)} is old; run `make docs`"


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


def test_every_reason_is_explained() -> None:
    """Each has its row in both tables, a sentence of the contract and something to do."""
    lines = reference.errors().splitlines()
    for number in reasons.ErrorReason.values():
        rows = [line.split(" | ") for line in lines if line.startswith(f"| `{reason_name(number)}` | ")]
        if number == reasons.ERROR_REASON_UNSPECIFIED:
            assert not rows
            continue
        coded, told = rows
        assert GRPC_CODE[number].name in coded[3]
        assert all(cell.strip(" |").endswith(".") for cell in told[1:]), told


# The one file behind each kind of span of docs/telemetry.md.
SPANS = {
    "gateway_edge/heliostat/edge/app.py": "edge",
    "services/heliostat/ledger/run.py": "generate",
    "router/heliostat/router/attempt.py": "attempt",
    "adapters/heliostat/adapters/sdk/servicer.py": "adapter",
    "adapters/heliostat/adapters/sdk/http.py": "call",
    "adapters/heliostat/adapters/sdk/download.py": "call",
}
ATTRIBUTES = {
    name: value for name, value in vars(telemetry).items() if re.fullmatch("[A-Z][A-Z_]+", name) and type(value) is str
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_on_the_spans_that_are_told(name: str) -> None:
    """The page's second column is what the code does, and what no code sets is called reserved."""
    files = [
        path for room in ("services", "gateway_edge", "router", "adapters") for path in (ROOT / room).rglob("*.py")
    ]
    used = {
        SPANS[path.relative_to(ROOT).as_posix()]
        for path in files
        if re.search(rf"\btelemetry\.{name}\b", path.read_text(encoding="utf-8"))
    }
    page = reference.telemetry()
    row = re.search(rf"^\| `{re.escape(ATTRIBUTES[name])}` \| ([a-z, ]+) \|", page, re.MULTILINE)
    assert set(row[1].split(", ") if row else ()) == used
    assert row or f"`{ATTRIBUTES[name]}`" in page.partition("Reserved")[2].partition("\n")[0]


def test_metrics_are_told_as_they_are_served() -> None:
    """Names, kinds and labels of the page are those of a scrape."""
    page = reference.telemetry()
    served = re.findall(r"^# TYPE (heliostat_\w+) (\w+)$", telemetry.render_metrics().decode(), re.MULTILINE)
    told = re.findall(r"^\| `(heliostat_\w+)` \| (\w+) \|", page, re.MULTILINE)
    assert set(told) == {(name, kind) for name, kind in served if not name.endswith("_created")}
    cells = re.findall(r"^\| `heliostat_\w+` \| \w+ \| ([^|]+) \|", page, re.MULTILINE)
    explained = re.findall(r"^\| (`\w+`) \|", page.partition("| label | says |")[2], re.MULTILINE)
    assert {label for cell in cells for label in cell.split(", ")} == set(explained)


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["example", "configuration"]])
def test_an_unknown_document_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The generator names the documents that it knows."""
    assert reference.main(arguments) == 2
    assert "example|configuration" in capsys.readouterr().err
