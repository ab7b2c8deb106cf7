"""What the papers name is there: links, paths, `make` targets, variables and keys."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    name
    for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    if name and (ROOT / name).is_file()
]
PAPERS = [name for name in TRACKED if name.endswith(".md") and not name.startswith("changelog.d/")]
TOP = {name.split("/")[0] for name in TRACKED}
PLACES = {*TRACKED, *(str(parent) for name in TRACKED for parent in PurePosixPath(name).parents)}

# What people make for themselves, and what `make bench` writes.
NOT_OURS = {
    *("heliostat.yaml", "moonlight.yaml", "verified.json"),
    *("benchmarks/results/latest.md", "benchmarks/results/latest.json"),
    "/openapi.json",
}
ENDINGS = ("py", "proto", "md", "yaml", "toml", "mjs", "json", "txt", "in")
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text_of(paper: str) -> str:
    """A paper's whole text."""
    return (ROOT / paper).read_text(encoding="utf-8")


def spans(paper: str) -> list[str]:
    """Code within sentences."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text_of(paper)))


def lines(paper: str) -> Iterator[str]:
    """Lines of code blocks, and code within sentences."""
    for block in FENCE.findall(text_of(paper)):
        yield from block.splitlines()
    yield from spans(paper)


def anchors(text: str) -> set[str]:
    """The addresses of a paper's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(path: str) -> bool:
    """Whether a path, or the end of one, is a file or a folder that git knows."""
    path = path.strip("/")
    return any(place == path or place.endswith("/" + path) for place in PLACES)


@pytest.mark.parametrize("paper", PAPERS)
def test_links_lead_somewhere(paper: str) -> None:
    """Every relative link is a file or a folder, and its heading stands there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(paper))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        place = ((ROOT / paper).parent / path).resolve() if path else ROOT / paper
        assert place.exists(), f"{paper} links to {link}"
        assert not anchor or anchor in anchors(place.read_text(encoding="utf-8")), f"{paper} links to {link}"


@pytest.mark.parametrize("paper", PAPERS)
def test_paths_are_there(paper: str) -> None:
    """A file that moved is named by its new name."""
    for span in spans(paper):
        if re.fullmatch(r"[\w./-]+", span) and (
            span.split("/")[0] in TOP or span.endswith(tuple(f".{e}" for e in ENDINGS))
        ):
            assert span in NOT_OURS or is_there(span), f"{paper} names {span}"
    for block in FENCE.findall(text_of(paper)):
        for word in re.findall(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, TOP))})/[\w./-]+", block):
            assert word in NOT_OURS or is_there(word), f"{paper} names {word}"


@pytest.mark.parametrize("paper", PAPERS)
def test_what_is_made_can_be_made(paper: str) -> None:
    """Every `make x` is a target with a line of help."""
    targets = set(re.findall(r"^([a-z]+):.*## ", text_of("Makefile"), re.MULTILINE))
    for line in lines(paper):
        found = re.match(r"(?:\w+=\S+ )*make ((?:[a-z]+ ?)+)(?:#|$| )", line)
        if found:
            assert set(found[1].split()) <= targets, f"{paper}: {line}"


@pytest.mark.parametrize("paper", PAPERS)
def test_variables_are_read(paper: str) -> None:
    """HELIOSTAT_X is read by some code, and HELIOSTAT__A__B is a.b of the configuration."""
    keys = set(re.findall(r"^\| `([\w.]+)` \|", text_of("docs/configuration.md"), re.MULTILINE))
    sources = "".join(text_of(n) for n in TRACKED if n.endswith((".py", ".mjs")) and not n.startswith("tests/"))
    for name in set(re.findall(r"\bHELIOSTAT_\w+", text_of(paper))):
        if name.startswith("HELIOSTAT__"):
            assert name.removeprefix("HELIOSTAT__").lower().replace("__", ".") in keys, f"{paper} names {name}"
        else:
            assert re.search(rf"[\"'.]{name}\b", sources), f"{paper} names {name}"


def test_every_library_has_its_line() -> None:
    """pyproject.toml says that ARCHITECTURE.md tells what each one is for."""
    listed = text_of("pyproject.toml").partition("\ndependencies = [")[2].partition("\n]")[0]
    table = text_of("ARCHITECTURE.md").partition("\n## Libraries\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w-]+)`", table))
    named |= {f"grpcio{name}" for name in named if name.startswith("-")}
    assert set(re.findall(r'^    "([\w-]+)', listed, re.MULTILINE)) <= named
