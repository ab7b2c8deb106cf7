"""Adapter for fal.ai: its queue. Submits once, polls, fetches the result, downloads the pictures; resumes by job id.

Source: fal.ai/docs (queue, errors, pricing), fal's Python client (2026-08-21), read 2026-11-22.
"""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial

from heliostat.adapters.fal.answers import empty, read_result
from heliostat.adapters.fal.billing import is_by_second
from heliostat.adapters.fal.body import MANAGED, gather, make_body
from heliostat.adapters.fal.catalog import MODELS, SANDBOX_MODELS, Routes
from heliostat.adapters.fal.endpoints import Endpoint
from heliostat.adapters.fal.failures import FalRefusal, contradicted, refusal
from heliostat.adapters.fal.jobs import Job, known_job, submitted_job
from heliostat.adapters.fal.options import FalOptions
from heliostat.adapters.fal.orders import order_of, variant_of
from heliostat.adapters.fal.outcomes import OUTCOMES
from heliostat.adapters.fal.settings import FalSettings
from heliostat.adapters.fal.webhooks import keys_url, verified_job, with_callback
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Cancelled,
    Choice,
    MeshError,
    Model,
    ModelTable,
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
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.logs import get_logger
from heliostat.chassis.modules import Surroundings

log = get_logger("heliostat.adapters.fal")


class FalAdapter(Adapter[FalSettings, FalOptions]):
    """fal.ai."""

    provider = "fal"
    display_name = "fal"
    options = FalOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: FalSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = ModelTable(*MODELS, *SANDBOX_MODELS) if surroundings.sandbox else MODELS
        self._keys = webhooks.KeySet(keys_url(settings.base_url, settings.webhook_keys_url), surroundings.clock)

    async def stop(self) -> None:
        """Closes connections."""
        await self._keys.close()
        await super().stop()

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The request id of a callback. Raises CALLER_UNKNOWN where fal did not sign it."""
        return await verified_job(headers, body, self._keys, self.surroundings.clock.time())

    def headers(self, account: str) -> Mapping[str, str]:
        """fal's own scheme. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Key {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """fal's error bodies."""
        return refusal(answer)

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with what fal's prices depend on."""
        return order_of(model, request, size)

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: FalOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One job. Raises CONTENT_BLOCKED where every picture was blacked out, which is billed."""
        routes: Routes = model.facts
        endpoint = routes.choose(request)
        if call.resume_provider_job_id:
            job, sizes = self._known(call), input_sizes(request)
        else:
            pictures = await gather(endpoint, call)
            job, sizes = await self._submit(endpoint, options, call, pictures), pictures.sizes
        yield accepted(job.id)
        async for status in polling.poll(call, lambda: self.http.look(job.status_url, call)):
            value = status.json()
            if value.get("error") or value.get("error_type"):
                raise await self._failed(job, call, status)
            if value.get("status") == "COMPLETED":
                break
            place = value.get("queue_position")
            yield progress(queue_position=place if isinstance(place, int) and 0 <= place < 2**31 else None)
        checked = request.moderation != requests.MODERATION_LOW and options.enable_safety_checker is not False
        read = partial(read_result, endpoint, checked=checked)
        result = read(await self._result(job, call))
        micros = model.price.of_units(result.units) if result.units is not None else None
        call.charged_micros = micros
        if micros is None:
            call.charged_micros = model.price.estimate(self.order(model, request, call.size()))
        if not result.files:
            raise empty(call, result)
        links = Links(
            call,
            lambda: self.http.look(job.response_url, call),
            lambda answer: [file["url"] for file in read(answer).files],
        )
        for index, file in enumerate(result.files):
            yield await links.fetch(file["url"], index, **result.told(index, request))
        yield completed(
            usage=result.usage(by_second=is_by_second(model)),
            reported_micros=micros,
            metadata={"endpoint": endpoint.path, **({"blocked_image_count": result.blocked} if result.blocked else {})},
            variant=variant_of(model, request),
            input_sizes=sizes,
            doubt=result.doubt,
        )

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a job out of the queue; one that runs is only asked to stop and may be charged."""
        job = known_job(self.settings.base_url, provider_job_id)
        if job is None:
            return Cancelled(found=False)
        try:
            answer = await self.http.send("PUT", job.cancel_url, b"", None, phase="cancel", account=account)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                return Cancelled(found=False)
            # ALREADY_COMPLETED comes as a 400, by another source as a 409.
            if error.reason == reasons.ERROR_REASON_INVALID_FIELD:
                return Cancelled(found=True)
            raise
        return Cancelled(found=True, free=answer.status == 200 and answer.json().get("status") == "OK")

    def option_names(self, model: Model) -> Collection[str]:
        """Those that some endpoint of the model knows."""
        routes: Routes = model.facts
        return {"queue_priority"}.union(*(routed.options for routed in routes.all()))

    async def spare_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a job out of the queue; one that runs goes on, for fal may charge for it all the same."""
        job = known_job(self.settings.base_url, provider_job_id)
        if job is None:
            return Cancelled(found=False)
        status = await self.http.send("GET", job.status_url, b"", None, phase="cancel", account=account)
        if status.json().get("status") != "IN_QUEUE":
            return Cancelled(found=True)
        return await self.cancel_job(model, provider_job_id, account)

    async def _submit(self, endpoint: Endpoint, options: FalOptions, call: Call, pictures: Pictures) -> Job:
        body = make_body(endpoint, call, options, pictures)
        path = with_callback(f"/{endpoint.path}", call.webhook_uri)
        answer = await self.http.post_json(path, body, call, headers=self._terms(options, call))
        job = submitted_job(self.settings.base_url, endpoint.path, answer.json_or_none())
        if job is None:
            raise self.nameless_job(call)
        return job

    def _known(self, call: Call) -> Job:
        job = known_job(self.settings.base_url, call.resume_provider_job_id)
        if job is None:
            raise self.foreign_job(call)
        return job

    def _terms(self, options: FalOptions, call: Call) -> Mapping[str, str]:
        """Headers of a submit. The router decides about retries: fal's own would hide what was tried."""
        terms = {"x-fal-no-retry": "1", "x-fal-request-timeout": str(max(1, int(call.time_remaining_s())))}
        if options.queue_priority:
            terms["x-fal-queue-priority"] = options.queue_priority
        if not call.passes_uris:
            lifetime = {"expiration_duration_seconds": self.settings.media_lifetime_s}
            terms["x-fal-object-lifecycle-preference"] = json.dumps(lifetime, separators=(",", ":"))
        return terms

    async def _result(self, job: Job, call: Call) -> Answer:
        """The result of a completed job, asked for until fal gives it or refuses it.

        What the status said stands: a refusal after it is told, and kept apart from a job that failed.
        """
        looks = polling.poll(call, lambda: self.http.look(job.response_url, call), first_s=0.0)
        try:
            return await anext(looks)
        except FalRefusal as error:
            log.warning("a job was said to be completed and its result is an error", job=job.id, error=error.message)
            raise error.of_job(call, done=True) from None

    async def _failed(self, job: Job, call: Call, status: Answer) -> MeshError:
        """Why the job failed: by its result, which says more, or by its status."""
        try:
            await self.http.get(job.response_url, call)
        except FalRefusal as error:
            return error.of_job(call)
        except MeshError:
            pass
        else:
            log.warning("a job was said to have failed and its result is there", job=job.id)
            return contradicted(call)
        refused = refusal(status) or FalRefusal(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, status)
        return refused.of_job(call)


MODULE = adapter_module(FalAdapter, FalSettings)
