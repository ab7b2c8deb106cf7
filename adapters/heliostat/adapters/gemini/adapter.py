"""Adapter for Google's Gemini models that draw, at the Gemini API or at Vertex AI. One synchronous call per attempt.

Source: ai.google.dev/gemini-api/docs (to 2026-11) and python-genai (2026-08-21), read 2026-11-22. No jobs, no cancel.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from heliostat.adapters.gemini.answers import Drawn, fruitless, read_answer
from heliostat.adapters.gemini.body import MANAGED, gather, make_body
from heliostat.adapters.gemini.catalog import Traits, models_of
from heliostat.adapters.gemini.credentials import Tokens
from heliostat.adapters.gemini.failures import refusal
from heliostat.adapters.gemini.options import GeminiOptions
from heliostat.adapters.gemini.outcomes import OUTCOMES
from heliostat.adapters.gemini.settings import GeminiSettings
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Choice,
    MeshError,
    Model,
    Order,
    Step,
    adapter_module,
    completed,
    image,
)
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings


class GeminiAdapter(Adapter[GeminiSettings, GeminiOptions]):
    """Google's Gemini models."""

    provider = "gemini"
    display_name = "Google Gemini"
    options = GeminiOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: GeminiSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = models_of(vertex=settings.vertex)
        self._tokens = Tokens(settings, surroundings.clock, self.key_name(""), surroundings.lookup)

    async def stop(self) -> None:
        """Closes the connections, those to the token host too."""
        await self._tokens.close()
        await super().stop()

    def headers(self, account: str) -> Mapping[str, str]:
        """The key, or Vertex AI's access token. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        if key is None:
            return {}
        if self.settings.vertex:
            return {"authorization": f"Bearer {self._tokens.current(key.reveal())}"}
        return {"x-goog-api-key": key.reveal()}

    def refusal(self, answer: Answer) -> MeshError | None:
        """Google's error bodies. A token that is no longer good is dropped."""
        if answer.status == 401:
            self._tokens.forget()
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the tier that its price depends on."""
        tier = model.sizes.choose(request.size).tier or "1K"
        return replace(super().order(model, request, size), variant={"resolution": tier})

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        traits: Traits = model.facts
        return traits.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: GeminiOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call of generateContent. Raises what Gemini refuses, under whatever status."""
        pictures = await gather(call)
        body = make_body(call, options, pictures)
        if self.settings.vertex and self.settings.api_key is not None:
            await self._tokens.prepare(self.settings.api_key.reveal(), call)
        drawn = self._read((await self.http.post_json(self.settings.path(model.name), body, call)).body, call)
        if not drawn.places:
            raise fruitless(drawn, call)
        for index in range(min(len(drawn.places), call.image_count)):
            yield image(_decoded(drawn, index, call), index)
        sizes = [(one.shape.width_px, one.shape.height_px) for one in pictures]
        yield completed(usage=drawn.usage, metadata=drawn.metadata, doubt=drawn.doubt, input_sizes=sizes)

    def _read(self, body: bytes, call: Call) -> Drawn:
        """A whole answer. From here on what came out is known to be charged."""
        try:
            drawn = read_answer(body)
        except ValueError as error:
            message = f"Gemini's answer cannot be read: {error}."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        if drawn.spared and not drawn.places:
            return drawn
        order = self.order(call.model, call.request, call.size())
        micros = call.model.price.cost(order, drawn.usage)
        if micros is None and drawn.places:
            micros = call.model.price.estimate(order)
        call.charged_micros = micros
        return drawn


def _decoded(drawn: Drawn, index: int, call: Call) -> bytes:
    try:
        return drawn.picture(index)
    except ValueError as error:
        message = f"Gemini delivered a picture that cannot be read: {error}."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None


MODULE = adapter_module(GeminiAdapter, GeminiSettings)
