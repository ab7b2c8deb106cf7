"""Templates become answers: whole pages and pieces of them, everything escaped, everything told in plain words."""

from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from heliostat.chassis.errors import MeshError
from heliostat.console import wording
from heliostat.console.live import Live
from heliostat.console.static_files import StaticFiles

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
THEME_COOKIE = "heliostat_theme"
_THEMES = ("light", "dark")


class _Compiled(BytecodeCache):
    """What templates were compiled to, by name and content: another console of this process finds it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Gives the code of a template, where it is kept."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps the code of a template."""
        self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Views:
    """Renders templates. `page` is for what the address bar shows, `piece` for what htmx asks for."""

    def __init__(self, live: Live, standing: Callable[[], Any], *, sandbox: bool) -> None:
        self._live = live
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # A template is read once: it changes with an installation, and that starts anew.
            auto_reload=False,
            bytecode_cache=_COMPILED,
        )
        self.static = StaticFiles(STATIC)
        self._environment.globals.update(static=self.static.address, standing=standing, sandbox=sandbox)
        # A sandbox with controls shares what is told of it.
        self.share(sandbox_counters=None, sandbox_providers=None)
        self._environment.filters.update(wording.FILTERS)
        self.nav: list[tuple[str, str]] = []
        """Address and title of what the head of every page leads to, in order."""

    def compile(self) -> None:
        """Compiles all templates, so that nobody waits for it at the first page. Takes a moment; for a thread."""
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def share(self, **values: Any) -> None:
        """Makes values known to every template."""
        self._environment.globals.update(values)

    def page(
        self, request: Request, template: str, *, title: str, status: int = 200, topics: str = "", **values: Any
    ) -> HTMLResponse:
        """A whole page. `topics`: what of it changes by itself, with commas between them; the standing always does."""
        theme = request.cookies.get(THEME_COOKIE, "")
        text = self._environment.get_template(template).render(
            values,
            title=title,
            here=request.url.path,
            nav=self.nav,
            csrf=request.scope["csrf"],
            user=request.scope["session"].user,
            theme=theme if theme in _THEMES else "",
            topics=topics,
            stamp=self._live.stamp(),
        )
        return HTMLResponse(text, status)

    def piece(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A piece of a page, for htmx to put in its place."""
        return HTMLResponse(self.text(template, **values, csrf=request.scope["csrf"]), status)

    def text(self, template: str, **values: Any) -> str:
        """A piece of a page as text, such as what is published to open pages; it knows nobody's session."""
        return self._environment.get_template(template).render(values)

    def trouble(self, request: Request, error: MeshError, status: int) -> HTMLResponse:
        """What went wrong: as a page, or as a sentence where htmx asked."""
        return self.said(request, error.message, status)

    def said(self, request: Request, sentence: str, status: int) -> HTMLResponse:
        """A sentence as the whole answer."""
        if "hx-request" in request.headers:
            return HTMLResponse(str(escape(sentence)), status)
        values: dict[str, Any] = {"sentence": sentence, "comes_back": status == 503 and request.method == "GET"}
        return self.page(request, "trouble.html", title="That did not work", status=status, **values)
