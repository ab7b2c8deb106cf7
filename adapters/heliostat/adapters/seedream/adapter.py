"""Adapter for ByteDance's Seedream and SeedEdit. One synchronous call per attempt, which draws or edits.

Source: ModelArk's own SDK (5.0.54, 2026-10-22) and notes on its API to 2026-11-13, read 2026-11-22. No jobs, no cancel,
no masks, no callbacks.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    MeshError,
    Model,
    Step,
    adapter_module,
    completed,
)
from heliostat.adapters.sdk.drawn import deliver
from heliostat.adapters.sdk.refusals import clean
from heliostat.adapters.seedream.answers import Images, read_images, refusal
from heliostat.adapters.seedream.body import MANAGED, gather, make_body
from heliostat.adapters.seedream.catalog import MAINLAND, MODELS, Traits
from heliostat.adapters.seedream.options import SeedreamOptions
from heliostat.adapters.seedream.outcomes import OUTCOMES, UNMADE
from heliostat.adapters.seedream.settings import SeedreamSettings
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings

GENERATIONS = "/images/generations"


class SeedreamAdapter(Adapter[SeedreamSettings, SeedreamOptions]):
    """ByteDance's Ark, international or of mainland China."""

    provider = "seedream"
    display_name = "ByteDance Seedream"
    options = SeedreamOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: SeedreamSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = MAINLAND if settings.mainland else MODELS

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """Ark's own codes."""
        return refusal(answer, self.key_name(""))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        traits: Traits = model.facts
        return traits.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: SeedreamOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call of the API. Raises what Ark refuses, under whatever status."""
        pictures = await gather(call)
        body = make_body(call, options, pictures, self.settings.endpoints.get(model.name, model.name))
        images = self._read((await self.http.post_json(GENERATIONS, body, call)).body, call)
        for index, drawn in enumerate(images.drawn):
            yield await deliver(drawn, index, call)
        yield completed(
            usage=event_pb2.Usage(output_image_token_count=images.tokens),
            input_sizes=[(one.shape.width_px, one.shape.height_px) for one in pictures],
        )

    def _read(self, body: bytes, call: Call) -> Images:
        """A whole answer with a picture in it. From here on the call is known to be charged."""
        try:
            images = read_images(body)
        except ValueError as error:
            message = f"ByteDance's answer cannot be read: {error}."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        if images.faults and not images.drawn:
            raise _unmade(images, call)
        # One picture was asked for; a server that sends more of them is not believed to be paid for more.
        images = replace(images, drawn=images.drawn[: call.image_count])
        if images.drawn:
            call.charged_micros = call.model.price.estimate(self.order(call.model, call.request, call.size()))
        return images


def _unmade(images: Images, call: Call) -> MeshError:
    """Nothing was made: free, and told by Ark's own word."""
    fault, row = images.faults[0], OUTCOMES.row("submit", UNMADE)
    said = clean(fault.said, (call.request.prompt,))
    return call.error(
        fault.reason,
        f"ByteDance did not make the picture; change the prompt or ask elsewhere. It said: {said}",
        outcome=row.outcome,
        billed=row.billed,
        phase=row.phase,
        field="prompt" if fault.reason == reasons.ERROR_REASON_CONTENT_BLOCKED else None,
    )


MODULE = adapter_module(SeedreamAdapter, SeedreamSettings)
