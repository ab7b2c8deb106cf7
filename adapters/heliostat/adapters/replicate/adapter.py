"""Adapter for Replicate: predictions. Submits once, polls (woken by callbacks), downloads; resumes by prediction id.

Source: Replicate's HTTP API (2026), its prediction, rate limit and webhook pages, read 2026-11-22.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from heliostat.adapters.replicate.body import MANAGED, gather, make_input, picture_fields
from heliostat.adapters.replicate.catalog import MODELS
from heliostat.adapters.replicate.failures import ended_badly, nothing_to_show, refusal
from heliostat.adapters.replicate.options import ReplicateOptions
from heliostat.adapters.replicate.orders import is_by_second, order_of
from heliostat.adapters.replicate.outcomes import OUTCOMES
from heliostat.adapters.replicate.pictures import picture_of
from heliostat.adapters.replicate.predictions import ENDED, Prediction, prediction_id, read_prediction
from heliostat.adapters.replicate.schemas import Schema
from heliostat.adapters.replicate.settings import ReplicateSettings
from heliostat.adapters.replicate.uploads import Uploads
from heliostat.adapters.replicate.versions import Versions
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Cancelled,
    Choice,
    MeshError,
    Model,
    Order,
    Step,
    accepted,
    adapter_module,
    completed,
    polling,
    progress,
    webhooks,
)
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.links import Links
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings

# The least that Cancel-After takes.
_LEAST_CANCEL_S = 5


class ReplicateAdapter(Adapter[ReplicateSettings, ReplicateOptions]):
    """Replicate."""

    provider = "replicate"
    display_name = "Replicate"
    models = MODELS
    options = ReplicateOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: ReplicateSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._versions = Versions(settings.versions)

    def headers(self, account: str) -> Mapping[str, str]:
        """The token. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """Replicate's error bodies."""
        return refusal(answer)

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the megapixels of its pictures."""
        return order_of(request, size)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        schema: Schema = model.facts
        return schema.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: ReplicateOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One prediction. A failed one of an official model is free."""
        schema: Schema = model.facts
        timed = is_by_second(model)
        if call.resume_provider_job_id:
            job, sizes = self._known(call), input_sizes(request)
        else:
            pictures = await gather(schema, call)
            job, sizes = await self._submit(schema, options, call, pictures), pictures.sizes
        yield accepted(job)
        prediction: Prediction | None = None
        async for answer in polling.poll(call, lambda: self._look(job, call)):
            prediction = read_prediction(answer, masks=schema.masks)
            if prediction.status in ENDED:
                break
            yield progress()
        if prediction is None or prediction.status != "succeeded":
            raise ended_badly(call, prediction or Prediction("", "", (), False, 0.0), timed=timed)
        usage = events.Usage(compute_seconds=prediction.seconds)
        order = self.order(model, request, call.size())
        call.charged_micros = model.price.cost(order, usage) if timed else model.price.estimate(order)
        if not prediction.files:
            raise nothing_to_show(call, prediction)
        links = Links(
            call,
            lambda: self._look(job, call),
            lambda answer: read_prediction(answer, masks=schema.masks).files,
        )
        for index, url in enumerate(prediction.files):
            yield await picture_of(schema, call, links, url, index)
        yield completed(usage=usage, input_sizes=sizes)

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a prediction back. What ran by the second until then is charged."""
        job = prediction_id(provider_job_id)
        if not job:
            return Cancelled(found=False)
        try:
            answer = await self.http.send(
                "POST", f"/predictions/{job}/cancel", b"", None, phase="cancel", account=account
            )
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                return Cancelled(found=False)
            raise
        state = answer.json()
        never_began = state.get("status") in {"canceled", "aborted"} and state.get("started_at") is None
        return Cancelled(found=True, free=never_began)

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The prediction that a signed callback is about. Raises CALLER_UNKNOWN."""
        secret = self.settings.webhook_secret
        if secret is None or not secret.present():
            raise webhooks.refused()
        webhooks.check_standard(headers, body, secret.reveal(), self.surroundings.clock.time())
        return prediction_id(webhooks.read_object(body).get("id"))

    async def _submit(self, schema: Schema, options: ReplicateOptions, call: Call, pictures: Pictures) -> str:
        given = make_input(schema, call, options, pictures)
        name = call.model.name
        body: dict[str, Any] = {}
        if not schema.official:
            body["version"] = await self._versions.version_of(name, self.http, call)
        sent = await Uploads(self.http, call, self.settings.inline_limit_bytes).give(pictures)
        body["input"] = given | picture_fields(schema, sent)
        if call.webhook_uri:
            body |= {"webhook": call.webhook_uri, "webhook_events_filter": ["completed"]}
        path = f"/models/{name}/predictions" if schema.official else "/predictions"
        # Replicate takes back by itself what our deadline has given up.
        terms = {"cancel-after": f"{max(_LEAST_CANCEL_S, int(call.time_remaining_s()))}s"}
        answer = await self.http.post_json(path, body, call, headers=terms)
        told = answer.json_or_none()
        job = prediction_id(told.get("id") if isinstance(told, dict) else None)
        if not job:
            raise self.nameless_job(call)
        return job

    def _known(self, call: Call) -> str:
        job = prediction_id(call.resume_provider_job_id)
        if not job:
            raise self.foreign_job(call)
        return job

    async def _look(self, job: str, call: Call) -> Answer:
        """One look at a prediction."""
        return await self.http.look(f"/predictions/{job}", call)


MODULE = adapter_module(ReplicateAdapter, ReplicateSettings)
