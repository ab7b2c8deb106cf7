"""heliostat prices: what is in force, and how an operator's own list is taken in."""

from pathlib import Path

import pytest

from heliostat.launch.__main__ import main

OWN = """\
provider: bfl
version: contract
source: our contract
as_of: 2026-11-01
models:
  flux-2-pro:
    lines:
      - {per: image, price: "0.02"}
"""


def lines(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> list[list[str]]:
    """The words of each line that `prices list` prints, without the head."""
    assert main(["--state-dir", str(folder), "prices", "list", *more]) == 0
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:]]


def test_prices_are_listed_with_unit_condition_day_and_version(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line per price, of one provider or of all."""
    listed = lines(capsys, tmp_path, "bfl")
    assert ["bfl", "flux-2-pro", "megapixel", "0.03", "USD", "first", "2026-11-22", "2026-11-22"] in listed
    assert {line[0] for line in listed} == {"bfl"}
    assert {"bfl", "fal", "openai", "xai"} <= {line[0] for line in lines(capsys, tmp_path)}


def test_an_imported_list_stands_before_the_shipped_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Models that it does not name keep their shipped prices."""
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    assert main(["--state-dir", str(tmp_path), "prices", "import", str(file)]) == 0
    assert "1 models of bfl (contract)" in capsys.readouterr().out
    listed = lines(capsys, tmp_path, "bfl")
    assert [line for line in listed if line[1] == "flux-2-pro"] == [
        ["bfl", "flux-2-pro", "image", "0.02", "USD", "2026-11-01", "contract"]
    ]
    assert any(line[1] == "flux-2-max" for line in listed)


def test_a_faulty_list_is_refused_and_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The line of what is wrong is told."""
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace('"0.02"', "cheap"))
    assert main(["--state-dir", str(tmp_path), "prices", "import", str(file)]) == 2
    assert f"{file}:8: models.flux-2-pro.lines.0.price" in capsys.readouterr().err
    assert not (tmp_path / "prices").exists()


def test_an_unknown_provider_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And no trace of a stack."""
    assert main(["--state-dir", str(tmp_path), "prices", "list", "acme"]) == 2
    assert "No prices of acme are shipped." in capsys.readouterr().err
