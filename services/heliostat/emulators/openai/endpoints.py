"""OpenAI's image API (developers.openai.com and spec 2.3.0, read 2026-08-21 to 2026-11-22) below /openai/v1."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.openai.catalogue import ImageModel
from heliostat.emulators.openai.errors import bad_request, check_key, model_not_found
from heliostat.emulators.openai.inputs import read_inputs, unreadable
from heliostat.emulators.openai.order import Order, fits, one_of, read_order
from heliostat.emulators.openai.studio import Sitting
from heliostat.emulators.pictures import PictureRefused, asked

FORM_FIELDS = frozenset({"input_fidelity", "response_format"})
JSON_FIELDS = frozenset({"images", "mask", "input_fidelity"})
USUAL_SIZE = (1024, 1024)
SLOW_S = 25.0


class ImageEndpoints:
    """Generations, edits, variations and the list of models."""

    def __init__(self, room: Room, models: Mapping[str, ImageModel]) -> None:
        """`models` are those that answer."""
        self._room = room
        self._models = models

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/v1/images/generations", self.generations, "POST"),
            room.route("/v1/images/edits", self.edits, "POST"),
            room.route("/v1/images/variations", self.variations, "POST"),
            room.route("/v1/models", self.models, "GET"),
            room.route("/files/{name}", room.file, "GET"),
        ]

    async def generations(self, request: Request) -> Call:
        """Paint from a prompt."""
        body = await self._body(request)

        async def work(entry: Entry) -> Reply:
            self._admit(request, body)
            order = read_order(body.fields, self._models)
            sitting = Sitting(order, order.size or USUAL_SIZE, None, "image_generation", self._room.pictures)
            return await self._carry_out(request, entry, sitting)

        return Call("generations", work, body.text("model"), body.text("prompt"))

    async def edits(self, request: Request) -> Call:
        """Paint from pictures and a prompt, where the mask is transparent if there is one."""
        body = await self._body(request)

        async def work(entry: Entry) -> Reply:
            self._admit(request, body)
            order = read_order(body.fields, self._models, extra=FORM_FIELDS if body.is_form else JSON_FIELDS)
            self._check_edit(order, body)
            inputs = await read_inputs(body)
            own = inputs.sizes[0]
            size = order.size or (own if fits(own, order.model) else USUAL_SIZE)
            sitting = Sitting(order, size, inputs, "image_edit", self._room.pictures)
            return await self._carry_out(request, entry, sitting)

        return Call("edits", work, body.text("model"), body.text("prompt"))

    async def variations(self, request: Request) -> Call:
        """Vary a picture: dall-e-2 only, so retired with it."""
        body = await self._body(request)
        model = body.text("model") or "dall-e-2"

        async def work(entry: Entry) -> Reply:
            self._admit(request, body)
            if model != "dall-e-2":
                raise model_not_found(model)
            order = read_order({"prompt": "variation", **body.fields, "model": model}, self._models)
            inputs = await read_inputs(body)
            size = order.size or USUAL_SIZE
            sitting = Sitting(order, size, inputs, "image_variation", self._room.pictures)
            return await self._carry_out(request, entry, sitting)

        return Call("variations", work, model)

    async def models(self, request: Request) -> Call:
        """List the models."""

        async def work(_: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            listed = [
                {"id": model.id, "object": "model", "created": model.created, "owned_by": "system"}
                for model in self._models.values()
            ]
            return json_reply({"object": "list", "data": listed})

        return Call("models", work)

    async def _body(self, request: Request) -> Body:
        return await read_body(request)

    def _admit(self, request: Request, body: Body) -> None:
        check_key(request.headers.get("authorization"))
        if body.fault:
            raise bad_request(f"We could not parse the body of your request: {body.fault}.", None, "invalid_value")

    def _check_edit(self, order: Order, body: Body) -> None:
        fields: dict[str, Any] = body.fields
        if not order.model.edits:
            message = f"Invalid value: '{order.model.id}'. The model does not edit images."
            raise bad_request(message, "model", "invalid_value")
        if body.is_form and "moderation" in fields:
            raise bad_request("Unknown parameter: 'moderation'.", "moderation", "unknown_parameter")
        if order.model.is_gpt and "response_format" in fields:
            raise bad_request("Unknown parameter: 'response_format'.", "response_format", "unknown_parameter")
        if "input_fidelity" in fields and not order.model.takes_fidelity:
            message = f"The model '{order.model.id}' does not support the 'input_fidelity' parameter."
            raise bad_request(message, "input_fidelity", "unknown_parameter")
        one_of(fields, "input_fidelity", ("low", "high"))

    async def _carry_out(self, request: Request, entry: Entry, sitting: Sitting) -> Reply:
        order, inputs = sitting.order, sitting.inputs
        await self._sandbox(order.model.id)
        if inputs is not None and inputs.mask is not None:
            sitting.mask = await self._white_mask(inputs.mask)
        if order.stream:
            return Reply(media_type="text/event-stream", chunks=sitting.streamed(entry))
        return await sitting.whole(entry, self._room.shelf, self._room.address(request))

    async def _white_mask(self, mask: bytes) -> bytes:
        try:
            return await asked(self._room.pictures.painter.alpha_to_mask(mask))
        except PictureRefused as error:
            raise unreadable("mask") from error

    async def _sandbox(self, model: str) -> None:
        if model == "sandbox-rate-limited":
            raise Refusal(self._room.dialect.error(429))
        if model == "sandbox-down":
            raise Refusal(self._room.dialect.error(503))
        if model == "sandbox-slow":
            await asyncio.sleep(SLOW_S)
