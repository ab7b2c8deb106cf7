"""The controls of an emulator server: journals and scripts are read, put and reset; changes are waited for."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.news import News
from heliostat.emulators.script import Script, Step

STEPS = TypeAdapter(list[Step])
LONGEST_WAIT_S = 60


def control_routes(journal: Journal, rooms: Sequence[Room], news: News) -> list[Route]:
    """Give the routes below /_emulator, for all providers, and below /<provider>/_emulator, for one."""
    routes = [
        _journal_route("/_emulator/journal", journal, None),
        _reset_route(rooms),
        _news_route(journal, rooms, news),
    ]
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


def _news_route(journal: Journal, rooms: Sequence[Room], news: News) -> Route:
    async def answer(request: Request) -> Response:
        """Scripts and new bills, as soon as they differ from what the caller knows by `version`, `era` and `bills`."""
        known = request.query_params
        await news.after(_whole(known.get("version")), min(_whole(known.get("wait_s")), LONGEST_WAIT_S))
        same = known.get("era") == journal.era
        return JSONResponse(
            {
                "version": news.version,
                "era": journal.era,
                "bills": journal.bills(_whole(known.get("bills")) if same else 0),
                "scripts": {
                    room.name: [step.model_dump(mode="json", exclude_defaults=True) for step in room.script.left()]
                    for room in rooms
                },
            }
        )

    return Route("/_emulator/news", answer, methods=["GET"])


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0
