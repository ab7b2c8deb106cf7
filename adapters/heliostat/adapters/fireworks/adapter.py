"""Adapter for Fireworks AI: FLUX by workflows, SDXL and its kin by the older API, Kontext by jobs that are polled.

Source: docs.fireworks.ai (2026), read 2026-11-22. There is no cancel.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import replace

from heliostat.adapters.fireworks.answers import read_picture, refusal
from heliostat.adapters.fireworks.body import MANAGED, gather, make_body, make_parts, wanted_type
from heliostat.adapters.fireworks.catalog import MODELS
from heliostat.adapters.fireworks.endpoints import Dialect, Endpoint
from heliostat.adapters.fireworks.jobs import ENDED, NOT_FOUND, READY, State, ended_badly, is_job, read_state
from heliostat.adapters.fireworks.options import FireworksOptions
from heliostat.adapters.fireworks.outcomes import OUTCOMES
from heliostat.adapters.fireworks.settings import FireworksSettings
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Choice,
    Input,
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
from heliostat.adapters.sdk.given_options import whole_option
from heliostat.adapters.sdk.links import Links
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests


class FireworksAdapter(Adapter[FireworksSettings, FireworksOptions]):
    """Fireworks AI."""

    provider = "fireworks"
    display_name = "Fireworks AI"
    models = MODELS
    options = FireworksOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's error bodies."""
        return refusal(answer, self.key_name(""))

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with its steps: those that are asked for, or the model's usual ones, which are sent."""
        endpoint: Endpoint = model.facts
        steps = whole_option(request, (self.name, self.provider), "steps") or endpoint.steps
        return replace(super().order(model, request, size), steps=steps)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        endpoint: Endpoint = model.facts
        return endpoint.options.keys()

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: FireworksOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One call that is answered by the picture, or one job."""
        endpoint: Endpoint = model.facts
        if endpoint.dialect is Dialect.JOB:
            async with aclosing(self._job(endpoint, options, call)) as steps:
                async for step in steps:
                    yield step
            return
        image = await gather(call)
        picture = read_picture(await self._ask(endpoint, options, call, image), call)
        self._charge(call)
        yield picture
        yield completed(steps=options.steps or endpoint.steps)

    async def _ask(self, endpoint: Endpoint, options: FireworksOptions, call: Call, image: Input | None) -> Answer:
        """The answer at once: JSON of a workflow, for it alone is sure to tell of filters; bytes of the older API."""
        body = make_body(endpoint, call, options, image)
        if endpoint.dialect is Dialect.WORKFLOW:
            return await self.http.post_json(f"/workflows/{call.model.name}/text_to_image", body, call)
        headers = {"accept": wanted_type(endpoint, call)}
        path = f"/image_generation/{call.model.name}"
        if image is None:
            return await self.http.post_json(path, body, call, headers=headers)
        return await self.http.post_multipart(f"{path}/image_to_image", make_parts(body, image), call, headers=headers)

    async def _job(self, endpoint: Endpoint, options: FireworksOptions, call: Call) -> AsyncGenerator[Step]:
        """One job from submit to file. What is moderated or fails is free."""
        job = self._known(call) if call.resume_provider_job_id else await self._submit(endpoint, options, call)
        yield accepted(job)
        state = State("")
        async for answer in polling.poll(call, lambda: self._look(job, call)):
            state = read_state(answer)
            if state.status in ENDED:
                break
            yield progress(percent=state.percent)
        if state.status != READY:
            raise ended_badly(call, state)
        self._charge(call)
        if not state.url:
            message = "The job is ready without a picture; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="poll")
        links = Links(call, lambda: self._look(job, call), lambda answer: [read_state(answer).url])
        yield await links.fetch(state.url, seed=state.seed)
        yield completed()

    async def _submit(self, endpoint: Endpoint, options: FireworksOptions, call: Call) -> str:
        """The id of a new job."""
        body = make_body(endpoint, call, options, await gather(call))
        answer = (await self.http.post_json(f"/workflows/{call.model.name}", body, call)).json_or_none()
        job = answer.get("request_id") if isinstance(answer, Mapping) else None
        if not is_job(job):
            raise self.nameless_job(call)
        return str(job)

    def _known(self, call: Call) -> str:
        if not is_job(call.resume_provider_job_id):
            raise self.foreign_job(call)
        return call.resume_provider_job_id

    async def _look(self, job: str, call: Call) -> Answer:
        """One look at a job. One that is not found may be so for a moment, and is looked for again."""
        path = f"/workflows/{call.model.name}/get_result"
        answer = await self.http.post_json(path, {"id": job}, call, phase="poll")
        if read_state(answer).status == NOT_FOUND:
            raise ended_badly(call, State(NOT_FOUND))
        return answer

    def _charge(self, call: Call) -> None:
        """Notes what the call costs, whatever may still go wrong with its picture."""
        call.charged_micros = call.model.price.estimate(self.order(call.model, call.request, Choice()))


MODULE = adapter_module(FireworksAdapter, FireworksSettings)
