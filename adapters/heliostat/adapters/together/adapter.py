"""Adapter for Together AI: one JSON call per attempt, answered by the pictures. No jobs, no cancel, no callbacks.

Source: Together's OpenAPI document (2026-04-28) and docs.together.ai, read 2026-11-22.
"""

from collections.abc import AsyncIterator, Collection, Mapping

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
)
from heliostat.adapters.sdk.drawn import deliver
from heliostat.adapters.together.answers import read_images, refusal
from heliostat.adapters.together.body import MANAGED, gather, make_body
from heliostat.adapters.together.catalog import MODELS
from heliostat.adapters.together.options import TogetherOptions
from heliostat.adapters.together.orders import order_of
from heliostat.adapters.together.settings import TogetherSettings
from heliostat.adapters.together.traits import Traits
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

GENERATIONS = "/images/generations"


class TogetherAdapter(Adapter[TogetherSettings, TogetherOptions]):
    """Together AI."""

    provider = "together"
    display_name = "Together AI"
    models = MODELS
    options = TogetherOptions
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's error bodies."""
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with its steps."""
        return order_of(request, size, (self.name, self.provider))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        traits: Traits = model.facts
        return traits.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: TogetherOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call of the API."""
        traits: Traits = model.facts
        inputs = await gather(traits, call)
        body = make_body(traits, call, options, inputs)
        answer = await self.http.post_json(GENERATIONS, body, call)
        try:
            drawn = read_images(answer.body)
        except ValueError as error:
            message = f"Together AI's answer cannot be read: {error}; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        call.charged_micros = model.price.estimate(self.order(model, request, call.size()))
        for index, one in enumerate(drawn[: call.image_count]):
            yield await deliver(one, index, call)
        sizes = [(one.shape.width_px, one.shape.height_px) for one in inputs]
        yield completed(input_sizes=sizes, steps=options.steps or 0)


MODULE = adapter_module(TogetherAdapter, TogetherSettings)
