"""generateContent of the Gemini API and of Vertex AI, the list of models, and the token host, below /gemini."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.gemini.accounts import granted
from heliostat.emulators.gemini.catalogue import BY_NAME, MODELS
from heliostat.emulators.gemini.dialect import check_key, check_token, error_reply, invalid
from heliostat.emulators.gemini.inputs import canonical, prompt_of, read_order
from heliostat.emulators.gemini.studio import answered
from heliostat.emulators.journal import Entry

VERTEX = "/projects/{project}/locations/{location}/publishers/google/models/{verb}"


class GeminiEndpoints:
    """The provider's routes."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            *(room.route(f"{version}/models", self.models, "GET") for version in ("/v1", "/v1beta")),
            *(room.route(f"{version}/models/{{verb}}", self.generate, "POST") for version in ("/v1", "/v1beta")),
            *(room.route(version + VERTEX, self.generate_at_vertex, "POST") for version in ("/v1", "/v1beta1")),
            room.route("/token", self.token, "POST"),
        ]

    async def generate(self, request: Request) -> Call:
        """Draw at the Gemini API."""
        return await self._generate(request, vertex=False)

    async def generate_at_vertex(self, request: Request) -> Call:
        """Draw at Vertex AI."""
        return await self._generate(request, vertex=True)

    async def models(self, request: Request) -> Call:
        """List the models."""

        async def work(_: Entry) -> Reply:
            check_key(request)
            methods = ["generateContent", "countTokens", "batchGenerateContent"]
            listed = [{"name": f"models/{one.name}", "supportedGenerationMethods": methods} for one in MODELS]
            return json_reply({"models": listed})

        return Call("models", work)

    async def token(self, request: Request) -> Call:
        """Make an access token."""
        form = dict(parse_qsl((await request.body()).decode("latin-1")))

        async def work(_: Entry) -> Reply:
            return granted(form, str(request.url))

        return Call("token", work)

    async def _generate(self, request: Request, *, vertex: bool) -> Call:
        body = await read_body(request)
        body.fields = canonical(body.fields)
        name, _, verb = request.path_params["verb"].partition(":")

        async def work(entry: Entry) -> Reply:
            (check_token if vertex else check_key)(request)
            if body.fault:
                raise invalid(f"Invalid JSON payload received: {body.fault}.")
            model = BY_NAME.get(name)
            if model is None or verb != "generateContent":
                message = f"models/{name} is not found, or is not supported for {verb}."
                raise Refusal(error_reply(404, "NOT_FOUND", message))
            return await answered(self._room, read_order(model, body.fields, vertex=vertex), entry)

        return Call("generations", work, name, prompt_of(body.fields))
