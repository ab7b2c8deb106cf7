"""The console's ASGI application: its pages behind the guard, and what becomes of their errors."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, internal
from heliostat.chassis.logs import get_logger
from heliostat.console.desk import Desk
from heliostat.console.events import EventPages
from heliostat.console.feed import Feed
from heliostat.console.guard import Guard, hosts_of
from heliostat.console.live import Live
from heliostat.console.login import LoginPages
from heliostat.console.passwords import Door
from heliostat.console.pictures import Pictures
from heliostat.console.playground import PlaygroundPage
from heliostat.console.playground_files import PlaygroundFiles
from heliostat.console.request_list import RequestList
from heliostat.console.request_page import RequestPage
from heliostat.console.sandbox_feed import SandboxFeed
from heliostat.console.sandbox_page import SandboxPage
from heliostat.console.sessions import Sessions
from heliostat.console.standing import Standing
from heliostat.console.street import StreetPage
from heliostat.console.views import Views

log = get_logger("heliostat.console")

# How a failure of a peer reads over HTTP; anything else is a bad gateway.
_STATUS: Mapping[int, int] = {
    reasons.ERROR_REASON_INVALID_FIELD: 400,
    reasons.ERROR_REASON_RESOURCE_NOT_FOUND: 404,
    reasons.ERROR_REASON_RESOURCE_GONE: 410,
    reasons.ERROR_REASON_MESH_UNAVAILABLE: 503,
    reasons.ERROR_REASON_DEADLINE_EXCEEDED: 504,
    reasons.ERROR_REASON_INTERNAL: 500,
}


class Console:
    """Everything behind one port. `app` answers; `feed`, `sandbox` and `live` run beside it."""

    def __init__(self, desk: Desk, password_hash: str) -> None:
        self.live = Live()
        self.standing = Standing(self.live)
        self.feed = Feed(desk, self.live, self.standing)
        self.views = Views(self.live, lambda: self.standing.away, sandbox=desk.sandbox)
        self.sandbox = SandboxFeed(desk, self.live)
        self.pictures = Pictures(desk)
        self.standing.render = lambda: self.views.text("standing.html")
        door = Door(password_hash, desk.clock) if password_hash else None
        self.views.nav = [("/playground", "Playground"), ("/street", "Street"), ("/requests", "Requests")]
        routes = [
            *PlaygroundPage(desk, self.views).routes(),
            *PlaygroundFiles(desk).routes(),
            *StreetPage(desk, self.views, self.feed).routes(),
            *RequestList(desk, self.views, self.feed).routes(),
            *RequestPage(desk, self.views).routes(),
            *SandboxPage(desk, self.views, self.sandbox).routes(),
            *self.pictures.routes(),
            *LoginPages(self.views, door).routes(),
            *EventPages(self.live).routes(),
        ]
        settings = desk.settings
        self.app: ASGIApp = Guard(
            _pages(routes, self.views),
            Sessions(desk.secret, password_hash, settings.session_hours * 3600),
            desk.clock,
            hosts=hosts_of(settings.host, settings.public_url),
            login=door is not None,
            secure=settings.public_url.startswith("https:"),
            max_body_bytes=settings.max_body_bytes,
        )


def _pages(routes: list[Route], views: Views) -> Starlette:
    first = views.nav[0][0]

    async def home(request: Request) -> Response:
        return RedirectResponse(first, 303)

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    every = [Route("/", home), Route("/healthz", healthz), *routes, *views.static.routes()]
    return Starlette(routes=every, exception_handlers=_handlers(views))


def _handlers(views: Views) -> dict[Any, Callable[[Request, Any], Awaitable[Response]]]:
    async def mesh(request: Request, error: MeshError) -> Response:
        return views.trouble(request, error, _STATUS.get(error.reason, 502))

    async def http(request: Request, error: HTTPException) -> Response:
        sentence = "There is no such page." if error.status_code == 404 else f"{error.detail}."
        return views.said(request, sentence, error.status_code)

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.unforeseen("a page failed unforeseen", error, path=request.url.path)
        return views.trouble(request, internal(error), 500)

    return {MeshError: mesh, HTTPException: http, Exception: unforeseen}
