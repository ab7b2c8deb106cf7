"""Adapter for Amazon Bedrock's image models: InvokeModel, signed or with an API key. One synchronous call per attempt.

Source: Bedrock's user guide and API reference, read 2026-11-22. No jobs, no cancel, no idempotency.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from heliostat.adapters.bedrock.answers import Drawn, fruitless, read_answer
from heliostat.adapters.bedrock.body import MANAGED, encoded, make_body
from heliostat.adapters.bedrock.catalog import Task, models_of
from heliostat.adapters.bedrock.endpoints import SERVICES
from heliostat.adapters.bedrock.failures import refusal
from heliostat.adapters.bedrock.options import BedrockOptions
from heliostat.adapters.bedrock.outcomes import OUTCOMES
from heliostat.adapters.bedrock.settings import BedrockSettings
from heliostat.adapters.bedrock.signature import Credentials, sign
from heliostat.adapters.bedrock.tasks import quality_of
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

_TYPED = {"content-type": "application/json"}


class BedrockAdapter(Adapter[BedrockSettings, BedrockOptions]):
    """Amazon Bedrock in one region."""

    provider = "bedrock"
    display_name = "Amazon Bedrock"
    options = BedrockOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: BedrockSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = models_of(legacy=settings.legacy)

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """Configured where there is an API key, or an access key with its secret."""
        return [("", 1.0, self.settings.bears or self.settings.signs)]

    def key_name(self, account: str) -> str:
        """The variable or file of the key that is used."""
        settings = self.settings
        key = settings.access_key_id if settings.signs or settings.api_key is None else settings.api_key
        return key.reference.partition(":")[2] if key is not None else ""

    def headers(self, account: str) -> Mapping[str, str]:
        """The API key, or the session token that signed requests carry. Raises PROVIDER_AUTH_FAILED."""
        settings = self.settings
        if settings.signs:
            return {"x-amz-security-token": settings.token} if settings.token else {}
        key = settings.api_key or settings.access_key_id
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """AWS's kinds of errors."""
        return refusal(answer, self.name, self.key_name(""))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        facts = model.facts
        return facts.options.options if isinstance(facts, Task) else facts.options

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the quality that the price of Amazon's models depends on."""
        order = super().order(model, request, size)
        return replace(order, variant={"quality": quality_of(request)}) if isinstance(model.facts, Task) else order

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: BedrockOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One InvokeModel. Raises what Bedrock refuses, under whatever status."""
        body = await make_body(call, options)
        path = f"/model/{quote(self._served_as(model.name), safe='')}/invoke"
        # Base64 and hash of many megabytes: not in the loop.
        sent, headers = await asyncio.to_thread(self._packed, path, body, call)
        answer = await self.http.send("POST", path, sent, call, phase="submit", headers=headers)
        drawn = self._read(answer.body, call)
        if not drawn.places:
            raise fruitless(drawn, call)
        # Amazon's models say of no picture which seed it has; the one that was sent is that of the first.
        sent = body.get("imageGenerationConfig", {}).get("seed")
        for index in range(min(len(drawn.places), call.image_count)):
            seed = drawn.seeds[index] if index or sent is None else sent
            yield image(_decoded(drawn, index, call), index, seed=seed)
        yield completed()

    def _served_as(self, model: str) -> str:
        """The id that is asked: Stability's services are behind inference profiles."""
        profile = self.settings.inference_profile
        return f"{profile}.{model}" if profile and model in SERVICES else model

    def _packed(self, path: str, body: Mapping[str, Any], call: Call) -> tuple[bytes, Mapping[str, str]]:
        """The body as it travels, and its headers, signed where an access key signs."""
        settings, sent = self.settings, encoded(dict(body))
        if not settings.signs or settings.access_key_id is None or settings.secret_access_key is None:
            return sent, _TYPED
        key = Credentials(settings.access_key_id.reveal(), settings.secret_access_key.reveal(), settings.token)
        place = {"region": settings.region, "service": "bedrock"}
        signed = sign("POST", self.http.resolve(path), _TYPED, sent, key, **place, time_unix=call.clock.time())
        return sent, signed

    def _read(self, body: bytes, call: Call) -> Drawn:
        """A whole answer. From here on what came out is known to be charged."""
        try:
            drawn = read_answer(body)
        except ValueError as error:
            message = f"Bedrock's answer cannot be read: {error}."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        if drawn.places:
            # More pictures than were asked for are not believed to be charged.
            count = min(len(drawn.places), call.image_count)
            order = self.order(call.model, call.request, call.size())
            call.charged_micros = call.model.price.estimate(replace(order, image_count=count))
        return drawn


def _decoded(drawn: Drawn, index: int, call: Call) -> bytes:
    try:
        return drawn.picture(index)
    except ValueError as error:
        message = f"Bedrock delivered a picture that cannot be read: {error}."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None


MODULE = adapter_module(BedrockAdapter, BedrockSettings)
