"""Adapter for xAI's images. One synchronous call per attempt; the answer tells its exact cost.

Source: xai-proto (2026-05), xai-sdk-python (2026-08-18), docs.x.ai, read 2026-11-22. No jobs, no cancel, no masks.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Choice,
    MeshError,
    Model,
    Options,
    Order,
    Step,
    adapter_module,
    completed,
)
from heliostat.adapters.sdk.drawn import deliver
from heliostat.adapters.xai.answers import Images, read_images, refusal
from heliostat.adapters.xai.body import MANAGED, TIER_WORDS, gather, make_body, quality_of
from heliostat.adapters.xai.catalog import MODELS
from heliostat.adapters.xai.outcomes import BLOCKED, OUTCOMES
from heliostat.adapters.xai.settings import XaiSettings
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

GENERATIONS, EDITS = "/images/generations", "/images/edits"


class XaiAdapter(Adapter[XaiSettings, Options]):
    """xAI."""

    provider = "xai"
    display_name = "xAI"
    models = MODELS
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """xAI's own sentences."""
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the words that its price depends on."""
        variant = {"resolution": TIER_WORDS.get(model.sizes.choose(request.size).tier, "1k")}
        quality = quality_of(request, model.facts)
        if quality:
            variant["quality"] = quality
        return replace(super().order(model, request, size), variant=variant)

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: Options, call: Call
    ) -> AsyncIterator[Step]:
        """One call of the API. Raises what xAI refuses, under whatever status."""
        pictures = await gather(call)
        body = make_body(call, pictures)
        answer = await self.http.post_json(EDITS if pictures else GENERATIONS, body, call)
        images = self._read(answer.body, call)
        if images.moderated and not images.drawn:
            raise _moderated(images, call)
        for index, drawn in enumerate(images.drawn[: call.image_count]):
            yield await deliver(drawn, index, call)
        sizes = [(one.shape.width_px, one.shape.height_px) for one in pictures]
        metadata = {"moderated_images": images.moderated} if images.moderated else None
        yield completed(
            reported_micros=images.cost.micros, doubt=images.cost.doubt, metadata=metadata, input_sizes=sizes
        )

    def _read(self, body: bytes, call: Call) -> Images:
        """A whole answer. From here on the call is known to be charged, at the price that xAI says, whatever came."""
        try:
            images = read_images(body)
        except ValueError as error:
            message = f"xAI's answer cannot be read: {error}."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        told = images.cost.micros
        if images.drawn or told:
            order = replace(self.order(call.model, call.request, call.size()), image_count=len(images.drawn))
            call.charged_micros = told if told is not None else call.model.price.estimate(order)
        return images


def _moderated(images: Images, call: Call) -> MeshError:
    """Nothing of the answer may be seen. What it cost is known where xAI says it."""
    row = OUTCOMES.row("submit", BLOCKED)
    told = images.cost.micros
    billed = row.billed if told is None else event_pb2.BILLED_YES if told else event_pb2.BILLED_NO
    return call.error(
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        "xAI drew, and refused to show what it drew; change the prompt.",
        outcome=row.outcome,
        billed=billed,
        cost_micros=told or None,
        phase=row.phase,
        field="prompt",
    )


MODULE = adapter_module(XaiAdapter, XaiSettings)
