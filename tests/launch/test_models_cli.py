"""`heliostat models` and docs/models.md."""

import json
import subprocess
import sys

import pytest

from heliostat.launch.__main__ import main
from heliostat.launch.assortment import price_of
from heliostat.launch.models_page import page


def test_models_are_listed_with_the_cheapest_provider_first(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a model: price, providers in the order in which they are asked, operations."""
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "MODEL"
    (schnell,) = [line for line in lines if line.startswith("flux-schnell ")]
    assert schnell.index("runware") < schnell.index("fal") < schnell.index("text_to_image")
    assert " models, " in lines[-1]


def test_a_provider_and_an_operation_are_chosen_together(capsys: pytest.CaptureFixture[str]) -> None:
    """What is left can be done there, not at another provider of the same model."""
    assert main(["models", "--provider", "fal", "--operation", "upscale", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"clarity-upscaler", "real-esrgan"} <= {model["model"] for model in told}
    for model in told:
        (offer,) = model["providers"]
        assert (offer["provider"], "upscale" in offer["operations"]) == ("fal", True)
        assert model["from_usd"] == offer["usual_usd"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--provider", "fall"), "There is no provider 'fall'; there are"),
        (("--operation", "paint"), "There is no operation 'paint'; there are edit, "),
    ],
)
def test_a_word_that_nothing_has_is_told_with_those_there_are(
    words: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing on standard output."""
    assert main(["models", *words]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""


@pytest.mark.parametrize(("micros", "told"), [(None, "?"), (0, "free"), (1300, "0.0013"), (2_000_000, "2")])
def test_a_price_is_told_as_people_read_it(micros: int | None, told: str) -> None:
    """Unknown is never free."""
    assert price_of(micros) == told


def test_the_page_names_each_provider_of_a_model_once() -> None:
    """With its cheapest way to it: Hugging Face reaches one model through several others."""
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `") and line.count(" | ") == 4]
    assert len(rows) > 100
    for row in rows:
        names = [offer.split(" ")[0] for offer in row[3].split(", ")]
        assert len(set(names)) == len(names), row


def test_a_reader_that_has_enough_is_no_error() -> None:
    """`heliostat models | head -1` ends in silence."""
    command = [sys.executable, "-m", "heliostat.launch", "models", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"[\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 141
