"""Ark's image API (ark.ap-southeast.bytepluses.com) below /seedream/api/v3, its pictures below /seedream/files."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.seedream.dialect import check_key, refused
from heliostat.emulators.seedream.inputs import read_order
from heliostat.emulators.seedream.studio import UNSAFE, Sitting


class SeedreamEndpoints:
    """The provider's routes."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/api/v3/images/generations", self.generations, "POST"),
            room.route("/files/{name}", room.file, "GET"),
        ]

    async def generations(self, request: Request) -> Call:
        """Draw from words, or from pictures and words."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            return await self._answered(request, body, entry)

        return Call("generations", work, body.text("model"), body.text("prompt"))

    async def _answered(self, request: Request, body: Body, entry: Entry) -> Reply:
        order = await read_order(body)
        if "nsfw" in order.prompt.lower():
            message = "The request failed because the input text may contain sensitive information."
            raise refused("InputTextSensitiveContentDetected", message, "prompt")
        sitting = Sitting(self._room, self._room.address(request), order)
        if order.streams:
            return Reply(media_type="text/event-stream", chunks=sitting.streamed(entry))
        data = [item async for item in sitting.items()]
        if not sitting.images and len(data) == 1:
            raise Refusal(refused(UNSAFE["code"], UNSAFE["message"]).reply)
        sitting.bill(entry)
        answer = {"model": order.model.name, "created": int(time.time()), "data": data, "usage": sitting.usage()}
        return json_reply(answer)
