"""Bedrock's runtime below /bedrock: InvokeModel of its image models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bedrock.amazon import draw_task, read_task
from heliostat.emulators.bedrock.catalogue import AMAZON, PROFILE, STABLE
from heliostat.emulators.bedrock.dialect import invalid, refused
from heliostat.emulators.bedrock.signatures import check_caller
from heliostat.emulators.bedrock.stable import draw_order, read_order
from heliostat.emulators.exchange import Call, Reply, Room
from heliostat.emulators.journal import Entry

MOST_BODY_BYTES = 25_000_000
EXTENDED = ("extended", "AKIAEXT")
"""Keys of accounts that may use Amazon's models beyond their end begin so."""


class BedrockEndpoints:
    """One operation, many models."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        return [self._room.route("/model/{model}/invoke", self.invoke, "POST")]

    async def invoke(self, request: Request) -> Call:
        """Make pictures of a body."""
        body = await request.body()
        name = request.path_params["model"]
        fields = _read(body)

        async def work(entry: Entry) -> Reply:
            caller = check_caller(request, body)
            if len(body) > MOST_BODY_BYTES:
                raise refused(400, message="The request payload is larger than 25000000 bytes.")
            if fields is None:
                raise invalid("the body is no JSON object")
            return await self._carry_out(name, fields, caller, entry)

        return Call("submit", work, name.removeprefix(PROFILE), _prompt(fields or {}))

    async def _carry_out(self, name: str, fields: Mapping[str, Any], caller: str, entry: Entry) -> Reply:
        model = STABLE.get(name.removeprefix(PROFILE))
        if model is not None and (model.profile or name in STABLE):
            if model.profile and name in STABLE:
                message = (
                    f"Invocation of model ID {name} with on-demand throughput isn't supported. Retry your request with "
                    "the ID or ARN of an inference profile that contains this model."
                )
                raise refused(400, message=message)
            return await draw_order(self._room, read_order(model, fields), entry)
        if name not in AMAZON:
            raise refused(400, message="The provided model identifier is invalid.")
        if not caller.startswith(EXTENDED):
            message = "This model version has reached the end of its life. Please refer to the AWS documentation."
            raise refused(404, message=message)
        return await draw_task(self._room, read_task(AMAZON[name], fields), entry)


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _prompt(fields: Mapping[str, Any]) -> str:
    params = next((value for name, value in fields.items() if name.endswith("Params")), fields)
    found = (params.get("prompt") or params.get("text")) if isinstance(params, Mapping) else ""
    return found if isinstance(found, str) else ""
