"""The shape of the tree: names, sizes, and what must never be written down."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "gateway_edge", "router", "adapters", "protos/gen")
TOP = {
    *("pyproject.toml", "README.md", "protos", "services", "gateway_edge", "router", "adapters", "tests", "k8s"),
    *("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "changelog.d", "LICENSE", "Makefile", "Dockerfile"),
    *("compose.yaml", "heliostat.example.yaml", "buf.yaml", "docs", "benchmarks", "requirements", ".ci", ".github"),
    *(".gitignore", ".gitattributes", ".dockerignore", ".pre-commit-config.yaml"),
}


def tracked() -> list[str]:
    """Files that git knows."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    return [name for name in listed if name and (ROOT / name).is_file()]


def test_top_level_names_are_the_agreed_ones() -> None:
    """The shape was fixed by the owner."""
    assert {name.split("/")[0] for name in tracked()} <= TOP


@pytest.mark.parametrize("source", SOURCES)
def test_heliostat_is_a_namespace(source: str) -> None:
    """Five roots share one namespace, which an __init__.py in any of them would break."""
    assert not (ROOT / source / "heliostat" / "__init__.py").exists()
    assert not (ROOT / source / "heliostat" / "adapters" / "__init__.py").exists()


def test_files_have_a_purpose() -> None:
    """A file called utils has not found its name yet."""
    nameless = re.compile(r"(^|_)(utils?|common|manager|helpers?|misc)(_|\.|$)")
    assert not [name for name in tracked() if name.endswith(".py") and nameless.search(Path(name).name)]


def test_rooms_are_small() -> None:
    """What does not fit is two rooms. Adapters fit in 300 lines."""
    long = {}
    for name in tracked():
        path = ROOT / name
        if name.startswith(("services", "gateway_edge", "router", "adapters")) and name.endswith(".py"):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > (300 if path.name == "adapter.py" else 450):
                long[name] = lines
    assert not long


def test_nothing_names_a_registry_or_a_machine() -> None:
    """Locks carry no addresses, and no file holds a path of somebody's machine."""
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "proxy." + "golang", "deb." + "debian"]
    homes = re.compile(r"(?<![\w.])/(work|root|farm)/")
    for name in tracked():
        path = ROOT / name
        if path.suffix in {".png", ".webp", ".jpg"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        assert not [host for host in hosts if host in text], name
        assert not homes.search(text), name
        assert "../sha" + "red" not in text, name


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_locks_carry_versions_and_hashes(lock: str) -> None:
    """An install is the same everywhere, or it fails."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins if not pin.startswith("#"))
