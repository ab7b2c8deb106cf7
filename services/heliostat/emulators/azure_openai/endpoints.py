"""A resource of Azure OpenAI below /azure_openai: the v1 API, the older one by deployments, and Entra ID's token host.

Source: Microsoft's REST reference of Azure OpenAI in Foundry, read 2026-11-22.
"""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.azure_openai.catalogue import NO_WEBP, OLDEST_VERSION, PREFIX, catalogue
from heliostat.emulators.azure_openai.dialect import (
    PROMPT_FILTERS,
    RESULT_FILTERS,
    TENANT,
    check_key,
    check_words,
    granted,
    no_deployment,
    refused,
)
from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Reply, Room
from heliostat.emulators.journal import Entry
from heliostat.emulators.openai.endpoints import ImageEndpoints
from heliostat.emulators.openai.studio import Sitting

DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


class AzureEndpoints(ImageEndpoints):
    """Generations and edits, as OpenAI's, under the names of deployments."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, catalogue())

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room, older = self._room, "/openai/deployments/{deployment}/images/"
        return [
            room.route("/openai/v1/images/generations", self.generations, "POST"),
            room.route("/openai/v1/images/edits", self.edits, "POST"),
            room.route(older + "generations", self.generations, "POST"),
            room.route(older + "edits", self.edits, "POST"),
            room.route("/{tenant}/oauth2/v2.0/token", self.token, "POST"),
        ]

    async def token(self, request: Request) -> Call:
        """Make a token of an application's secret."""
        async with request.form() as form:
            words = {name: str(value) for name, value in form.items()}

        async def work(_: Entry) -> Reply:
            if request.path_params["tenant"] != TENANT:
                raise refused(400, "invalid_request", "AADSTS90002: Tenant not found.")
            return granted(words)

        return Call("token", work)

    async def _body(self, request: Request) -> Body:
        """Read a body; the model is the one that the deployment is of."""
        body = await read_body(request)
        deployment = request.path_params.get("deployment") or body.text("model")
        if deployment:
            body.fields["model"] = deployment.removeprefix(PREFIX)
        return body

    def _admit(self, request: Request, body: Body) -> None:
        check_key(request.headers)
        self._check_version(request)
        if body.fault:
            raise refused(400, "BadRequest", f"The body cannot be read: {body.fault}.")
        model = body.text("model")
        if model and model not in self._models:
            raise no_deployment()
        if model in NO_WEBP and body.text("output_format") == "webp":
            message = "Invalid value: 'webp'. Supported values are: 'png' and 'jpeg'."
            raise refused(400, "invalid_value", message, type="invalid_request_error", param="output_format")
        check_words(body.text("prompt"))

    def _check_version(self, request: Request) -> None:
        version = request.query_params.get("api-version")
        if "deployment" in request.path_params:
            if not version or not DATED.fullmatch(version) or version < OLDEST_VERSION:
                raise refused(404)
        elif version not in (None, "v1", "preview"):
            raise refused(400, "BadRequest", "API version not supported")

    async def _carry_out(self, request: Request, entry: Entry, sitting: Sitting) -> Reply:
        """Answer as OpenAI does, with what the content filters say of each picture."""
        reply = await super()._carry_out(request, entry, sitting)
        if reply.chunks is not None:
            return reply
        content = orjson.loads(reply.body)
        for item in content["data"]:
            item |= {"content_filter_results": RESULT_FILTERS, "prompt_filter_results": PROMPT_FILTERS}
        return replace(reply, body=orjson.dumps(content))
