"""Adapter for Black Forest Labs: tasks. Submits once, polls the cluster that the answer names, downloads, resumes.

Source: docs.bfl.ai (to 2026-11) and the API's OpenAPI document (2026-04-23), read 2026-11-22. There is no cancel.
"""

from collections.abc import AsyncIterator, Collection, Mapping

from heliostat.adapters.bfl.body import MANAGED, gather, make_body
from heliostat.adapters.bfl.callbacks import read_callback
from heliostat.adapters.bfl.catalog import MODELS
from heliostat.adapters.bfl.endpoints import Endpoint
from heliostat.adapters.bfl.failures import TaskAnswer, ended_badly, refusal
from heliostat.adapters.bfl.options import BflOptions
from heliostat.adapters.bfl.orders import order_of
from heliostat.adapters.bfl.outcomes import OUTCOMES
from heliostat.adapters.bfl.settings import BflSettings
from heliostat.adapters.bfl.tasks import (
    ENDED,
    NOT_FOUND,
    READY,
    State,
    Task,
    cost_micros,
    known_task,
    read_state,
    submitted_task,
)
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
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
)
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.links import Links
from heliostat.adapters.sdk.pictures import Pictures
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests


class BflAdapter(Adapter[BflSettings, BflOptions]):
    """Black Forest Labs."""

    provider = "bfl"
    display_name = "Black Forest Labs"
    models = MODELS
    options = BflOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"x-key": key.reveal()} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's error bodies."""
        return refusal(answer)

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the sizes of its pictures."""
        return order_of(model, request, size)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        endpoint: Endpoint = model.facts
        return endpoint.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: BflOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One task. What is moderated or fails is free."""
        endpoint: Endpoint = model.facts
        price: int | None = None
        if call.resume_provider_job_id:
            task, sizes = self._known(call), input_sizes(request)
        else:
            pictures = await gather(endpoint, call)
            (task, price), sizes = await self._submit(endpoint, options, call, pictures), pictures.sizes
        yield accepted(task.id)
        state = State("")
        async for answer in polling.poll(call, lambda: self._look(task, call)):
            state = read_state(answer)
            if state.status in ENDED:
                break
            yield progress(percent=state.percent)
        if state.status != READY:
            raise ended_badly(call, state)
        call.charged_micros = (
            price if price is not None else model.price.estimate(self.order(model, request, call.size()))
        )
        if not state.url:
            message = "The task is ready without a picture; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="poll")
        revised = state.prompt if state.prompt != request.prompt else ""
        links = Links(call, lambda: self._look(task, call), lambda answer: [read_state(answer).url])
        yield await links.fetch(state.url, seed=state.seed, revised_prompt=revised)
        yield completed(reported_micros=price, input_sizes=sizes)

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The task that a callback is about, if it is signed or carries our secret. Raises CALLER_UNKNOWN."""
        return read_callback(self.settings.webhook_secret, headers, body)

    async def _submit(
        self, endpoint: Endpoint, options: BflOptions, call: Call, pictures: Pictures
    ) -> tuple[Task, int | None]:
        """The task, and its price in micro-USD where the answer tells it."""
        body = make_body(endpoint, call, options, pictures)
        secret = self.settings.webhook_secret
        # Who is called back is told no cluster.
        callback = call.webhook_uri if self.settings.finds_any_task else ""
        if callback and secret is not None and secret.present():
            body |= {"webhook_url": callback, "webhook_secret": secret.reveal()}
        answer = (await self.http.post_json(f"/v1/{call.model.name}", body, call)).json_or_none()
        task = submitted_task(self.settings.base_url, self.settings.api_hosts, answer)
        if task is None:
            raise self.nameless_job(call)
        return task, cost_micros(answer)

    def _known(self, call: Call) -> Task:
        task = known_task(self.settings.base_url, self.settings.api_hosts, call.resume_provider_job_id)
        if task is None:
            raise self.foreign_job(call)
        return task

    async def _look(self, task: Task, call: Call) -> Answer:
        """One look at a task. One that is not found may be so for a moment, and is looked for again."""
        try:
            answer = await self.http.get(task.poll_url, call)
        except TaskAnswer as told:
            answer = told.answer
        if read_state(answer).status == NOT_FOUND:
            raise ended_badly(call, State(NOT_FOUND))
        return answer


MODULE = adapter_module(BflAdapter, BflSettings)
