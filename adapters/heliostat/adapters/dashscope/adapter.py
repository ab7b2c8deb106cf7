"""Adapter for Alibaba's DashScope (Model Studio): Qwen-Image, Wan, Z-Image. Tasks that are polled, or answers at once.

Source: the vendor's own SDK (2.0.2), Model Studio's help pages to 2026-03, read 2026-11-22. There are no callbacks.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from heliostat.adapters.dashscope.body import gather, make_body
from heliostat.adapters.dashscope.catalog import BEIJING, SANDBOX, SINGAPORE
from heliostat.adapters.dashscope.endpoints import Endpoint
from heliostat.adapters.dashscope.failures import foreign, lost, nameless, refusal, unmade
from heliostat.adapters.dashscope.options import DashScopeOptions
from heliostat.adapters.dashscope.orders import variant_of
from heliostat.adapters.dashscope.outcomes import OUTCOMES
from heliostat.adapters.dashscope.settings import DashScopeSettings
from heliostat.adapters.dashscope.tasks import ENDED, UNKNOWN, State, is_task, read_state, submitted_task
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
)
from heliostat.adapters.sdk.input_sizes import input_sizes
from heliostat.adapters.sdk.links import Links
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings


class DashScopeAdapter(Adapter[DashScopeSettings, DashScopeOptions]):
    """DashScope, in Singapore or in Beijing."""

    provider = "dashscope"
    display_name = "Alibaba DashScope"
    options = DashScopeOptions
    outcomes = OUTCOMES

    def __init__(self, settings: DashScopeSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = BEIJING if settings.beijing else SANDBOX if surroundings.sandbox else SINGAPORE

    def headers(self, account: str) -> Mapping[str, str]:
        """The key and the workspace. Raises PROVIDER_AUTH_FAILED."""
        settings = self.settings
        workspace = {"x-dashscope-workspace": settings.workspace} if settings.workspace else {}
        if settings.api_key is None:
            return workspace
        return {"authorization": f"Bearer {settings.api_key.reveal()}", **workspace}

    def refusal(self, answer: Answer) -> MeshError | None:
        """DashScope's own codes."""
        return refusal(answer, self.key_name(""))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        endpoint: Endpoint = model.facts
        return endpoint.options

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with the word that Z-Image is priced by."""
        variant = variant_of(model, request, (self.name, self.provider))
        return replace(super().order(model, request, size), variant=variant)

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: DashScopeOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One task, submitted once or gone on with, or one answer. What fails is free."""
        endpoint: Endpoint = model.facts
        state, sizes, task = State(), input_sizes(request), call.resume_provider_job_id
        if task and not is_task(task):
            raise foreign(call)
        if not task:
            pictures = await gather(endpoint, call)
            terms = {"x-dashscope-async": "enable"} if endpoint.has_tasks else {}
            body = make_body(endpoint, call, options, pictures)
            answer = await self.http.post_json(endpoint.path, body, call, headers=terms)
            sizes = pictures.sizes
            if endpoint.has_tasks:
                task = submitted_task(answer.json_or_none()) or ""
                if not task:
                    raise nameless(call)
            else:
                state = read_state(answer)
        if task:
            yield accepted(task)
            async for answer in polling.poll(call, lambda: self._look(task, call)):
                state = read_state(answer)
                if state.status in ENDED:
                    break
                yield progress()
        if not state.made:
            raise unmade(call, state, "poll" if task else "submit")
        made = state.made[: call.image_count]
        order = replace(self.order(model, request, call.size()), image_count=len(made))
        call.charged_micros = model.price.estimate(order)
        source = Links(call, lambda: self._look(task, call), _links_of) if task else call
        for index, one in enumerate(made):
            revised = one.prompt if one.prompt != request.prompt else ""
            yield await source.fetch(one.url, index, revised_prompt=revised)
        failed = {"failed_images": len(state.faults)} if state.faults else None
        yield completed(input_sizes=sizes, metadata=failed)

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a task back that still waits; one that runs goes on, and is charged."""
        if not is_task(provider_job_id):
            return Cancelled(found=False)
        path = f"/tasks/{provider_job_id}/cancel"
        try:
            await self.http.send("POST", path, b"", None, phase="cancel", account=account)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                return Cancelled(found=False)
            if error.reason == reasons.ERROR_REASON_INVALID_FIELD:
                return Cancelled(found=True)
            raise
        return Cancelled(found=True, free=True)

    async def spare_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """The same: nothing but waiting tasks can be taken back."""
        return await self.cancel_job(model, provider_job_id, account)

    async def _look(self, task: str, call: Call) -> Answer:
        """One look at a task. One that is not known may be so for a moment, and is looked for again."""
        answer = await self.http.get(f"/tasks/{task}", call)
        if read_state(answer).status == UNKNOWN:
            raise lost(call)
        return answer


def _links_of(answer: Answer) -> list[str]:
    return [one.url for one in read_state(answer).made]


MODULE = adapter_module(DashScopeAdapter, DashScopeSettings)
