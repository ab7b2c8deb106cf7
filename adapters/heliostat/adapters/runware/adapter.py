"""Adapter for Runware: tasks under ids of our own. Submits once, polls, downloads, resumes by the task's id.

Source: runware.ai/docs (2026), the makers' SDK (2026-06-30), read 2026-11-22. There is no cancel.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from heliostat.adapters.runware.body import MANAGED, gather, make_task
from heliostat.adapters.runware.catalog import MODELS
from heliostat.adapters.runware.endpoints import Endpoint
from heliostat.adapters.runware.failures import TaskRefused, not_taken, nothing_to_show, refusal
from heliostat.adapters.runware.options import RunwareOptions
from heliostat.adapters.runware.outcomes import OUTCOMES
from heliostat.adapters.runware.settings import RunwareSettings
from heliostat.adapters.runware.tasks import Standing, known_task, read_standing, task_id
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    MeshError,
    Model,
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
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests


class RunwareAdapter(Adapter[RunwareSettings, RunwareOptions]):
    """Runware."""

    provider = "runware"
    display_name = "Runware"
    models = MODELS
    options = RunwareOptions
    outcomes = OUTCOMES
    managed = MANAGED

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED."""
        key = self.settings.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}

    def refusal(self, answer: Answer) -> MeshError | None:
        """The API's error bodies."""
        return refusal(answer, self.key_name(""))

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model takes."""
        endpoint: Endpoint = model.facts
        return endpoint.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: RunwareOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One task. Each picture says what it costs."""
        endpoint: Endpoint = model.facts
        wanted = call.image_count if model.counts_images else 1
        if call.resume_provider_job_id:
            task, sizes = self._known(call), input_sizes(request)
            standing = Standing(known=True, waits=True)
        else:
            pictures = await gather(endpoint, call)
            task, sizes = task_id(call.attempt_id), pictures.sizes
            standing = await self._submit(endpoint, options, call, pictures, task)
        yield accepted(task)
        if not standing.is_over(wanted):
            async for answer in polling.poll(call, lambda: self._look(task, call)):
                standing = read_standing(answer, task)
                if standing.is_over(wanted):
                    break
                yield progress()
        reported = standing.reported
        if standing.drawn:
            order = replace(self.order(model, request, call.size()), image_count=len(standing.drawn))
            call.charged_micros = reported.micros if reported.micros is not None else model.price.estimate(order)
        if not standing.pictures:
            raise nothing_to_show(call, standing)
        role = medias.MEDIA_ROLE_MASK if endpoint.task == "imageMasking" else medias.MEDIA_ROLE_IMAGE
        links = Links(
            call,
            lambda: self._look(task, call),
            lambda answer: [drawn.url for drawn in read_standing(answer, task).pictures],
        )
        for index, drawn in enumerate(standing.pictures[:wanted]):
            yield await links.fetch(drawn.url, index, seed=drawn.seed, role=role)
        yield completed(reported_micros=reported.micros, doubt=reported.doubt, input_sizes=sizes)

    async def _submit(
        self, endpoint: Endpoint, options: RunwareOptions, call: Call, pictures: Pictures, task: str
    ) -> Standing:
        """The task as the submit's answer tells it. One that Runware knows from before is gone on with."""
        body = make_task(endpoint, call, options, pictures, task)
        try:
            answer = await self.http.post_json(self.settings.base_url, [body], call)
        except TaskRefused as refused:
            if not refused.is_known:
                raise
            return Standing(known=True, waits=True)
        standing = read_standing(answer, task)
        if standing.is_conflict:
            return Standing(known=True, waits=True)
        if standing.faults and not standing.drawn and not standing.waits:
            raise not_taken(standing)
        if not standing.known:
            message = "Runware's answer does not tell of our task; look into its dashboard."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")
        return standing

    def _known(self, call: Call) -> str:
        task = known_task(call.resume_provider_job_id)
        if not task:
            message = "The job id to go on with is none of Runware's tasks; look it up in its dashboard."
            raise call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
        return task

    async def _look(self, task: str, call: Call) -> Answer:
        """One look at a task. What is no JSON object is an error of the look, not of the task."""
        body = [{"taskType": "getResponse", "taskUUID": task}]
        try:
            answer = await self.http.post_json(self.settings.base_url, body, call, phase="poll")
        except TaskRefused as refused:
            if not refused.has_ended:
                raise
            return refused.answer
        answer.json()
        return answer


MODULE = adapter_module(RunwareAdapter, RunwareSettings)
