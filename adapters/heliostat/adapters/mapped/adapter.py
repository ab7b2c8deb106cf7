"""Adapter for providers that a mapping file describes: one call, or a job that is polled, by what the file says."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from heliostat.adapters.mapped.answers import Look, Told, is_job, read_answer, read_job, read_look, read_reported
from heliostat.adapters.mapped.body import Order as BodyOrder
from heliostat.adapters.mapped.body import as_json, as_parts, make_fields, make_headers, managed_of
from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.endpoints import Endpoint, JobPlan
from heliostat.adapters.mapped.failures import ended_badly, hidden_error, refusal
from heliostat.adapters.mapped.mapping import Mapping as ProviderMapping
from heliostat.adapters.mapped.options import given, names_for, options_of
from heliostat.adapters.mapped.orders import order_of
from heliostat.adapters.mapped.outcomes import OUTCOMES
from heliostat.adapters.mapped.pictures import Pictures, gather
from heliostat.adapters.mapped.settings import MappedSettings, account_of, address_of, filled
from heliostat.adapters.sdk import (
    Adapter,
    Answer,
    Call,
    Cancelled,
    Choice,
    MeshError,
    Model,
    Options,
    Order,
    Step,
    accepted,
    completed,
    image,
    operation_of,
    polling,
    progress,
)
from heliostat.adapters.sdk.costing import Reported
from heliostat.adapters.sdk.links import Links
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.modules import Surroundings

_ENDED = frozenset({"done", "failed", "blocked"})


class MappedAdapter(Adapter[MappedSettings, Options]):
    """A provider, by its mapping."""

    provider = "mapped"
    outcomes = OUTCOMES

    def __init__(self, settings: MappedSettings, surroundings: Surroundings, mapping: ProviderMapping) -> None:
        super().__init__(filled(settings, mapping), surroundings)
        # Errors name the key that is used, which may be another one than the mapping's.
        auth = mapping.auth.model_copy(update={"key": self.key_name("") or mapping.auth.key})
        self.mapping = mapping.model_copy(update={"auth": auth})
        self.provider = mapping.provider  # type: ignore[misc]
        self.display_name = mapping.name  # type: ignore[misc]
        self.models = models_of(mapping)
        self.options = options_of(mapping)
        self.managed = managed_of(mapping)
        self._account = account_of(settings, mapping)

    def headers(self, account: str) -> Mapping[str, str]:
        """The key. Raises PROVIDER_AUTH_FAILED, also for an account that is not told."""
        key, auth = self.settings.api_key, self.mapping.auth
        if "{account}" in self.settings.base_url and self._account is not None:
            self._account.reveal()
        return {auth.header: f"{auth.word} {key.reveal()}".lstrip()} if key is not None else {}

    def accounts(self) -> Sequence[tuple[str, float, bool]]:
        """The one key, with the account that it needs."""
        told = self._account is None or self._account.present() or "{account}" not in self.settings.base_url
        return [(name, weight, present and told) for name, weight, present in super().accounts()]

    def refusal(self, answer: Answer) -> MeshError | None:
        """The provider's errors, by the mapping's rules."""
        return refusal(self.mapping, answer)

    def order(self, model: Model, request: requests.ImageRequest, size: Choice) -> Order:
        """The order with steps and the options that prices name."""
        return order_of(model, request, size, (self.name, self.mapping.provider), self.mapping.options)

    def option_names(self, model: Model) -> Collection[str]:
        """The options that some operation of the model takes."""
        return names_for(self.mapping, model.facts)

    async def generate_one(
        self, model: Model, request: requests.ImageRequest, options: Options, call: Call
    ) -> AsyncIterator[Step]:
        """One call that is answered by pictures, or one job."""
        endpoint = self.mapping.endpoint_of(model.facts, operation_of(request))
        pictures = Pictures()
        answer: Answer | None = None
        if not call.resume_provider_job_id:
            pictures = await gather(endpoint, call)
            answer = await self._submit(endpoint, options, call, pictures)
        reported = Reported()
        source: Call | Links = call
        if endpoint.job is not None:
            job = self._job(endpoint.job, answer, call)
            if answer is not None:
                reported = read_reported(endpoint.job.cost, answer, answer.json_or_none())
            yield accepted(job)
            source = self._links(endpoint, endpoint.job, job, call)
            looks = self._looks(endpoint.job, job, call)
            async with aclosing(looks):
                async for looked, look in looks:
                    answer = looked
                    if look.state == "done":
                        break
                    yield progress(percent=look.percent)
        if answer is None:
            message = f"{model.name} has no jobs that could be gone on with; ask anew."
            raise call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
        told = read_answer(endpoint.answer, answer)
        if told.reported.micros is not None or told.reported.doubt:
            reported = told.reported
        self._charge(call, told, reported)
        revised = told.prompt if told.prompt != request.prompt else ""
        for index, one in enumerate(told.pictures[: call.image_count]):
            known: dict[str, Any] = {"seed": None if index else told.seed, "revised_prompt": revised}
            known["flagged"] = index in told.flagged
            yield image(one, index, **known) if isinstance(one, bytes) else await source.fetch(one, index, **known)
        yield completed(
            usage=event_pb2.Usage(billed_units=told.units) if told.units else None,
            reported_micros=reported.micros,
            doubt=reported.doubt,
            input_sizes=pictures.sizes,
        )

    async def _submit(self, endpoint: Endpoint, options: Options, call: Call, pictures: Pictures) -> Answer:
        """The answer to the one call that may be billed."""
        taken = given(options, endpoint, call.model.name, self.mapping.provider)
        order = BodyOrder(self.mapping, call.model.facts, endpoint, call, pictures, taken)
        fields, headers = make_fields(order), make_headers(order)
        url = address_of(self.settings, self.mapping, endpoint, call.model)
        if endpoint.body == "form":
            answer = await self.http.post_multipart(url, as_parts(fields, call.passed_on), call, headers=headers)
        else:
            answer = await self.http.post_json(url, as_json(fields, call.passed_on), call, headers=headers)
        error = self._hidden(answer, call)
        if error is not None:
            raise error
        return answer

    def _hidden(self, answer: Answer, call: Call) -> MeshError | None:
        """The error in a good answer; None where it is a success."""
        secrets = [value.split()[-1] for value in self.headers(call.account).values()]
        return hidden_error(self.mapping, answer, call, secrets)

    def _job(self, plan: JobPlan, answer: Answer | None, call: Call) -> str:
        """The id of the job: that of the answer, or the one that is gone on with."""
        if answer is not None:
            job = read_job(plan, answer)
            if not job:
                message = f"{self.mapping.name} took the request without an id of the job; look into its dashboard."
                raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="submit")
            return job
        if not is_job(call.resume_provider_job_id):
            message = f"The job id to go on with is none of {self.mapping.name}'s; look it up in its dashboard."
            raise call.error(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, message, phase="poll")
        return call.resume_provider_job_id

    async def _looks(self, plan: JobPlan, job: str, call: Call) -> AsyncGenerator[tuple[Answer, Look]]:
        """Looks at a job until it is done. Raises what a job that failed comes to."""
        path = _path(plan.path, job)
        async for answer in polling.poll(call, lambda: self._look(path, call)):
            look = read_look(plan, answer)
            if look.state in ("failed", "blocked"):
                raise ended_badly(self.mapping, plan, call, look.why, blocked=look.state == "blocked")
            yield answer, look
            if look.state in _ENDED:
                return

    async def _look(self, path: str, call: Call) -> Answer:
        answer = await self.http.get(path, call)
        error = self._hidden(answer, call)
        if error is None:
            return answer
        # The job was taken: that a look is refused says nothing of what it costs.
        error.failure = call.failure()
        raise error

    def _links(self, endpoint: Endpoint, plan: JobPlan, job: str, call: Call) -> Links:
        return Links(
            call,
            lambda: self._look(_path(plan.path, job), call),
            lambda answer: [
                one if isinstance(one, str) else "" for one in read_answer(endpoint.answer, answer).pictures
            ],
        )

    def _charge(self, call: Call, told: Told, reported: Reported) -> None:
        """Notes what the call costs, whatever may still go wrong. Raises PROVIDER_ANSWER_INVALID for no picture."""
        if told.pictures or told.broken or reported.micros is not None:
            order = self.order(call.model, call.request, call.size())
            # More pictures than were asked for are not believed to be charged.
            count = min(max(1, len(told.pictures)), call.image_count)
            expected = call.model.price.estimate(replace(order, image_count=count))
            call.charged_micros = reported.micros if reported.micros is not None else expected
        if not told.pictures:
            message = f"{self.mapping.name} answered without a picture; ask again later or elsewhere."
            raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Takes a job back where the mapping says how; such a job is not known elsewhere."""
        plans = (endpoint.job for endpoint in self.mapping.endpoints_of(model.facts))
        plan = next((plan for plan in plans if plan is not None and plan.cancel is not None), None)
        if plan is None or plan.cancel is None or not is_job(provider_job_id):
            return Cancelled(found=False)
        path = _path(plan.cancel.path, provider_job_id)
        try:
            await (self.http.put if plan.cancel.method == "put" else self.http.delete)(path)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_PROVIDER_MODEL_GONE:
                return Cancelled(found=False)
            raise
        return Cancelled(found=True, free=plan.cancel.free)


def _path(template: str, job: str) -> str:
    return template.replace("{job}", quote(job, safe=""))
