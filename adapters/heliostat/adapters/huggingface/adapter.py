"""Adapter for Hugging Face Inference Providers: one router, and behind it each provider in its own dialect.

Three providers answer with the pictures, three with a job that is polled. There is no cancel and no callback. Source:
huggingface.js (2026-08-21), huggingface_hub 2.4 and the pages on Inference Providers, read 2026-11-22.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import replace

from heliostat.adapters.huggingface.answers import Drawn, Result, read_result
from heliostat.adapters.huggingface.body import MANAGED, Letter, address, gather, make_fields
from heliostat.adapters.huggingface.catalog import MODELS, further
from heliostat.adapters.huggingface.endpoints import Endpoint
from heliostat.adapters.huggingface.failures import ended_badly, of_job, refusal
from heliostat.adapters.huggingface.hub import Hub
from heliostat.adapters.huggingface.jobs import is_result, known, read_state, result_path, status_path, submitted
from heliostat.adapters.huggingface.options import HuggingFaceOptions
from heliostat.adapters.huggingface.orders import order_of
from heliostat.adapters.huggingface.outcomes import BLACKENED, OUTCOMES
from heliostat.adapters.huggingface.settings import HuggingFaceSettings
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Choice,
    MeshError,
    Model,
    ModelTable,
    Order,
    Picture,
    Step,
    accepted,
    adapter_module,
    completed,
    image,
    polling,
    progress,
)
from heliostat.adapters.sdk.links import Links
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings

# Of a job that has begun: these are said of its work, not of the look.
_FINAL = frozenset(
    {
        reasons.ERROR_REASON_CONTENT_BLOCKED,
        reasons.ERROR_REASON_INVALID_FIELD,
        reasons.ERROR_REASON_INPUT_UNREADABLE,
    }
)


class HuggingFaceAdapter(Adapter[HuggingFaceSettings, HuggingFaceOptions]):
    """Hugging Face Inference Providers."""

    provider = "huggingface"
    display_name = "Hugging Face"
    models = MODELS
    options = HuggingFaceOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def __init__(self, settings: HuggingFaceSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        if settings.further_models:
            self.models = ModelTable(*MODELS, *further(settings.further_models))
        self._hub = Hub(settings.hub, settings.names_s, self.http)

    def headers(self, account: str) -> Mapping[str, str]:
        """The token, and who pays. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        bill = {"x-hf-bill-to": self.settings.bill_to} if self.settings.bill_to else {}
        return {**bill, "authorization": f"Bearer {key.reveal()}"} if key is not None else bill

    def refusal(self, answer: Answer) -> MeshError | None:
        """Error bodies of the router and of what stands behind it."""
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with its steps."""
        return order_of(request, size, (self.name, self.provider))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        endpoint: Endpoint = model.facts
        return endpoint.options.keys()

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: HuggingFaceOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call, and the job that it may begin."""
        endpoint: Endpoint = model.facts
        answer: Answer | None = None
        job = self._known(endpoint, call) if call.resume_provider_job_id else ""
        if not job:
            picture = await gather(endpoint, call)
            answer = await self._submit(endpoint, make_fields(endpoint, call, options, picture), call)
        if model.resumable:
            job = job or self._begun(endpoint, answer, call)
            yield accepted(job)
            async with aclosing(self._follow(endpoint, job, answer, call)) as looks:
                async for look in looks:
                    answer = look
                    yield progress()
        result = self._read(answer, call)
        call.charged_micros = model.price.estimate(self.order(model, request, call.size()))
        if result.blocked and not result.files:
            row = OUTCOMES.row("poll", BLACKENED)
            message = "The provider's safety checker blacked the picture out; change the prompt."
            raise call.error(
                reasons.ERROR_REASON_CONTENT_BLOCKED, message, outcome=row.outcome, billed=row.billed, phase=row.phase
            )
        source = self._links(endpoint, job, call) if job else call
        for index, drawn in enumerate(result.files):
            yield await self._picture(drawn, index, result.seed, source)
        yield completed(steps=options.steps or 0)

    async def _submit(self, endpoint: Endpoint, fields: Mapping[str, object], call: Call) -> Answer:
        """The answer to the one call that may cost money."""
        name = call.model.name.partition("/")[2]
        letter: Letter = address(endpoint, await self._hub.id_of(endpoint, name, call), fields)
        try:
            return await self.http.post_json(letter.path, letter.body, call, headers=letter.headers)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                self._hub.forget(name)
            raise

    def _known(self, endpoint: Endpoint, call: Call) -> str:
        job = known(endpoint.provider, call.resume_provider_job_id)
        if not job:
            message = "The job id to go on with is none of this provider's; look the job up in its dashboard."
            raise call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
        return job

    def _begun(self, endpoint: Endpoint, answer: Answer | None, call: Call) -> str:
        job = submitted(endpoint.provider, answer) if answer is not None else ""
        if not job:
            message = "The provider took the request without an id of the job; look into its dashboard."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")
        return job

    async def _follow(self, endpoint: Endpoint, job: str, first: Answer | None, call: Call) -> AsyncGenerator[Answer]:
        """What is told of a job, its pictures last. Raises what became of a job that failed."""
        if first is not None and not result_path(endpoint.provider, job) and _is_over(endpoint, first, call):
            yield first
            return
        async for answer in polling.poll(call, lambda: self._look(endpoint, job, call)):
            yield answer
            if _is_over(endpoint, answer, call):
                return

    async def _look(self, endpoint: Endpoint, job: str, call: Call) -> Answer:
        """One look at a job: at its state, or at its result where it has one."""
        answer = await self.http.get(status_path(endpoint.provider, job), call)
        state, result = read_state(answer), result_path(endpoint.provider, job)
        if not result or not state.ended or state.failed:
            return answer
        try:
            told = await self.http.get(result, call)
        except MeshError as error:
            raise (of_job(call, error) if error.reason in _FINAL else error) from None
        told.json()
        return told

    def _read(self, answer: Answer | None, call: Call) -> Result:
        """The pictures of an answer, no more than were asked for. Raises PROVIDER_ANSWER_INVALID."""
        try:
            result = read_result(answer) if answer is not None else None
        except ValueError as error:
            message = f"The provider's answer cannot be read: {error}; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message) from None
        if result is None:
            message = "The job ended without an answer; ask again later."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
        return replace(result, files=result.files[: call.image_count]) if call.model.counts_images else result

    def _links(self, endpoint: Endpoint, job: str, call: Call) -> Links:
        return Links(
            call,
            lambda: self._look(endpoint, job, call),
            lambda answer: [drawn.url for drawn in self._read(answer, call).files],
        )

    async def _picture(self, drawn: Drawn, index: int, seed: int | None, source: Call | Links) -> Picture:
        role = medias.MEDIA_ROLE_MASK if drawn.mask else medias.MEDIA_ROLE_IMAGE
        if drawn.url:
            return await source.fetch(drawn.url, index, seed=seed, role=role)
        return image(drawn.data, index, seed=seed, role=role, label=drawn.label)


def _is_over(endpoint: Endpoint, answer: Answer, call: Call) -> bool:
    """Whether an answer holds a job's pictures. Raises what became of a job that failed."""
    value = answer.json()
    if is_result(endpoint.provider, value):
        return True
    state = read_state(answer)
    if state.failed:
        raise ended_badly(call, state, endpoint.provider)
    return state.ended


MODULE = adapter_module(HuggingFaceAdapter, HuggingFaceSettings)
