"""/login and /logout."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from heliostat.console.passwords import Door, TooManyTries
from heliostat.console.views import Views

USER = "operator"
_HOME = "/"


class LoginPages:
    """Lets people in and out. `door` is absent where nobody needs to log in."""

    def __init__(self, views: Views, door: Door | None) -> None:
        self._views = views
        self._door = door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/login", self.show),
            Route("/login", self.enter, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form."""
        if self._door is None:
            return RedirectResponse(_HOME, 303)
        return self._form(request, 200, "")

    async def enter(self, request: Request) -> Response:
        """Checks the password; who has it gets a session of a new name."""
        if self._door is None:
            return RedirectResponse(_HOME, 303)
        form = await request.form()
        try:
            right = await self._door.opens(str(form.get("password", "")))
        except TooManyTries as tries:
            wait_s = int(tries.wait_s) + 1
            answer = self._form(request, 429, f"Too many wrong passwords. Try again in {wait_s} seconds.")
            answer.headers["retry-after"] = str(wait_s)
            return answer
        if not right:
            return self._form(request, 401, "That is not the password.")
        request.scope["begin_session"](USER)
        return RedirectResponse(here_only(str(form.get("next", ""))), 303)

    async def leave(self, request: Request) -> Response:
        """Ends the session."""
        request.scope["begin_session"]("")
        return RedirectResponse("/login" if self._door is not None else _HOME, 303)

    def _form(self, request: Request, status: int, trouble: str) -> Response:
        there = here_only(request.query_params.get("next", ""))
        return self._views.page(request, "login.html", title="Log in", status=status, trouble=trouble, there=there)


def here_only(address: str) -> str:
    """An address of this console; anything that leads elsewhere becomes the first page. Pure."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else _HOME
