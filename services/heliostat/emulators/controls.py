"""The controls of an emulator server: journals are read and reset, scripts are put and reset."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.script import Script, Step

STEPS = TypeAdapter(list[Step])


def control_routes(journal: Journal, rooms: Sequence[Room]) -> list[Route]:
    """Give the routes below /_emulator, for all providers, and below /<provider>/_emulator, for one."""
    routes = [_journal_route("/_emulator/journal", journal, None), _reset_route(rooms)]
    for room in rooms:
        routes.append(_journal_route(f"/{room.name}/_emulator/journal", journal, room.name))
        routes.append(_script_route(f"/{room.name}/_emulator/script", room.script))
    return routes


def _journal_route(path: str, journal: Journal, provider: str | None) -> Route:
    async def answer(request: Request) -> Response:
        if request.method == "DELETE":
            journal.reset(provider)
            return Response(status_code=204)
        return JSONResponse(journal.as_json(provider))

    return Route(path, answer, methods=["GET", "DELETE"])


def _script_route(path: str, script: Script) -> Route:
    async def answer(request: Request) -> Response:
        if request.method == "DELETE":
            script.load([])
            return Response(status_code=204)
        try:
            steps = STEPS.validate_json(await request.body())
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            return JSONResponse({"faults": faults}, status_code=400)
        script.load(steps)
        return JSONResponse({"steps": len(steps)})

    return Route(path, answer, methods=["PUT", "DELETE"])


def _reset_route(rooms: Sequence[Room]) -> Route:
    async def answer(_: Request) -> Response:
        for room in rooms:
            room.script.load([])
        return Response(status_code=204)

    return Route("/_emulator/script", answer, methods=["DELETE"])
