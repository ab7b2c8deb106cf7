"""/street: who is asked and why, live, with the operators' switches."""

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk
from heliostat.console.feed import TOPIC, Feed
from heliostat.console.views import Views

_ROADS = 8
_CHANGES = 20
_STATES = {
    "in": admin_pb2.ADMIN_STATE_ENABLED,
    "draining": admin_pb2.ADMIN_STATE_DRAINING,
    "off": admin_pb2.ADMIN_STATE_DISABLED,
}


class StreetPage:
    """Shows the feed, and hands changes to the router."""

    def __init__(self, desk: Desk, views: Views, feed: Feed) -> None:
        self._desk = desk
        self._views = views
        self._feed = feed
        feed.render_road = self._road
        feed.render_stations = self._stations
        feed.render_events = self._events

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/street", self.street),
            Route("/street/roads", self.roads),
            Route("/street/changes", self.changes),
            Route("/street/target", self.change, methods=["POST"]),
        ]

    async def street(self, request: Request) -> Response:
        """The page."""
        values = {**self._list(request), **self._head(), **await self._told_changes()}
        return self._views.page(request, "street.html", title="Street", topics=TOPIC, **values)

    async def roads(self, request: Request) -> Response:
        """The routes that are searched for."""
        return self._views.piece(request, "street/roads.html", **self._list(request))

    async def changes(self, request: Request) -> Response:
        """The list of changes."""
        return self._views.piece(request, "street/changes.html", **await self._told_changes())

    async def change(self, request: Request) -> Response:
        """One change of one target, as a form says: `do`, `target`, `route` and a value. Raises MeshError."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        name, route, who = form.get("target", ""), form.get("route", ""), request.scope["session"].user or "sandbox"
        if form.get("do") == "reset":
            await self._desk.ask(self._desk.router_admin.ResetTarget, admin_pb2.ResetTargetRequest(name=name), who=who)
        else:
            asked = _update(name, route, form)
            await self._desk.ask(self._desk.router_admin.UpdateTarget, asked, who=who)
        listed = await self._desk.ask(self._desk.router_admin.ListTargets, admin_pb2.ListTargetsRequest(route=route))
        self._feed.state.take(listed.targets)
        road = self._feed.state.road(route)
        if road is None:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such route any more.", field="route")
        return self._views.piece(request, "street/road.html", road=road)

    def _list(self, request: Request) -> dict[str, Any]:
        search = request.query_params.get("q", "")
        found = self._feed.state.routes(search)
        everything = bool(request.query_params.get("all"))
        shown = found if everything else found[:_ROADS]
        return {
            "roads": self._feed.state.roads(shown),
            "found_count": len(found),
            "search": search,
            "everything": everything,
        }

    def _head(self) -> dict[str, Any]:
        state = self._feed.state
        told = {"stations": state.stations(), "traffic": state.traffic, "events": list(state.events)}
        return {**told, "pulse": self._feed.pulse.told()}

    async def _told_changes(self) -> dict[str, Any]:
        try:
            request = admin_pb2.ListTargetChangesRequest(page_size=_CHANGES)
            listed = await self._desk.ask(self._desk.router_admin.ListTargetChanges, request)
        except MeshError as error:
            return {"changes": [], "changes_trouble": error.message}
        return {"changes": list(listed.changes), "changes_trouble": ""}

    def _road(self, name: str) -> str:
        road = self._feed.state.road(name)
        return self._views.text("street/road.html", road=road) if road is not None else ""

    def _stations(self) -> str:
        return self._views.text("street/stations.html", **self._head())

    def _events(self) -> str:
        return self._views.text("street/events.html", events=list(self._feed.state.events))


def _update(name: str, route: str, form: Mapping[str, str]) -> admin_pb2.UpdateTargetRequest:
    """The change that a form asks for. Raises INVALID_FIELD."""
    target = admin_pb2.Target(name=name, route=route)
    match form.get("do"):
        case "weight":
            target.weight = _number(form, "weight")
        case "priority":
            target.priority = int(_number(form, "priority"))
        case "admin_state":
            state = _STATES.get(form.get("admin_state", ""))
            if state is None:
                raise _wrong("admin_state", f"A target is {', '.join(_STATES)}; choose one of them.")
            target.admin_state = state
        case "clear":
            return admin_pb2.UpdateTargetRequest(target=target, clear_override=True)
        case _:
            raise _wrong("do", "There is no such change; load the page again.")
    return admin_pb2.UpdateTargetRequest(target=target, update_mask=FieldMask(paths=[form["do"]]))


def _number(form: Mapping[str, str], name: str) -> float:
    try:
        number = float(form.get(name, ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e6:
        raise _wrong(name, f"The {name} is a number; write one.")
    return number


def _wrong(field: str, sentence: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, sentence, field=field)
