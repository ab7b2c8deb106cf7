"""Which function answers which address: paths without parameters by one look-up, the others in order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

from heliostat.edge.problems import Refusal
from heliostat.edge.visit import Answering

Endpoint = Callable[[Request], Awaitable[Answering]]

BASES = ("/v1", "/openai/v1")


def under_bases(path: str, endpoint: Endpoint, *methods: str) -> list[Route]:
    """The same route under every base of the API."""
    return [Route(base + path, endpoint, methods=methods) for base in BASES]


class RouteMap:
    """Finds routes."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: Mapping[tuple[str, str], Route] = {
            (method, route.path): route for route in routes if not route.param_convertors for method in _methods(route)
        }
        self._exact_methods: dict[str, set[str]] = {}
        for method, path in self._exact:
            self._exact_methods.setdefault(path, set()).add(method)
        self._with_parameters = tuple(route for route in routes if route.param_convertors)

    def find(self, scope: Scope) -> Route | None:
        """The route of this request, its parameters put into the scope; None where there is none."""
        route = self._exact.get((scope["method"], scope["path"]))
        if route is not None:
            return route
        for candidate in self._with_parameters:
            match, found = candidate.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return candidate
        return None

    def refusal(self, scope: Scope) -> Refusal:
        """What to say where no route was found: 405 where another method would do, else 404."""
        allowed = set(self._exact_methods.get(scope["path"], ()))
        for candidate in self._with_parameters:
            if candidate.matches(scope)[0] is Match.PARTIAL:
                allowed.update(_methods(candidate))
        if not allowed:
            return Refusal(404, "unknown_url", "Nothing is served at this address; /docs lists what is.")
        names = ", ".join(sorted(allowed))
        return Refusal(405, "method_not_allowed", f"This address takes {names} only.", allow=names)


def _methods(route: Route) -> set[str]:
    return set(route.methods or ())
