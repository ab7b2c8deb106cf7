"""Hugging Face's router and Hub below /huggingface: hf-inference, and providers in their own dialects behind it."""

from __future__ import annotations

import binascii
from dataclasses import replace
from typing import Any

import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.huggingface.catalogue import BY_ID, DRAW, EDIT, SEGMENT, Served, mapping_of
from heliostat.emulators.huggingface.dialect import check_key, refused, wrong_field
from heliostat.emulators.huggingface.inputs import FORMATS, Order, read_order
from heliostat.emulators.huggingface.queues import Queues
from heliostat.emulators.huggingface.studio import Studio, is_unsafe
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of


class HuggingFaceEndpoints:
    """The Hub's models, hf-inference, and the two providers that answer in OpenAI's shape; jobs are in `queues`."""

    def __init__(self, room: Room, jobs: Jobs) -> None:
        self._room = room
        self._studio = Studio(room)
        self._queues = Queues(room, jobs, self._studio)

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/files/{name}", room.file, "GET"),
            room.route("/api/models/{owner}/{name}", self.model, "GET"),
            room.route("/hf-inference/models/{owner}/{name}", self.infer, "POST"),
            room.route("/{provider:str}/v1/images/generations", self.generate, "POST"),
            *self._queues.routes(),
        ]

    async def model(self, request: Request) -> Call:
        """Tell of a model: what it is for, or who serves it."""
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        served = mapping_of(name)

        async def work(_: Entry) -> Reply:
            if request.headers.get("authorization"):
                check_key(request.headers.get("authorization"))
            if not served:
                raise refused(404, "Repository not found")
            content: dict[str, Any] = {"_id": "621ffdc036468d709f17434d", "id": name, "modelId": name}
            if "inferenceProviderMapping" not in request.query_params.getlist(
                "expand[]"
            ) + request.query_params.getlist("expand"):
                return json_reply(
                    content | {"pipeline_tag": served[0].task, "tags": [served[0].task], "private": False}
                )
            mapping = {one.provider: {"status": "live", "providerId": one.own_id, "task": one.task} for one in served}
            return json_reply(content | {"inferenceProviderMapping": mapping})

        return Call("models", work, name)

    async def infer(self, request: Request) -> Call:
        """hf-inference: the picture's bytes, of the type that `Accept` names, or masks."""
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        model = BY_ID.get(("hf-inference", name))
        raw = await request.body()
        is_json = request.headers.get("content-type", "").startswith("application/json")
        body = await read_body(request) if is_json else Body()
        given = body.fields.get("parameters")
        parameters = dict(given) if isinstance(given, dict) else {}
        inputs = body.fields.get("inputs")
        drawn = model is not None and model.task == DRAW
        prompt = inputs if drawn and isinstance(inputs, str) else str(parameters.get("prompt") or "")

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            if model is None:
                raise refused(404, f"Model {name} does not exist")
            if body.fault:
                raise refused(400, f"Invalid payload: {body.fault}")
            if drawn:
                order = await read_order(model, parameters | {"prompt": inputs})
            else:
                order = await read_order(
                    model, parameters | ({"prompt": prompt} if model.task == EDIT else {}), _sent(inputs, raw, is_json)
                )
            if model.task == SEGMENT:
                found = await self._studio.segments(order, entry)
                return json_reply([_segment(label, mask) for label, mask in found])
            wished = request.headers.get("accept", "").removeprefix("image/")
            if wished in FORMATS:
                order = replace(order, fields={**order.fields, "output_format": wished})
            (image,) = await self._studio.draw(order, entry)
            return Reply(200, image, order.media_type)

        return Call("submit", work, name, prompt)

    async def generate(self, request: Request) -> Call:
        """Together and nscale: OpenAI's shape."""
        provider = request.path_params["provider"]
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            check_key(request.headers.get("authorization"))
            model = BY_ID.get((provider, body.text("model")))
            if provider not in {"together", "nscale"}:
                raise refused(404)
            if model is None:
                raise refused(400, f"Model {body.text('model')} not supported by provider {provider}")
            order = await read_order(model, body.fields)
            if is_unsafe(order):
                raise Refusal(json_reply(_unsafe(), 422))
            images = await self._studio.draw(order, entry)
            return json_reply(self._answer(model, order, images, self._room.address(request)))

        return Call("submit", work, body.text("model"), body.text("prompt"))

    def _answer(self, model: Served, order: Order, images: list[bytes], address: str) -> dict[str, Any]:
        if order.fields.get("response_format") in {"base64", "b64_json"}:
            data = [{"index": at, "b64_json": pybase64.b64encode_as_string(one)} for at, one in enumerate(images)]
        else:
            data = [{"index": at, "url": url} for at, url in enumerate(self._studio.hosted(images, order, address))]
        return {"id": self._room.dialect.new_request_id(), "model": model.own_id, "object": "list", "data": data}


def _unsafe() -> dict[str, Any]:
    message = "The request could not be processed: NSFW content was detected."
    return {"error": {"message": message, "type": "invalid_request_error", "param": "prompt", "code": None}}


def _segment(label: str, mask: bytes) -> dict[str, Any]:
    return {"label": label, "score": 0.98, "mask": pybase64.b64encode_as_string(mask)}


def _sent(inputs: Any, raw: bytes, is_json: bool) -> bytes:
    """The picture of a body: base64 within JSON, or the body itself."""
    data = raw
    if is_json:
        if not isinstance(inputs, str):
            raise wrong_field("hf-inference", "inputs", "Field required")
        try:
            data = pybase64.b64decode(inputs, validate=True)
        except binascii.Error as error:
            raise wrong_field("hf-inference", "inputs", "Invalid base64") from error
    try:
        header_of(data)
    except PictureRefused as error:
        raise wrong_field("hf-inference", "inputs", f"cannot identify image file: {error}") from error
    return data
