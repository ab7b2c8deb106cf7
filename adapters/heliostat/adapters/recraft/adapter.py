"""Adapter for Recraft: one synchronous call per attempt, no jobs. Every answer says what it cost.

Source: recraft.ai/docs (2026-11) and the OpenAPI document (2026-08-22), read 2026-11-22.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from heliostat.adapters.recraft.answers import read_pictures, refusal
from heliostat.adapters.recraft.body import MANAGED, gather, make_fields, make_parts
from heliostat.adapters.recraft.catalog import MODELS
from heliostat.adapters.recraft.endpoints import Family
from heliostat.adapters.recraft.options import RecraftOptions
from heliostat.adapters.recraft.orders import order_of
from heliostat.adapters.recraft.outcomes import OUTCOMES
from heliostat.adapters.recraft.settings import RecraftSettings
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
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests


class RecraftAdapter(Adapter[RecraftSettings, RecraftOptions]):
    """Recraft."""

    provider = "recraft"
    display_name = "Recraft"
    models = MODELS
    options = RecraftOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The token. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's errors, by their status."""
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the style that it has made."""
        return order_of(request, size)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that some operation of the model takes."""
        family: Family = model.facts
        return {name for endpoint in family.endpoints.values() for name in endpoint.options}

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: RecraftOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call of the API."""
        family: Family = model.facts
        endpoint = family.choose(request)
        pictures = await gather(endpoint, call)
        fields = make_fields(family, endpoint, call, options, pictures)
        parts = make_parts(fields, pictures)
        path = f"/images/{endpoint.path}"
        if parts:
            answer = await self.http.post_multipart(path, parts, call)
        else:
            answer = await self.http.post_json(path, fields, call)
        told = read_pictures(answer)
        order = replace(self.order(model, request, call.size()), image_count=max(1, len(told.drawn)))
        reported = told.reported
        call.charged_micros = reported.micros if reported.micros is not None else model.price.estimate(order)
        if not told.drawn:
            message = "Recraft answered without a picture; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
        seed = request.seed if "random_seed" in fields else None
        for index, drawn in enumerate(told.drawn[: call.image_count]):
            revised = drawn.revised_prompt if drawn.revised_prompt != request.prompt else ""
            # Recraft says of no picture which seed it has; the one that was asked for is that of the first.
            yield await call.fetch(drawn.url, index, seed=None if index else seed, revised_prompt=revised)
        style = {"style_id": told.style_id} if told.style_id else {}
        yield completed(
            reported_micros=reported.micros, doubt=reported.doubt, metadata=style, input_sizes=pictures.sizes
        )


MODULE = adapter_module(RecraftAdapter, RecraftSettings)
