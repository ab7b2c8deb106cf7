"""What pages load: ours alone, small, fresh, and shipped."""

import hashlib
import re
from pathlib import Path

import pytest

from heliostat.console.live import Live
from heliostat.console.views import FOLDER, STATIC, Views
from tests.console.conftest import Bench

# Names of XML's vocabularies look like addresses, and nobody asks for them.
_VOCABULARY = re.compile(r"https?://www\.w3\.org/(2000/svg|1999/xlink|1999/xhtml)")
_FOREIGN = re.compile(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)
_MOST_BYTES = 250_000
LOADED = sorted(path for path in STATIC.iterdir() if path.suffix in {".css", ".js", ".svg"})
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", [*LOADED, *TEMPLATES], ids=lambda path: path.name)
def test_nothing_names_another_host(path: Path) -> None:
    """No file of a page asks for anything beyond the console: it works where there is no network."""
    text = _VOCABULARY.sub("", path.read_text(encoding="utf-8"))
    # In scripts two slashes also begin a comment.
    found = [each for each in _FOREIGN.findall(text) if each.startswith("http") or path.suffix != ".js"]
    assert not found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_templates_escape_everything(path: Path) -> None:
    """Nobody says that something is safe; nothing stands in a page that its policy forbids."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?! src=)|javascript:", text)


@pytest.mark.parametrize("path", ["/street", "/requests"])
async def test_a_page_weighs_little(bench: Bench, path: str) -> None:
    """With all that it loads, before pictures and uncompressed."""
    page = await bench.page(path)
    weight = len(page.encode())
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        answer = await bench.client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        weight += len(answer.content)
    assert weight <= _MOST_BYTES


def test_every_template_compiles() -> None:
    """As a console does when it starts: a mistake in a page is not found by its first reader."""
    Views(Live(), dict, sandbox=True).compile()


async def test_files_come_packed_and_are_kept_by_what_they_hold(bench: Bench) -> None:
    """An address of another version is not kept for ever; what is no file of ours is not there."""
    for unpacks, coding in (("gzip", "gzip"), ("identity", None)):
        answer = await bench.client.get("/static/console.css", headers={"accept-encoding": unpacks})
        assert answer.content == (STATIC / "console.css").read_bytes()
        assert answer.headers.get("content-encoding") == coding
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cache-control"] == "no-cache"
    assert (await bench.client.get("/static/console.css?v=0")).headers["cache-control"] == "no-cache"
    for name in ("none.css", "..%2Fviews.py", "%2e%2e/views.py"):
        assert (await bench.client.get(f"/static/{name}")).status_code == 404


def test_all_files_together_weigh_little() -> None:
    """Whichever of them a page loads."""
    assert sum(path.stat().st_size for path in LOADED) <= _MOST_BYTES


def test_the_built_files_are_of_these_sources() -> None:
    """Sources that were changed and not built are noticed."""
    folder, hashed = FOLDER / "assets_source", hashlib.sha256()
    names = {
        path.relative_to(folder).as_posix(): path for path in (*folder.glob("*.*"), *folder.glob("playground/*.*"))
    }
    for name, path in sorted(names.items()):
        if path.suffix in {".js", ".css", ".svg"} and name != "console.built.css":
            hashed.update(name.encode() + path.read_bytes())
    assert (STATIC / "BUILT_FROM.txt").read_text().strip() == hashed.hexdigest(), "make console-assets"


def test_the_lock_names_no_registry() -> None:
    """What the files are built from is pinned by its hash, wherever it is fetched."""
    folder = FOLDER / "assets_source"
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in lock
    assert '"resolved"' not in lock
    assert (folder / ".npmrc").read_text().strip() == "omit-lockfile-registry-resolved=true"


def test_licences_are_shipped() -> None:
    """Of everything that stands in the built files."""
    told = (STATIC / "LICENSES.txt").read_text(encoding="utf-8")
    for name in ("htmx.org", "uplot", "tailwindcss", "daisyui"):
        assert name in told
