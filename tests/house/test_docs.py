"""Documents that are made from the code say what the code says."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.adapters.sdk import Answer, read_refusal
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import settings, telemetry
from heliostat.chassis.errors import GRPC_CODE, reason_name
from heliostat.chassis.money import to_micros
from heliostat.chassis.settings import Section
from heliostat.conformance.suite import RULES
from heliostat.launch import cli_page, models_page, reference
from heliostat.launch.config import Process, configure
from heliostat.launch.targets import package_of
from heliostat.painting.blank import blank_png
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import pixels, served
from tests.conformance import page, record
from tests.conformance.conftest import installed

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


@cache
def keys() -> list[tuple[str, reference.Key]]:
    """All keys of a configuration, by their place."""
    parts = [(".".join(place) + ".", model) for place, model in reference.sections()]
    return [found for place, model in [("", Process), *parts] for found in every_key(model, place)]


UNITS = {"_s": "second", "_bytes": "byte", "_usd": "dollar"}


@pytest.mark.parametrize(
    ("file", "make"),
    [
        (EXAMPLE, reference.example),
        (DOCUMENT, reference.configuration),
        (ROOT / "docs" / "errors.md", reference.errors),
        (ROOT / "docs" / "telemetry.md", reference.telemetry),
        (ROOT / "docs" / "rest_api.md", reference.rest_api),
        (ROOT / "docs" / "money.md", reference.money),
        (ROOT / "docs" / "models.md", models_page.page),
        (ROOT / "docs" / "cli.md", cli_page.page),
    ],
    ids=["example", "configuration", "errors", "telemetry", "rest_api", "money", "models", "cli"],
)
def test_made_documents_are_fresh(file: Path, make: Callable[[], str]) -> None:
    """A setting, a reason or a name that changes is told in the same commit."""
    assert file.read_text(encoding="utf-8") == make(), f"{file.relative_to(ROOT)} is old; run `make docs`"


def test_every_key_says_what_it_does() -> None:
    """No key goes without a sentence, and none without a place in both documents."""
    document = DOCUMENT.read_text(encoding="utf-8").replace("[]", "")
    shown = set(re.findall(r"^[# -]*(\w+):", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert keys()
    assert [place for place, key in keys() if not key.meaning] == []
    assert [place for place, key in keys() if f"`{place}`" not in document and key.below is None] == []
    assert [place for place, key in keys() if key.name not in shown] == []


@pytest.mark.parametrize(("ending", "unit"), UNITS.items())
def test_every_measure_has_a_unit(ending: str, unit: str) -> None:
    """A duration, a size or a sum says in what it is counted, in words and not in its name alone."""
    told = {place: key.meaning.lower() for place, key in keys() if key.name.endswith(ending)}
    assert told
    assert {place: meaning for place, meaning in told.items() if unit not in meaning} == {}


def test_the_example_is_the_defaults() -> None:
    """What the example says is what is used where nothing is said."""
    told = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    untold: dict[str, Any] = {"adapters": {name: {} for name in told["adapters"]}, "console": {}}
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
    "services/heliostat/ledger/decisions.py": "generate",
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
        SPANS.get(path.relative_to(ROOT).as_posix(), path.name)
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
    cells = re.findall(r"^\| `heliostat_\w+` \| \w+ \| ([^|]*) \|", page, re.MULTILINE)
    explained = re.findall(r"^\| (`\w+`) \|", page.partition("| label | says |")[2], re.MULTILINE)
    assert {label for cell in cells for label in cell.split(", ") if label} == set(explained)


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["example", "configuration"]])
def test_an_unknown_document_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The generator names the documents that it knows."""
    assert reference.main(arguments) == 2
    assert "example|configuration" in capsys.readouterr().err


RECIPE = (ROOT / "docs" / "adding_an_adapter.md").read_text(encoding="utf-8")
QUALITY = (ROOT / "docs" / "adapter_quality.md").read_text(encoding="utf-8")


@pytest.fixture
def example_folder(tmp_path: Path) -> Path:
    """The recipe's adapter as somebody would write it: two files in an empty folder."""
    init, adapter = re.findall(r"^```python\n(.+?)^```$", RECIPE, re.MULTILINE | re.DOTALL)
    package = tmp_path / "heliostat" / "adapters" / "moonlight"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(init, encoding="utf-8")
    (package / "adapter.py").write_text(adapter, encoding="utf-8")
    return tmp_path


@dataclass
class Moonlight:
    """The provider of the recipe: a job is ready at the second look."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)
    cancelled: list[str] = field(default_factory=list)

    async def answer(self, exchange: Exchange) -> None:
        """Plays the provider's API for one request."""
        path, host = exchange.path, exchange.headers["host"]
        if path.endswith(".png"):
            job = self.jobs[path.split("/")[2]]
            return await exchange.answer(200, blank_png(job["width"], job["height"]), content_type="image/png")
        if exchange.headers["authorization"] != "Bearer moon-key":
            return await exchange.answer(401)
        status, said = self._submit(exchange.body) if exchange.method == "POST" else self._look(path, host)
        if exchange.method == "DELETE":
            self.cancelled.append(path)
        await exchange.answer(status, json.dumps(said).encode(), content_type="application/json")

    def _submit(self, body: bytes) -> tuple[int, dict[str, Any]]:
        order = json.loads(body)
        if order["prompt"] == "something forbidden":
            return 422, {"error": {"code": "moderated", "message": "Not this."}}
        name = f"job{len(self.jobs)}"
        self.jobs[name] = order
        return 202, {"id": name}

    def _look(self, path: str, host: str) -> tuple[int, dict[str, Any]]:
        name = path.rpartition("/")[2]
        if name not in self.jobs:
            return 404, {"error": {"message": "no such job"}}
        self.looks[name] += 1
        if self.jobs[name]["prompt"] == "something hard":
            return 200, {"status": "failed"}
        if self.looks[name] < 2:
            return 200, {"status": "running", "percent": 50}
        count = self.jobs[name]["count"]
        return 200, {"status": "done", "pictures": [f"http://{host}/pictures/{name}/{n}.png" for n in range(count)]}


async def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """A program's exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=ROOT, env={**os.environ, **environment}, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_recipes_adapter_passes_the_conformance_suite(example_folder: Path) -> None:
    """From its own folder, in a process of its own, at an address: nothing of the house is edited."""
    address = f"unix:{example_folder}/a.sock"
    environment = {"PYTHONPATH": str(example_folder), "MOONLIGHT_API_KEY": "moon-key", "HELIOSTAT_READY_LINE": "1"}
    async with raw_server(Moonlight().answer) as provider:
        section = {"base_url": provider.base, "listen": [address]}
        tree = {"state_dir": str(example_folder / "state"), "adapters": {"moonlight": section}}
        config = example_folder / "moonlight.yaml"
        config.write_text(yaml.safe_dump(tree), encoding="utf-8")
        serve = (sys.executable, "-m", "heliostat.launch", "serve", f"--config={config}", "--target=adapter-moonlight")
        adapter = await asyncio.create_subprocess_exec(
            *serve, cwd=ROOT, env={**os.environ, **environment}, stdout=PIPE, stderr=DEVNULL
        )
        try:
            assert adapter.stdout is not None
            assert await adapter.stdout.readline() == b"ready\n"
            suite = ("-m", "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider")
            code, said = await run(sys.executable, *suite, f"--adapter-address={address}")
        finally:
            adapter.terminate()
            await adapter.communicate()
    assert code == 0, said
    assert {line.partition(": ")[2] for line in said.splitlines() if line.startswith("SKIPPED")} == {
        "no emulated provider"
    }


async def test_the_recipes_adapter_does_what_its_page_says(
    example_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices by megapixel, moderation by its own word, jobs that failed, are gone on with and are taken back."""
    import heliostat.adapters

    folders = [*heliostat.adapters.__path__, str(example_folder / "heliostat" / "adapters")]
    monkeypatch.setattr(heliostat.adapters, "__path__", folders)
    monkeypatch.setenv("MOONLIGHT_API_KEY", "moon-key")
    moonlight = Moonlight()
    module = import_module("heliostat.adapters.moonlight").MODULE
    async with (
        raw_server(moonlight.answer) as provider,
        served(module, example_folder, {"base_url": provider.base}) as it,
    ):
        answer = await it.ask("moon-1", size=pixels(1024, 1024), image_count=2, seed=7)
        assert (len(answer.pictures), to_micros(answer.result.cost.amount)) == (2, 40_000)
        assert moonlight.jobs["job0"]["seed"] == 7
        resumed = await it.ask("moon-1", resume="job0", image_count=2)
        assert (len(resumed.pictures), len(moonlight.jobs)) == (2, 1)
        refused = (await it.ask("moon-1", prompt="something forbidden")).failure
        assert refused.reason == reasons.ERROR_REASON_CONTENT_BLOCKED
        failed = (await it.ask("moon-1", prompt="something hard")).failure
        assert failed.failure is not None
        assert (failed.reason, failed.failure.billed) == (
            reasons.ERROR_REASON_PROVIDER_UNAVAILABLE,
            event_pb2.BILLED_NO,
        )
        taken, unknown = await it.cancel("moon-1", "job0"), await it.cancel("moon-1", "job99")
    assert (taken.found, taken.free, unknown.found) == (True, True, False)
    assert moonlight.cancelled == ["/jobs/job0", "/jobs/job99"]


STATUSES = [
    (int(status), reason)
    for cell, reason in re.findall(r"^\| (\d.+?) \| `(\w+)`", RECIPE, re.MULTILINE)
    for status in re.findall(r"\d{3}", cell)
]


@pytest.mark.parametrize(("status", "reason"), STATUSES)
def test_statuses_mean_what_the_recipe_says(status: int, reason: str) -> None:
    """The recipe's table is the kit's."""
    assert reason_name(read_refusal(Answer(status, {}, b"{}")).reason) == reason


def test_the_conformance_table_is_made_of_the_recorded_run() -> None:
    """Every adapter by every rule; the runs themselves are held against it in tests/conformance."""
    cells = record.read()
    runs = {name for rule in RULES for name, _ in rule.runs()}
    assert sorted(cells) == installed()
    assert {adapter: set(told) ^ runs for adapter, told in cells.items() if set(told) != runs} == {}
    assert (ROOT / "docs/conformance.md").read_text(encoding="utf-8") == page.render(cells)


@pytest.mark.parametrize("name", installed())
def test_adapters_have_the_level_that_the_suite_can_show(name: str) -> None:
    """The recorded run shows it, and its README says it."""
    folder = ROOT / "adapters" / "heliostat" / "adapters" / package_of()[name]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^Quality: (bronze|silver|gold)\b", readme, re.MULTILINE)
    assert told == [page.level(record.read(), name)]
