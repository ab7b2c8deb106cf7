"""What every request to the console passes, whichever page it is for: the host's name, the session, the token of a
change, the size of a body; and the headers of every answer. No page can forget any of it.
"""

from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliostat.chassis.clock import Clock
from heliostat.console.sessions import COOKIE, CSRF_FIELD, CSRF_HEADER, Session, Sessions

LOGIN = "/login"
_HEALTH = "/healthz"
_OPEN = (LOGIN, _HEALTH, "/static/")
_SAFE_METHODS = ("GET", "HEAD")
_FORM = "application/x-www-form-urlencoded"
_MOST_FORM_BYTES = 65_536
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# No script and no style but our own files; pictures also from blobs that a page made itself, and from our style's own
# icons. Nothing from any other host.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Guard:
    """Wraps the pages. What they find in the scope: `session`, and `csrf`, the token of its changes."""

    def __init__(
        self,
        pages: ASGIApp,
        sessions: Sessions,
        clock: Clock,
        *,
        hosts: Iterable[str],
        login: bool,
        secure: bool,
        max_body_bytes: int,
    ) -> None:
        """`hosts`: the names under which the console may be asked, without ports; none means any. `login`: only who has
        logged in is let in. `secure`: cookies travel encrypted only.
        """
        self._pages = pages
        self._sessions = sessions
        self._clock = clock
        self._hosts = frozenset(hosts)
        self._login = login
        self._secure = secure
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        headers = Headers(scope=scope)
        kept = self._sessions.read(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""), self._clock.time())
        session = kept or self._sessions.begin("", self._clock.time())
        scope["session"], scope["csrf"] = session, self._sessions.token(session)
        scope["begin_session"] = self._begin(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(scope, MutableHeaders(raw=message["headers"]), kept)
            await send(message)

        try:
            taking = _Body(receive, self._max_body_bytes)
            refusal = await self._refusal(scope, headers, taking)
            await (refusal or self._pages)(scope, taking, guarded)
        except _TooLong as error:
            await _refused(error.status_code, f"{error.detail}.")(scope, receive, guarded)

    async def _refusal(self, scope: Scope, headers: Headers, body: "_Body") -> Response | None:
        host = headers.get("host", "")
        path = scope["path"]
        # Probes ask by the address of a pod or a container, whatever people's name for the console is.
        if self._hosts and _name(host) not in self._hosts and path != _HEALTH:
            return _refused(421, "This console is not known under that name.")
        if self._login and not scope["session"].user and not path.startswith(_OPEN):
            return _to_login(scope, headers)
        if scope["method"] in _SAFE_METHODS:
            return None
        if not _same_origin(headers, host):
            return _refused(403, "A change has to come from a page of this console.")
        token = headers.get(CSRF_HEADER, "") or await _token_of_form(headers, body)
        if not self._sessions.is_token(scope["session"], token):
            return _refused(403, "This page is out of date: load it again, then repeat what you did.")
        return None

    def _begin(self, scope: Scope) -> Callable[[str], None]:
        def begin(user: str) -> None:
            scope["session"] = self._sessions.begin(user, self._clock.time())

        return begin

    def _add_headers(self, scope: Scope, headers: MutableHeaders, kept: Session | None) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        session = scope["session"]
        if session != kept and not scope["path"].startswith("/static/"):
            lasts_s = max(0, session.expires - int(self._clock.time()))
            cookie = f"{COOKIE}={self._sessions.cookie(session)}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict"
            headers.append("set-cookie", cookie + ("; Secure" if self._secure else ""))


def hosts_of(host: str, public_url: str) -> tuple[str, ...]:
    """The names under which a console on `host` may be asked: on loopback its own ones, so that no foreign name that is
    made to point here gets in; elsewhere that of its public address, or any.
    """
    own = (urlsplit(public_url).netloc.rpartition("@")[2],) if public_url else ()
    if is_loopback(host):
        return (*_LOOPBACK_NAMES, *map(_name, own))
    return tuple(map(_name, own))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _name(host: str) -> str:
    """The name in a Host header, without its port, in lower case."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _same_origin(headers: Headers, host: str) -> bool:
    """Whether a change comes from a page of ours, as far as the browser says."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin", "")
    return not origin or urlsplit(origin).netloc.lower() == host.lower()


async def _token_of_form(headers: Headers, body: "_Body") -> str:
    """The token in a form, for pages without script. The form is read, and handed on as it came."""
    length = headers.get("content-length", "")
    if not headers.get("content-type", "").startswith(_FORM) or not length.isdecimal():
        return ""
    if int(length) > _MOST_FORM_BYTES:
        return ""
    fields = parse_qs((await body.whole()).decode("utf-8", "replace"), max_num_fields=200)
    return fields.get(CSRF_FIELD, [""])[0]


def _to_login(scope: Scope, headers: Headers) -> Response:
    if "hx-request" in headers or scope["method"] not in _SAFE_METHODS or scope["path"] == "/events":
        return Response(status_code=401, headers={"hx-redirect": LOGIN})
    query = scope["query_string"].decode("ascii", "replace")
    there = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"{LOGIN}?next={quote(there, safe='')}", 303)


def _refused(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)


class _TooLong(HTTPException):
    """A body is longer than is taken; pages that meet it answer as for any other error of HTTP."""

    def __init__(self) -> None:
        super().__init__(413, "That is too much for one request")


class _Body:
    """The body of a request, counted; it can be read ahead and is handed on all the same."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most
        self._ahead: list[Message] = []

    async def __call__(self) -> Message:
        return self._ahead.pop(0) if self._ahead else await self._next()

    async def whole(self) -> bytes:
        """All of it, without taking it away."""
        while not self._ahead or self._ahead[-1].get("more_body"):
            self._ahead.append(await self._next())
        return b"".join(message.get("body", b"") for message in self._ahead)

    async def _next(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLong
        return message
