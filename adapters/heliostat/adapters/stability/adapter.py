"""Adapter for Stability AI: v2beta, one form per picture, answered by the picture; two endpoints answer a job.

Source: the v2beta OpenAPI document of api.stability.ai (2026), read 2026-11-22. There is no cancel and no callback.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing

from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    MeshError,
    Model,
    Part,
    Picture,
    Step,
    accepted,
    adapter_module,
    completed,
    polling,
    progress,
)
from heliostat.adapters.sdk.stable_image import MANAGED, Endpoint, gather
from heliostat.adapters.stability.body import make_parts
from heliostat.adapters.stability.catalog import MODELS
from heliostat.adapters.stability.endpoints import MOST_FILE_BYTES
from heliostat.adapters.stability.failures import refusal
from heliostat.adapters.stability.options import StabilityOptions
from heliostat.adapters.stability.outcomes import BLOCKED_JOB, OUTCOMES
from heliostat.adapters.stability.results import is_job, read_picture, still_under_way
from heliostat.adapters.stability.settings import StabilitySettings
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests

_ROOM = "/v2beta/stable-image"
_AS_PICTURE = {"accept": "image/*"}
_MOST_USER_CHARS = 256


class StabilityAdapter(Adapter[StabilitySettings, StabilityOptions]):
    """Stability AI."""

    provider = "stability"
    display_name = "Stability AI"
    models = MODELS
    options = StabilityOptions
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
        self, model: Model, request: requests.ImageRequest, options: StabilityOptions, call: Call
    ) -> AsyncIterator[Step]:
        """One form, and the picture that answers it; or a job."""
        endpoint: Endpoint = model.facts
        if call.resume_provider_job_id:
            job = self._known(call)
        else:
            parts = make_parts(endpoint, call, options, await gather(endpoint, call, MOST_FILE_BYTES))
            heads = _user(call)
            if not endpoint.queued:
                answer = await self.http.post_multipart(
                    _ROOM + endpoint.path, parts, call, headers={**_AS_PICTURE, **heads}
                )
                yield self._read(answer, call, phase="submit")
                yield completed()
                return
            job = await self._submit(endpoint, parts, heads, call)
        async with aclosing(self._follow(job, call)) as steps:
            async for step in steps:
                yield step
        yield completed()

    async def _submit(self, endpoint: Endpoint, parts: list[Part], heads: Mapping[str, str], call: Call) -> str:
        """The id of a new job."""
        answer = (await self.http.post_multipart(_ROOM + endpoint.path, parts, call, headers=heads)).json_or_none()
        job = answer.get("id") if isinstance(answer, Mapping) else None
        if not is_job(job):
            raise self.nameless_job(call)
        return str(job)

    def _known(self, call: Call) -> str:
        if not is_job(call.resume_provider_job_id):
            raise self.foreign_job(call)
        return call.resume_provider_job_id

    async def _follow(self, job: str, call: Call) -> AsyncGenerator[Step]:
        """A job to its picture. Waits are as long as Stability AI asks for, and never shorter."""
        yield accepted(job)
        wait_s = self.settings.poll_s / 0.9
        async for answer in polling.poll(call, lambda: self._look(job, call), first_s=wait_s, longest_s=wait_s):
            if not still_under_way(answer):
                yield self._read(answer, call, phase="poll")
                return
            yield progress()

    async def _look(self, job: str, call: Call) -> Answer:
        """One look at a job. One that was refused as unsafe is over, and free."""
        try:
            answer = await self.http.get(f"/v2beta/results/{job}", call, headers=_AS_PICTURE)
        except MeshError as error:
            if error.reason != reasons.ERROR_REASON_CONTENT_BLOCKED:
                raise
            row = OUTCOMES.row("poll", BLOCKED_JOB)
            raise call.error(
                error.reason, error.message, outcome=row.outcome, billed=row.billed, phase=row.phase
            ) from None
        still_under_way(answer)
        return answer

    def _read(self, answer: Answer, call: Call, *, phase: str) -> Picture:
        """The picture of an answer; the call is known to be charged with it."""
        picture = read_picture(answer, call, phase=phase)
        call.charged_micros = call.model.price.estimate(self.order(call.model, call.request, call.size()))
        return picture


def _user(call: Call) -> Mapping[str, str]:
    """The caller's user, where the name fits into a header; dropped and told otherwise."""
    user = call.request.end_user_id
    if not user:
        return {}
    if len(user) <= _MOST_USER_CHARS and user.isascii() and user.isprintable() and user == user.strip():
        return {"stability-client-user-id": user}
    reason = f"The provider takes {_MOST_USER_CHARS} plain letters at most."
    call.adjust("user", f"{len(user)} characters", "", reason, events.ADJUSTMENT_MODE_DROPPED)
    return {}


MODULE = adapter_module(StabilityAdapter, StabilitySettings)
