"""Adapter for ComfyUI: a workflow from a template, queued, looked for in the history, its pictures fetched.

Source: ComfyUI's server.py and execution.py (2025-10, and of the second half of 2026), read 2026-11-22. There are no
keys, no bills and no callbacks; the websocket is not spoken, so there is no percentage.
"""

import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress

from heliostat.adapters.comfyui.body import gather, make_values, make_workflow, template_of
from heliostat.adapters.comfyui.cancels import cancel
from heliostat.adapters.comfyui.catalog import MODELS, Workflows, offered
from heliostat.adapters.comfyui.failures import ended_badly, left_out, lost, refusal
from heliostat.adapters.comfyui.jobs import is_job, read_entry
from heliostat.adapters.comfyui.options import ComfyuiOptions
from heliostat.adapters.comfyui.outcomes import OUTCOMES
from heliostat.adapters.comfyui.settings import ComfyuiSettings
from heliostat.adapters.comfyui.uploads import upload
from heliostat.adapters.comfyui.watch import Watch
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Cancelled,
    MeshError,
    Model,
    Step,
    accepted,
    adapter_module,
    completed,
    image,
    polling,
    progress,
)
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings


class ComfyuiAdapter(Adapter[ComfyuiSettings, ComfyuiOptions]):
    """ComfyUI."""

    provider = "comfyui"
    display_name = "ComfyUI"
    models = MODELS
    options = ComfyuiOptions
    outcomes = OUTCOMES

    def __init__(self, settings: ComfyuiSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self.models = offered(settings.templates, settings.offered)

    def headers(self, account: str) -> Mapping[str, str]:
        """What a proxy before the server asks for; nothing where nothing is set."""
        key = self.settings.api_key
        if key is None or not key.present():
            return {}
        text = key.reveal()
        basic = "Basic " + b64encode(text.encode()).decode()
        return {"authorization": basic if ":" in text else f"Bearer {text}"}

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """One, which needs no key."""
        return [("", 1.0, True)]

    def refusal(self, answer: Answer) -> MeshError | None:
        """The server's error bodies."""
        return refusal(answer)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that the model's templates take."""
        workflows: Workflows = model.facts
        return workflows.options

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: ComfyuiOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One prompt, submitted or gone on with, to its pictures."""
        template = template_of(call)
        seed: int | None = request.seed if request.HasField("seed") and template.fills.get("seed") else None
        if call.resume_provider_job_id:
            job = self._known(call)
        else:
            pictures = await gather(template, call)
            values = make_values(template, call, pictures)
            seed = values.get("seed")
            # What callers may not say is refused before their pictures are sent.
            options.places(template)
            files = await upload(self.http, pictures, call)
            job = await self._submit(make_workflow(template, values, files, options), template.output, call)
        yield accepted(job)
        watch = Watch(self.http, call, job)
        ended = None
        async for answer in polling.poll(call, watch.look):
            ended = read_entry(answer, job, template.output)
            if ended is not None or watch.lost:
                break
            yield progress(queue_position=watch.place)
        if ended is None:
            raise lost(call)
        if ended.fault or not ended.pictures:
            raise ended_badly(call, ended)
        for index, address in enumerate(ended.pictures[: call.image_count]):
            with call.timing.download():
                found = await self.http.get(address, call, phase="download", headers={"accept": "image/*"})
            yield image(found.body, index, seed=seed)
        yield completed(usage=events.Usage(compute_seconds=ended.seconds or 0.0))

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a prompt back, waiting or running."""
        if not is_job(provider_job_id):
            return Cancelled(found=False)
        return await cancel(self.http, provider_job_id, account)

    async def _submit(self, workflow: Mapping[str, object], output: str, call: Call) -> str:
        """The id of the prompt. One that was taken without the output node is taken back."""
        body = {"prompt": workflow, "client_id": uuid.uuid4().hex}
        answer = await self.http.post_json("/prompt", body, call)
        value = answer.json_or_none()
        job = value.get("prompt_id") if isinstance(value, Mapping) else None
        if not is_job(job):
            message = "The ComfyUI server took the workflow without an id; look into its queue."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")
        error = left_out(call, answer, output)
        if error is not None:
            with suppress(MeshError):
                await cancel(self.http, str(job), call.account)
            raise error
        return str(job)

    def _known(self, call: Call) -> str:
        if not is_job(call.resume_provider_job_id):
            message = "The job id to go on with is none of ComfyUI's; look into the server's queue."
            raise call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
        return call.resume_provider_job_id


MODULE = adapter_module(ComfyuiAdapter, ComfyuiSettings)
