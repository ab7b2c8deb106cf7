"""Recraft's API (external.api.recraft.ai) below /recraft/v1, its pictures below /recraft/files."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.recraft.catalogue import BY_PATH, MODELS
from heliostat.emulators.recraft.dialect import check_token, wrong
from heliostat.emulators.recraft.inputs import read_order
from heliostat.emulators.recraft.studio import Studio

UNITS_LEFT = 100_000


class RecraftEndpoints:
    """Operations, the account, models, files."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/v1/users/me", self.account, "GET"),
            room.route("/v1/models", self.models, "GET"),
            room.route("/v1/images/{operation}", self.make, "POST"),
            room.route("/v1/images/{operation}/raster", self.make, "POST"),
        ]

    async def make(self, request: Request) -> Call:
        """Make pictures, at once."""
        body = await read_body(request)
        path = request.path_params["operation"]

        async def work(entry: Entry) -> Reply:
            check_token(request.headers.get("authorization"))
            operation = BY_PATH.get(path)
            if operation is None:
                raise Refusal(self._room.dialect.error(404))
            if body.fault:
                raise wrong(f"the body cannot be read: {body.fault}")
            order = await read_order(operation, body)
            return await Studio(self._room, self._room.address(request)).carry_out(order, entry)

        return Call("submit", work, body.text("model") or path, body.text("prompt"))

    async def account(self, request: Request) -> Call:
        """Tell what is left on the account."""

        async def work(_: Entry) -> Reply:
            check_token(request.headers.get("authorization"))
            return json_reply({"id": "u1", "email": "user@example.com", "name": "user", "credits": UNITS_LEFT})

        return Call("account", work)

    async def models(self, request: Request) -> Call:
        """List the models, in OpenAI's shape."""

        async def work(_: Entry) -> Reply:
            check_token(request.headers.get("authorization"))
            created = int(time.time())
            data = [{"id": name, "object": "model", "created": created, "owned_by": "recraft"} for name in MODELS]
            return json_reply({"object": "list", "data": data})

        return Call("models", work)
